"""What a caller of a batched function can get beside the function's own exceptions.

In: what happened. Out: exceptions. State: none.
"""

import copy
from typing import cast

from telemetry.errors import TelemetryError
from telemetry.recording.outcome import is_a


class BatchingError(TelemetryError):
    """A call that was not answered, or that the function answered wrongly."""


class QueueFull(BatchingError):
    """Too many items wait already; this call was refused and has changed nothing."""


class BatcherClosed(BatchingError):
    """The batcher was closed before the call, or closed in a hurry while the call waited."""


class WrongResults(BatchingError):
    """The function did not return one result for each item."""


class BatchBroken(BatchingError):
    """The batch was broken off from outside: by Ctrl-C, by an exit, by the end of its event loop."""


def for_one_caller(error: BaseException, name: str) -> Exception:
    """Return the exception that a caller gets for `error`, which ended a batch of `name`.

    What is no `Exception` is meant for the thread or task that it was raised in, not for the others that waited.
    """
    if is_a(error, Exception):
        return cast("Exception", error)
    return BatchBroken(f"the batch of {name} was broken off by {type(error).__name__}", "call again")


def duplicate(error: Exception) -> Exception:
    """Return an equal exception that another caller can raise, add notes to and chain.

    One exception raised by several callers would collect the frames, notes and contexts of all of them. One that cannot
    be made a second time, by its own means or by taking over what it holds, is given as it is.
    """
    for make in (copy.copy, _taken_over):
        try:
            made: Exception = make(error)
            if type(made) is not type(error) or made.args != error.args or str(made) != str(error):
                continue
            made.__traceback__, made.__cause__, made.__context__ = (
                error.__traceback__, error.__cause__, error.__context__,
            )  # fmt: skip
            made.__suppress_context__ = error.__suppress_context__
            if hasattr(error, "__notes__"):
                made.__notes__ = list(error.__notes__)
            return made
        except Exception:  # noqa: BLE001, S112  arguments that are not those of its own __init__, or worse
            continue
    return error


def _taken_over(error: Exception) -> Exception:
    """Make one without its `__init__`, whose arguments nobody knows any more."""
    made = type(error).__new__(type(error))
    made.args = error.args
    made.__dict__.update(error.__dict__)
    return made
