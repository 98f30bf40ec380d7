"""Errors of the stack, which the `telemetry` command prints without a stack trace."""

from telemetry.errors import TelemetryError


class StackError(TelemetryError):
    """An error of the stack that a user can fix."""


class BuildError(StackError):
    """A program could not be built or downloaded; the message has the end of its log."""


class NotBuiltError(StackError):
    """A program is not in the cache."""


class ProgramDiedError(StackError):
    """A program ended by itself; the message has the end of its log."""
