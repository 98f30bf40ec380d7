"""Which endpoints are on this machine's loopback."""

import pytest

from telemetry.otlp.target import is_loopback


@pytest.mark.parametrize(
    "endpoint",
    [
        "localhost",
        "localhost:4317",
        "http://user:secret@localhost:4318/v1/traces",
        "http://collector.localhost:4318",
        "127.0.0.2:4317",
        "::1",
        "[::1]:4317",
        "http://[::1]:4318",
        "::ffff:127.0.0.1",
    ],
)
def test_loopback(endpoint: str) -> None:
    assert is_loopback(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    ["", "collector", "localhost.example.org:4317", "127.example.org", "10.0.0.1:4317", "fe80::1%eth0", "http://[::1"],
)
def test_not_loopback(endpoint: str) -> None:
    assert not is_loopback(endpoint)
