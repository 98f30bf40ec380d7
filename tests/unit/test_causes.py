"""What a failed export means, in words that say what to do."""

import pytest

from telemetry.pipeline.causes import explained


@pytest.mark.parametrize(
    ("problem", "mend"),
    [
        ("HTTP 401 Unauthorized: no", "asks for a token"),
        ("UNAUTHENTICATED: no", "asks for a token"),
        ("TLS: [SSL: WRONG_VERSION_NUMBER]", "write http://"),
        ("HTTP 400 Bad Request: Client sent an HTTP request to an HTTPS server.", "write https://"),
        ("UNAVAILABLE: Socket closed before HTTP/2 came (it hung up)", "write https://"),
        ("UNAVAILABLE: it speaks TLS, not plain text", "write https://"),
        ("UNAVAILABLE: it speaks HTTP/1, not gRPC", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
        ("CERTIFICATE_VERIFY_FAILED: certificate has expired", "renew"),
        ("CERTIFICATE_VERIFY_FAILED: certificate is not yet valid", "compare the clocks"),
        ("CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        ("IP address mismatch, certificate is not valid for '127.0.0.2'", "for another name"),
        ("it hung up after the TLS handshake (it hung up)", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
    ],
)
def test_a_known_cause_has_its_mend(problem: str, mend: str) -> None:
    """What was said stays, and what to do stands behind it."""
    told = explained(problem)
    assert told.startswith(f"{problem}; ")
    assert mend in told


@pytest.mark.parametrize("problem", ["", "UNAVAILABLE: Connection refused", "HTTP 503 Service Unavailable"])
def test_what_is_clear_or_unknown_stays_as_it_is(problem: str) -> None:
    """No guess is made."""
    assert explained(problem) == problem
