"""Sentry's address, and what the Collector is given of it."""

import pytest

from telemetry.config import dsn


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ("https://key@o1.ingest.sentry.io/42", "https://o1.ingest.sentry.io/api/42/integration/otlp"),
        ("https://key:old@sentry.shop.example:9000/42", "https://sentry.shop.example:9000/api/42/integration/otlp"),
        ("http://key@10.0.0.1/sentry/42", "http://10.0.0.1/sentry/api/42/integration/otlp"),
        ("http://key@[::1]:9000/42/", "http://[::1]:9000/api/42/integration/otlp"),
    ],
)
def test_the_otlp_endpoint_of_a_project(given: str, endpoint: str) -> None:
    """Scheme, host, port and path are the DSN's, self-hosted ones included."""
    parsed = dsn.parse(given)
    assert (parsed.otlp_endpoint, parsed.public_key) == (endpoint, "key")
