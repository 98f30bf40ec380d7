"""Reads the `google.rpc.Status` of a collector's error, without protobuf's message classes.

In: its bytes. Out: the message to log and the delay to obey. State: none. The messages are described in
google/rpc/status.proto and google/rpc/error_details.proto.
"""

from typing import Any, Final

from telemetry.otlp.writing.wire import fields

_MESSAGE, _DETAIL = 2, 3  # of `Status`
_TYPE, _VALUE = 1, 2  # of `Any`
_DELAY: Final = 1  # of `RetryInfo`
_SECONDS, _NANOS = 1, 2  # of `Duration`
_RETRY_INFO: Final = b"/google.rpc.RetryInfo"


def message_of(status: bytes) -> str:
    """Return the message of a status. Raises ValueError or TypeError if it is not one."""
    return str(dict(fields(status)).get(_MESSAGE, b""), "utf-8")  # type: ignore[arg-type]  # raises TypeError


def retry_delay(status: bytes) -> float | None:
    """Return the seconds in the `RetryInfo` of a status; None without it. Raises ValueError or TypeError as above."""
    for number, detail in fields(status):
        if number == _DETAIL and isinstance(detail, bytes):
            parts: dict[int, Any] = dict(fields(detail))
            kind = parts.get(_TYPE)
            if isinstance(kind, bytes) and kind.endswith(_RETRY_INFO):
                info: dict[int, Any] = dict(fields(parts.get(_VALUE, b"")))
                delay: dict[int, Any] = dict(fields(info.get(_DELAY, b"")))
                return max(0.0, _signed(delay.get(_SECONDS, 0)) + _signed(delay.get(_NANOS, 0)) / 1e9)
    return None


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
