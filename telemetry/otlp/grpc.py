"""Sends OTLP over gRPC, without gRPC's library.

A unary gRPC call is an HTTP/2 request whose message has a prefix of five bytes. The thread that calls does it here, on
a socket. gRPC's library would run threads in every process of our users, and if one of them is busy at a fork, gRPC
hangs or aborts in the child, for the user's own calls too (docs/decisions/0009-own-grpc-sender.md).

Status codes follow gRPC's `doc/PROTOCOL-HTTP2.md` and `doc/http-grpc-status-mapping.md`; the OTLP specification
defines which of them may be retried.
"""

import base64
import gzip
import time
from typing import Final
from urllib.parse import unquote

from telemetry.config.settings import ExporterSettings
from telemetry.config.version import own_version
from telemetry.otlp.caller import Caller
from telemetry.otlp.connection import Connection
from telemetry.otlp.http2 import Headers, Http2, Response
from telemetry.otlp.outcome import CallError, Outcome, decompressed
from telemetry.otlp.status import retry_delay
from telemetry.otlp.target import grpc_proxy_for, grpc_target

_CODES: Final = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
"""At the index of their numbers."""
_FROM_HTTP: Final = {
    400: "INTERNAL", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "UNIMPLEMENTED", 429: "UNAVAILABLE",
    502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "UNAVAILABLE",
}  # fmt: skip
_FROM_RESET: Final = {7: "UNAVAILABLE", 8: "CANCELLED", 11: "RESOURCE_EXHAUSTED", 12: "PERMISSION_DENIED"}
_RETRYABLE: Final = {
    "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS",
}  # fmt: skip
_PREFIX = 5  # bytes before a message: compressed or not, 4 of length
_MAX_REASON = 1000  # characters
_RESERVED_HEADERS = {
    "te", "content-type", "user-agent", "host", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding",
    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "content-length",
}  # fmt: skip
"""Headers that we set, or that HTTP/2 does not have: ignored among the user's headers, as gRPC does."""
_MAX_TIMEOUT_MS = 99_999_999  # grpc-timeout has at most eight digits


def outcome_of(response: Response) -> Outcome:
    """Return the outcome of a call from its response."""
    headers = response.headers | response.trailers
    code, problem = _status(response, headers)
    if code == "OK":
        return Outcome(_message(response))
    return failed(code, problem, _retry_delay(headers.get("grpc-status-details-bin", "")))


def failed(code: str, problem: str, wait: float | None = None) -> Outcome:
    """Return the outcome of a call that ended with `code`."""
    # OTLP: RESOURCE_EXHAUSTED without a retry delay means that a retry would not help.
    retry = code in _RETRYABLE and (code != "RESOURCE_EXHAUSTED" or wait is not None)
    return Outcome(problem=f"{code}: {problem}", error=code, retry=retry, wait=wait)


def _status(response: Response, headers: dict[str, str]) -> tuple[str, str]:
    """Return the status code and message; from the HTTP status if the server, such as a proxy, does not speak gRPC."""
    if (number := headers.get("grpc-status", "")).isdecimal():
        code = _CODES[int(number)] if int(number) < len(_CODES) else "UNKNOWN"
        return code, _one_line(headers.get("grpc-message", ""))
    if response.reset is not None:
        return _FROM_RESET.get(response.reset, "INTERNAL"), f"it reset the stream with HTTP/2 error {response.reset}"
    status = headers.get(":status", "")
    code = _FROM_HTTP.get(int(status) if status.isdecimal() else 0, "UNKNOWN")
    kind = headers.get("content-type", "no type")[:100]
    return code, f"Received http2 header with status: {status} ({kind}), not gRPC"


def _one_line(message: str) -> str:
    """Decode a percent-encoded message; return it as one line of limited length."""
    plain = unquote(message, errors="replace")
    return "".join(letter if letter.isprintable() else " " for letter in plain)[:_MAX_REASON]


def _message(response: Response) -> bytes:
    """Return the message of a response. It may be malformed: the request was accepted anyway."""
    compressed = bool(response.body[:1] != b"\0")
    message = bytes(response.body[_PREFIX : _PREFIX + int.from_bytes(response.body[1:_PREFIX], "big")])
    return decompressed(message) if compressed and message else message


def _retry_delay(details: str) -> float | None:
    """Return the seconds in the `RetryInfo` of a status, by which a collector asks for a delay before the retry."""
    try:
        return retry_delay(base64.b64decode(details + "=" * (-len(details) % 4)))
    except Exception:  # noqa: BLE001  whatever a collector sends
        return None


class GrpcSender(Caller[Http2, Response]):
    """Sends requests of one signal to one collector."""

    def __init__(self, settings: ExporterSettings, method: str) -> None:
        super().__init__(settings)
        self._target = grpc_target(settings)
        self._headers = _headers(settings, method, self._target.tls, self._target.authority)
        self._invalid = [name for name, value in self._headers if not _is_valid(value)]

    def _outcome(self, request: bytes, deadline: float) -> Outcome:
        if self._invalid:
            name = self._invalid[0]
            return failed("INTERNAL", f"gRPC headers must be ASCII, and {name} is not: use {name}-bin")
        try:
            return outcome_of(self._call_twice(_body(request, self._settings.compression), deadline))
        except CallError as error:
            return failed(error.code, str(error))
        except OSError as error:  # also OpenSSL's errors; retried, as a certificate may be renewed
            return failed("UNAVAILABLE", f"{self._target.name}: {error}")
        except Exception as error:  # noqa: BLE001  an error must not end the thread
            return Outcome(problem=f"{type(error).__name__}: {error}", error=type(error).__name__, retry=True)

    def _call(self, body: bytes, deadline: float) -> Response:
        done = False
        try:
            http2 = self._connected(deadline)
            timeout_ms = min(max(1, int((deadline - time.monotonic()) * 1000)), _MAX_TIMEOUT_MS)
            response = http2.call([*self._headers, ("grpc-timeout", f"{timeout_ms}m")], body)
            done = not http2.goaway_received
            return response
        finally:
            if not done:  # bytes that still arrive belong to this call, not to the next
                self._drop()

    def _open(self, connection: Connection) -> Http2:
        connection.open(self._target, grpc_proxy_for(self._target), self._settings)
        connection.phase = f"HTTP/2 handshake with {self._target.name}"
        http2 = Http2(connection)
        http2.handshake()
        connection.phase = f"response from {self._target.name}"
        return http2


def _headers(settings: ExporterSettings, method: str, tls: bool, authority: str) -> Headers:
    encoding = [("grpc-encoding", "gzip")] if settings.compression == "gzip" else []
    custom = [(name, _value(name, value)) for name, value in settings.headers if name not in _RESERVED_HEADERS]
    return [
        (":method", "POST"),
        (":scheme", "https" if tls else "http"),
        (":path", method),
        (":authority", authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", f"search-telemetry/{own_version()}"),
        *encoding,
        ("grpc-accept-encoding", "identity,gzip"),
        *custom,
    ]


def _value(name: str, value: str) -> str:
    """Return a header's value as gRPC sends it: base64 for binary headers, which end in -bin."""
    return base64.b64encode(value.encode()).decode().rstrip("=") if name.endswith("-bin") else value


def _is_valid(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _body(request: bytes, compression: str) -> bytes:
    compressed = compression == "gzip"
    message = gzip.compress(request) if compressed else request
    return bytes((compressed,)) + len(message).to_bytes(4, "big") + message
