"""What the answer to a gRPC call means.

In: headers, body and trailers. Out: an `Outcome`. State: none.

The codes are of gRPC's `doc/PROTOCOL-HTTP2.md` and `doc/http-grpc-status-mapping.md`; which of them may be tried again,
of the OTLP specification.
"""

import base64
from typing import Final
from urllib.parse import unquote

from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no types are published
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # as above

from telemetry.otlp.http2 import Answer
from telemetry.otlp.outcome import Outcome, unpacked

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
