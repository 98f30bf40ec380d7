"""What can go wrong with the stack, in words for the person who has to fix it.

In: a cause. Out: exceptions that the `telemetry` command tells without a stack trace. State: none.
"""

from telemetry.errors import TelemetryError


class StackError(TelemetryError):
    """Something about the stack that a person has to fix."""


class BuildError(StackError):
    """A program could not be built or fetched; the message holds the end of its log."""


class NotBuiltError(StackError):
    """A program is not in the cache."""


class ProgramDiedError(StackError):
    """A program ended by itself; the message holds the end of its log."""
