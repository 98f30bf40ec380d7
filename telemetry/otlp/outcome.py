"""The outcome of one OTLP request, the interface of senders, and hints for known problems.

A problem is reported in the words of the layer that found it: a port that expects TLS just closes the connection, and
OpenSSL reports a wrong version number for one that does not. `explained` adds what to do about it.
"""

import zlib
from dataclasses import dataclass, field
from typing import Final, Protocol

from telemetry.otlp import tls_reasons

MAX_RESPONSE_BYTES: Final = 4 * 2**20
"""As in gRPC."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request.

    `response` is the collector's encoded response if it accepted the request. Otherwise `problem` is the reason,
    `error` its kind in one word (gRPC's code, HTTP's status or the exception's class), `retry` whether the same request
    may succeed later, and `wait` the delay in seconds that the collector asked for.
    """

    response: bytes | None = None
    problem: str = ""
    retry: bool = False
    wait: float | None = None
    error: str = field(default="", compare=False)


class CallError(Exception):
    """A call failed with gRPC's status `code`; `unprocessed` means that the server has not processed the request."""

    def __init__(self, problem: str, code: str = "UNAVAILABLE", *, unprocessed: bool = False) -> None:
        super().__init__(problem)
        self.code = code
        self.unprocessed = unprocessed


class ClosedError(CallError):
    """The other side has closed the connection."""


class Sender(Protocol):
    """Sends requests of one signal, one at a time, on one thread."""

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Send and return within about `timeout` seconds. Never raises."""
        ...

    def close(self) -> None:
        """Cancel the request that is being sent, from any thread. Nothing is sent afterwards."""
        ...


def decompressed(message: bytes) -> bytes:
    """Return a message that is compressed by gzip or deflate; empty if it is malformed."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(message, MAX_RESPONSE_BYTES)
    except zlib.error:
        return b""


_UNTRUSTED: Final = (
    "the collector's certificate is of an authority that is not trusted here: set OTEL_EXPORTER_OTLP_CERTIFICATE to "
    "its PEM file"
)
_NAME: Final = "the collector's certificate is for another name: use one of its names in OTEL_EXPORTER_OTLP_ENDPOINT"
_TOKEN: Final = "it asks for a token: set OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN"  # noqa: S105
_CLIENT_CERTIFICATE: Final = (
    "the collector asks for a client certificate that it knows: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and "
    "OTEL_EXPORTER_OTLP_CLIENT_KEY"
)
_PLAIN: Final = "that port speaks plain text: write http:// in OTEL_EXPORTER_OTLP_ENDPOINT"
_TLS: Final = "that port speaks TLS: write https:// in OTEL_EXPORTER_OTLP_ENDPOINT"
_CLOSED: Final = (
    "if that port speaks TLS, write https:// in OTEL_EXPORTER_OTLP_ENDPOINT; if it speaks gRPC, use the port for HTTP, "
    "usually 4318; else see the log of the collector, and of any proxy before it"
)
_HTTP: Final = (
    "set OTEL_EXPORTER_OTLP_ENDPOINT to its port for gRPC, usually 4317, or set "
    "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
)
_REDIRECT: Final = "set OTEL_EXPORTER_OTLP_ENDPOINT to that URL, if it is the collector's"

_TLS_HINTS: Final[dict[tls_reasons.Reason, str]] = {
    "expired": "renew the collector's certificate",
    "not_yet_valid": "the collector's certificate is not valid yet: compare the clocks of both machines",
    "untrusted": _UNTRUSTED,
    "wrong_name": _NAME,
    "plain_text": _PLAIN,
    "certificate_required": _CLIENT_CERTIFICATE,
    "unknown_authority": _CLIENT_CERTIFICATE,
}
_CAUSES: Final = (
    ("closed after the TLS handshake", _CLIENT_CERTIFICATE),
    ("EOF occurred in violation of protocol", _CLIENT_CERTIFICATE),
    ("HTTP request to an HTTPS server", _TLS),
    ("in the TLS handshake", "if that port speaks plain text, write http:// in OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("it speaks TLS", _TLS),
    (r"BadStatusLine('\x15\x03", _TLS),  # a TLS alert in place of HTTP
    ("it closed a plain HTTP connection", _CLOSED),
    ("it speaks HTTP/1", _HTTP),
    ("closed before the HTTP/2 handshake", "if that port speaks TLS, write https:// in OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("a redirect is not followed", _REDIRECT),
    ("UNAUTHENTICATED", _TOKEN),
    ("HTTP 401", _TOKEN),
)
"""Part of a problem, and the hint. The first match counts."""


def explained(problem: str) -> str:
    """Return `problem`, followed by a hint if its cause is known."""
    found = tls_reasons.match(problem)
    hint = _TLS_HINTS.get(found.reason) if found else None
    hint = hint or next((hint for part, hint in _CAUSES if part in problem), None)
    return f"{problem}; {hint}" if hint else problem
