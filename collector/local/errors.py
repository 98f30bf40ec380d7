"""Everything that the local collector refuses, in words for the person who has to fix it.

In: a cause. Out: exceptions with a `message` (what is wrong, where) and a `hint` (what to do). No state.
"""

from __future__ import annotations


class CollectorError(Exception):
    """Something a person has to know. `message` says what is wrong, `hint` what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


class SettingsError(CollectorError):
    """Settings that cannot be: all mistakes at once."""


class PortTakenError(CollectorError):
    """An address to listen on is in use or cannot be had."""


class StoreError(CollectorError):
    """The store cannot be opened or used."""


class StoreHeldError(StoreError):
    """Another process has the store open."""


class StoreDamagedError(StoreError):
    """The file is no store, or is broken."""


class StoreForeignError(StoreError):
    """The file is whole, or seems so, and is none of ours: it is left alone."""


class QueryError(CollectorError):
    """A question that cannot be answered. `code` is `bad_request`, `not_found` or `ambiguous`."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.code = code


class RefusedError(CollectorError):
    """An export that is not accepted. Each kind becomes a gRPC status and an HTTP status in the front ends."""


class MalformedError(RefusedError):
    """The payload is not what its content type says. Sending it again does not help."""


class TooLargeError(RefusedError):
    """The payload is above a limit. Sending it again does not help."""


class UnsupportedError(RefusedError):
    """A content type or content encoding that the receiver does not read."""


class TooSlowError(RefusedError):
    """The payload did not arrive in time."""


class UnauthorizedError(RefusedError):
    """The sender has not shown a token that is let in. Sending it again does not help."""


class ForbiddenError(RefusedError):
    """A page in a browser tries to send what no page may."""


class QueueFullError(RefusedError):
    """More is under way than the collector may hold. Try again after `retry_after_s` seconds."""

    def __init__(self, message: str, hint: str, retry_after_s: float) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class StoreUnavailableError(RefusedError):
    """The store cannot write now (disk full, file damaged). Try again after `retry_after_s` seconds."""

    def __init__(self, message: str, hint: str, retry_after_s: float) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s
