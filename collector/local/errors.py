"""Errors of the local collector, each with a `message` (what is wrong, and where) and a `hint` (what to do)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self


def sentence(text: str) -> str:
    """A message or a hint, with a capital and a full stop (or the mark that it ends with)."""
    end = "" if text.endswith((".", "?", "!")) else "."
    return text and f"{text[:1].upper()}{text[1:]}{end}"


class CollectorError(Exception):
    """An error that a user can fix."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


class StoppingError(CollectorError):
    """The collector ends: it answers nothing more."""

    def __init__(self) -> None:
        super().__init__("The collector is stopping.", "Start it again: telemetry collect.")


class SettingsError(CollectorError):
    """Invalid settings: all mistakes at once."""


class PortTakenError(CollectorError):
    """An address to listen on is in use, or not allowed."""


class StoreError(CollectorError):
    """The store cannot be opened or used."""


class StoreHeldError(StoreError):
    """Another process has the store open."""


class StoreDamagedError(StoreError):
    """The file is not a store, or is damaged."""


class StoreForeignError(StoreError):
    """The file belongs to another program: it is not changed."""


class QueryError(CollectorError):
    """A query that cannot be answered. `code` is `bad_request`, `not_found` or `ambiguous`."""

    _HTTP_STATUS: ClassVar = {"bad_request": 400, "not_found": 404, "ambiguous": 400}

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.code = code
        self.http_status = self._HTTP_STATUS[code]


class RefusedError(CollectorError):
    """An export that is not accepted. Each kind declares how that is answered and counted."""

    http_status: ClassVar[int]
    grpc_code: ClassVar[int]
    """As in `google.rpc.Code`."""
    counter: ClassVar[str]
    """The counter of `SignalStats` that counts it."""
    headers: ClassVar[Mapping[str, str]] = {}
    """Of the answer over HTTP."""
    retry_after_s: float | None = None
    """When the sender may try again; None: sending the same export again does not help."""

    def without_traceback(self) -> Self:
        """The same, holding no frames: those have the export's body, and a reference cycle would keep it."""
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)


class MalformedError(RefusedError):
    """The payload does not match its content type."""

    http_status, grpc_code, counter = 400, 3, "malformed"


class TooLargeError(RefusedError):
    """The payload is above a limit."""

    http_status, grpc_code, counter = 413, 8, "malformed"  # 8 without RetryInfo: senders do not try again


class UnsupportedError(RefusedError):
    """A content type or content encoding that the receiver does not read."""

    http_status, grpc_code, counter = 415, 3, "malformed"


class TooSlowError(RefusedError):
    """The payload did not arrive in time."""

    http_status, grpc_code, counter = 408, 4, "malformed"
    headers = {"Connection": "close"}  # noqa: RUF012 (a constant); the rest of the body is not read


class UnauthorizedError(RefusedError):
    """The sender has not shown a token that is accepted."""

    http_status, grpc_code, counter = 401, 16, "unauthorized"
    headers = {"WWW-Authenticate": 'Bearer realm="search-telemetry"'}  # noqa: RUF012 (as above); RFC 6750, section 3


class ForbiddenError(RefusedError):
    """A web page that may not send."""

    http_status, grpc_code, counter = 403, 7, "unauthorized"


class RetryLaterError(RefusedError):
    """The same export may be accepted after `retry_after_s` seconds."""

    counter = "refused"

    def __init__(self, message: str, hint: str, retry_after_s: float) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class QueueFullError(RetryLaterError):
    """More exports are in progress than the collector may hold."""

    http_status, grpc_code = 429, 8


class StoreUnavailableError(RetryLaterError):
    """The store cannot write now (disk full, file damaged)."""

    http_status, grpc_code = 503, 14
