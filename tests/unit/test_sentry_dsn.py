"""Sentry's address, and what the Collector is given of it."""

import pytest

from telemetry import cli
from telemetry.sentry import dsn


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


def test_the_command_prints_a_dotenv(capsys: pytest.CaptureFixture[str]) -> None:
    """Its output can be appended to `.env` as it is."""
    assert cli.main(["sentry", "https://key@o1.ingest.sentry.io/42"]) == 0
    assert capsys.readouterr().out == (
        "SENTRY_OTLP_ENDPOINT=https://o1.ingest.sentry.io/api/42/integration/otlp\nSENTRY_PUBLIC_KEY=key\n"
    )
    assert cli.main(["sentry", "o1.ingest.sentry.io"]) == 2
    assert "the DSN is no http or https address\nwrite https://" in capsys.readouterr().err
