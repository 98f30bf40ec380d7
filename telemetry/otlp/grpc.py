"""Sends OTLP by gRPC.

In: encoded requests. Out: outcomes. State: one connection, owned by the `Caller`.

A gRPC call with one request and one answer is HTTP/2 and five bytes. That is done here, on a socket, by the thread that
calls, rather than by gRPC's own library: its threads would live in every process of our users, and where one of them
is busy at a fork, the child's gRPC hangs or aborts, the user's own included (docs/decisions/0009-own-grpc-sender.md).

The codes are of gRPC's `doc/PROTOCOL-HTTP2.md` and `doc/http-grpc-status-mapping.md`; which of them may be tried again,
of the OTLP specification.
"""

import base64
import gzip
import time
from typing import Final
from urllib.parse import unquote

from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no types are published
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # as above

from telemetry.config.settings import ExporterSettings
from telemetry.config.version import own_version
from telemetry.otlp.caller import Caller
from telemetry.otlp.connection import Wire
from telemetry.otlp.http2 import Answer, Headers, Http2
from telemetry.otlp.outcome import CallError, Outcome, unpacked
from telemetry.otlp.target import proxy_before, target_of

_CODES: Final = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
"""By their numbers."""
_OF_HTTP: Final = {
    400: "INTERNAL", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "UNIMPLEMENTED", 429: "UNAVAILABLE",
    502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "UNAVAILABLE",
}  # fmt: skip
_OF_RESET: Final = {7: "UNAVAILABLE", 8: "CANCELLED", 11: "RESOURCE_EXHAUSTED", 12: "PERMISSION_DENIED"}
_RETRYABLE: Final = {
    "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS",
}  # fmt: skip
_PREFIX = 5  # bytes before a message: compressed or not, 4 of length
_LONGEST_WORDS = 1000


def outcome_of(answer: Answer) -> Outcome:
    """Return what the collector made of a request."""
    told = answer.headers | answer.trailers
    code, problem = _status(answer, told)
    if code == "OK":
        return Outcome(_message(answer))
    return failed(code, problem, _asked_wait(told.get("grpc-status-details-bin", "")))


def failed(code: str, problem: str, wait: float | None = None) -> Outcome:
    """Return the outcome of a call that ended with `code`."""
    # RESOURCE_EXHAUSTED without a time to wait means that the request is too big or the quota spent: see OTLP.
    retry = code in _RETRYABLE and (code != "RESOURCE_EXHAUSTED" or wait is not None)
    return Outcome(problem=f"{code}: {problem}", retry=retry, wait=wait)


def _status(answer: Answer, told: dict[str, str]) -> tuple[str, str]:
    """Return the code and its words. Whoever does not speak gRPC, such as a proxy, tells them by HTTP."""
    if (number := told.get("grpc-status", "")).isdecimal():
        return _CODES[int(number)] if int(number) < len(_CODES) else "UNKNOWN", _words(told.get("grpc-message", ""))
    if answer.reset is not None:
        return _OF_RESET.get(answer.reset, "INTERNAL"), f"it broke the call off, with HTTP/2's code {answer.reset}"
    status = told.get(":status", "")
    code = _OF_HTTP.get(int(status) if status.isdecimal() else 0, "UNKNOWN")
    kind = told.get("content-type", "no type")[:100]
    return code, f"Received http2 header with status: {status} ({kind}), not gRPC"


def _words(message: str) -> str:
    """Return a message, of which gRPC encodes what is not ASCII, in one line that is not endless."""
    plain = unquote(message, errors="replace")
    return "".join(letter if letter.isprintable() else " " for letter in plain)[:_LONGEST_WORDS]


def _message(answer: Answer) -> bytes:
    """Return the message that came. Whatever stands there: the request was taken."""
    packed = bool(answer.body[:1] != b"\0")
    message = bytes(answer.body[_PREFIX : _PREFIX + int.from_bytes(answer.body[1:_PREFIX], "big")])
    return unpacked(message) if packed and message else message


def _asked_wait(details: str) -> float | None:
    """Return the seconds in the status's `RetryInfo`, which is how OTLP by gRPC says when to come back."""
    try:
        status = Status.FromString(base64.b64decode(details + "=" * (-len(details) % 4)))
    except Exception:  # noqa: BLE001  base64's and protobuf's errors: whatever else stands there
        return None
    for detail in status.details:
        info = RetryInfo()
        if detail.Is(RetryInfo.DESCRIPTOR) and detail.Unpack(info):
            return max(0.0, float(info.retry_delay.seconds) + float(info.retry_delay.nanos) / 1e9)
    return None


_NOT_THEIRS = {
    "te", "content-type", "user-agent", "host", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding",
    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "content-length",
}  # fmt: skip
"""Headers that are ours to say, or that HTTP/2 does not have: among the user's they are passed over, as by gRPC."""
_LONGEST_TIMEOUT = 99_999_999  # milliseconds: gRPC has eight digits


class GrpcSender(Caller[Http2, Answer]):
    """Sends requests of one signal to one collector."""

    def __init__(self, settings: ExporterSettings, method: str) -> None:
        super().__init__(settings)
        self._target = target_of(settings)
        self._headers = _headers(settings, method, self._target.tls, self._target.authority)
        self._unfit = [name for name, value in self._headers if not _is_fit(value)]

    def _outcome(self, request: bytes, deadline: float) -> Outcome:
        if self._unfit:
            return failed("INTERNAL", f"gRPC's headers are ASCII, {self._unfit[0]} is not: use {self._unfit[0]}-bin")
        try:
            return outcome_of(self._answer(_body(request, self._settings.compression), deadline))
        except CallError as error:
            return failed(error.code, str(error))
        except OSError as error:  # OpenSSL's among them; a certificate may be renewed
            return failed("UNAVAILABLE", f"{self._target.name}: {error}")
        except Exception as error:  # noqa: BLE001  nothing here may reach the thread
            return Outcome(problem=f"{type(error).__name__}: {error}", retry=True)

    def _call(self, body: bytes, deadline: float) -> Answer:
        done = False
        try:
            http2 = self._connected(deadline)
            left = min(max(1, int((deadline - time.monotonic()) * 1000)), _LONGEST_TIMEOUT)
            answer = http2.call([*self._headers, ("grpc-timeout", f"{left}m")], body)
            done = not http2.ending
            return answer
        finally:
            if not done:  # whatever is still on its way belongs to a call that is over
                self._drop()

    def _begun(self, wire: Wire) -> Http2:
        wire.open(self._target, proxy_before(self._target), self._settings)
        wire.awaited = f"HTTP/2 from {self._target.name}"
        http2 = Http2(wire)
        http2.greet()
        wire.awaited = f"an answer from {self._target.name}"
        return http2


def _headers(settings: ExporterSettings, method: str, tls: bool, authority: str) -> Headers:
    encoding = [("grpc-encoding", "gzip")] if settings.compression == "gzip" else []
    theirs = [(name, _value(name, value)) for name, value in settings.headers if name not in _NOT_THEIRS]
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
        *theirs,
    ]


def _value(name: str, value: str) -> str:
    """Return a header's value as gRPC has it: of bytes in base64, else as it is."""
    return base64.b64encode(value.encode()).decode().rstrip("=") if name.endswith("-bin") else value


def _is_fit(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _body(request: bytes, compression: str) -> bytes:
    packed = compression == "gzip"
    message = gzip.compress(request) if packed else request
    return bytes((packed,)) + len(message).to_bytes(4, "big") + message
