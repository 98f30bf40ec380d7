"""Errors that the person at the command line, or the caller of a service, can fix."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grpc


class PamazonError(Exception):
    """Something that the user, not the program, has to fix.

    `message` is what is wrong and where, `hint` what to do about it; both are printed and hold no secret.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.message = message
        self.hint = hint


class CallerError(PamazonError):
    """A request that cannot be served as it was asked."""


class Refused(CallerError):
    """A request that the next executor refused as its caller's mistake; it is this one's caller's mistake, too."""

    def __init__(self, code: "grpc.StatusCode", message: str) -> None:
        super().__init__(message, "")
        self.code = code
