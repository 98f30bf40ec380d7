"""The exceptions that batching adds to those of the batched function, and copies of exceptions for several callers."""

import copy
from typing import cast

from telemetry.errors import TelemetryError
from telemetry.recording.runs.outcome import is_a


class BatchingError(TelemetryError):
    """A call was refused or interrupted, or the function returned wrong results."""


class QueueFull(BatchingError):
    """Too many items wait already: the call was refused, none of its items is queued."""


class BatcherClosed(BatchingError):
    """The batcher was closed before the call, or its close timed out while the call waited."""


class WrongResults(BatchingError):
    """The function did not return one result for each item."""


class BatchBroken(BatchingError):
    """The batch was interrupted from outside: by Ctrl-C, an exit or the end of its event loop."""


def for_one_caller(error: BaseException, name: str) -> Exception:
    """Return the exception that a caller gets for `error`, which ended a batch of `name`.

    A `BaseException` such as KeyboardInterrupt concerns only the thread or task that raised it; callers that waited get
    BatchBroken.
    """
    if is_a(error, Exception):
        return cast("Exception", error)
    return BatchBroken(f"the batch of {name} was interrupted by {type(error).__name__}", "call again")


def duplicate(error: Exception) -> Exception:
    """Return a copy of an exception, for another caller to raise, add notes to and chain.

    An exception that several callers raise would collect the frames, notes and contexts of all of them. One that cannot
    be copied is returned as it is.
    """
    for make in (copy.copy, _copy_without_init):
        try:
            new: Exception = make(error)
            if type(new) is not type(error) or new.args != error.args or str(new) != str(error):
                continue
            new.__traceback__, new.__cause__, new.__context__ = (
                error.__traceback__, error.__cause__, error.__context__,
            )  # fmt: skip
            new.__suppress_context__ = error.__suppress_context__
            if hasattr(error, "__notes__"):
                new.__notes__ = list(error.__notes__)
            return new
        except Exception:  # noqa: BLE001, S112  its __init__ may have other parameters
            continue
    return error


def _copy_without_init(error: Exception) -> Exception:
    """Copy an exception without its `__init__`, whose arguments are not known."""
    new = type(error).__new__(type(error))
    new.args = error.args
    new.__dict__.update(error.__dict__)
    return new
