"""What becomes of one OTLP request, and what is behind a failure.

In: an encoded request; what our senders, OpenSSL or the collector said. Out: an `Outcome`; the cause of a failure and
its hint, where it is a known one. State: none; senders own their connections.

Whoever refuses a sender says so in the words of its own layer: a port that speaks TLS closes the socket, one that does
not has a wrong version number.
"""

import zlib
from dataclasses import dataclass
from typing import Final, Protocol

LONGEST_ANSWER: Final = 4 * 2**20
"""Bytes of an answer at most, as gRPC has it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the collector made of a request.

    `response` is its encoded answer where it took the request. Otherwise `problem` says why not, `retry` whether the
    same request may succeed later, and `wait` how many seconds the collector asked us to leave it alone.
    """

    response: bytes | None = None
    problem: str = ""
    retry: bool = False
    wait: float | None = None


class CallError(Exception):
    """A call came to nothing: `code` is gRPC's name for it; `unprocessed` says that nobody has seen the request."""

    def __init__(self, problem: str, code: str = "UNAVAILABLE", *, unprocessed: bool = False) -> None:
        super().__init__(problem)
        self.code = code
        self.unprocessed = unprocessed


class HungUpError(CallError):
    """The other side has closed the connection."""


class Sender(Protocol):
    """Sends requests of one signal, one at a time, on one thread."""

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Send and return within about `timeout` seconds. Never raises."""
        ...

    def close(self) -> None:
        """Break off what is being sent, from any thread. Nothing is sent afterwards."""
        ...


def unpacked(message: bytes) -> bytes:
    """Return what was packed by gzip or deflate; nothing where it cannot be read."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(message, LONGEST_ANSWER)
    except zlib.error:
        return b""


_UNTRUSTED: Final = (
    "the collector's certificate is of an authority that is not trusted here: name its PEM file in "
    "OTEL_EXPORTER_OTLP_CERTIFICATE"
)
_NAME: Final = "the collector's certificate is for another name: use one of its names in OTEL_EXPORTER_OTLP_ENDPOINT"
_TOKEN: Final = "it asks for a token: set OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN"  # noqa: S105
_STRANGER: Final = (
    "it hangs up, as on senders without a certificate that it knows: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and "
    "OTEL_EXPORTER_OTLP_CLIENT_KEY"
)
_PLAIN: Final = "that port speaks plain text: write http:// in OTEL_EXPORTER_OTLP_ENDPOINT"
_TLS: Final = "that port speaks TLS: write https:// in OTEL_EXPORTER_OTLP_ENDPOINT"
_BROKEN_OFF: Final = (
    "where that port speaks TLS, write https:// in OTEL_EXPORTER_OTLP_ENDPOINT; where it speaks gRPC, name the port "
    "for HTTP, usually 4318; else see the log of the collector, and of any proxy before it"
)
_HTTP: Final = (
    "name its port for gRPC, usually 4317, in OTEL_EXPORTER_OTLP_ENDPOINT, or set "
    "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
)
_REDIRECT: Final = "name the collector itself in OTEL_EXPORTER_OTLP_ENDPOINT, if that is where it is"

_CAUSES: Final = (
    ("certificate has expired", "renew the collector's certificate"),
    ("not yet valid", "the collector's certificate is not valid yet: compare the clocks of both machines"),
    ("self-signed certificate", _UNTRUSTED),
    ("self signed certificate", _UNTRUSTED),
    ("unable to get", _UNTRUSTED),
    ("doesn't match", _NAME),
    ("not valid for", _NAME),
    ("WRONG_VERSION_NUMBER", _PLAIN),
    ("CERTIFICATE_REQUIRED", _STRANGER),
    ("UNKNOWN_CA", _STRANGER),
    ("hung up after the TLS handshake", _STRANGER),
    ("EOF occurred in violation of protocol", _STRANGER),
    ("HTTP request to an HTTPS server", _TLS),
    ("in the TLS handshake", "where that port speaks plain text, write http:// in OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("it speaks TLS", _TLS),
    (r"BadStatusLine('\x15\x03", _TLS),  # an alert of TLS where HTTP should stand
    ("it broke off plain HTTP", _BROKEN_OFF),
    ("it speaks HTTP/1", _HTTP),
    ("Socket closed", "where that port speaks TLS, write https:// in OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("a redirect is not followed", _REDIRECT),
    ("UNAUTHENTICATED", _TOKEN),
    ("HTTP 401", _TOKEN),
)
"""A part of what was said; what to do. The first that fits."""


def explained(problem: str) -> str:
    """Return `problem`, with its hint where one is known."""
    for part, hint in _CAUSES:
        if part in problem:
            return f"{problem}; {hint}"
    return problem
