"""How large batches may be, how long they may wait, and which functions can be batched.

In: what a user gave. Out: checked limits; every mistake at once. State: none.
"""

import functools
import inspect
import math
from dataclasses import dataclass
from typing import Any

from telemetry.errors import TelemetryError


@dataclass(frozen=True, slots=True)
class Limits:
    """Items in a batch, seconds that the first of them may wait for others, items that may wait."""

    max_size: int
    max_wait: float
    max_queue: int

    def __post_init__(self) -> None:
        problems = [
            *_not_at_least_one("max_size", self.max_size, "32"),
            *_not_at_least_one("max_queue", self.max_queue, "1024"),
        ]
        if not _is_number(self.max_wait) or not 0 <= self.max_wait < math.inf:
            problems.append(f"max_wait={self.max_wait!r} is no number of seconds from 0 up; write max_wait=0.005")
        if not problems and self.max_queue < self.max_size:
            problems.append(f"max_queue={self.max_queue} is less than max_size={self.max_size}: no batch would be full")
        if problems:
            raise TelemetryError("; ".join(problems))


def name_of(fn: Any, name: str | None) -> str:
    """Return what `fn` is called in traces and metrics: `name`, else its own name without underscores around it."""
    if name is not None and (not isinstance(name, str) or not name):
        raise TelemetryError(f"name={name!r} is no name", 'write name="encode_texts"')
    found = function_of(fn)
    return name or getattr(found, "__name__", type(found).__name__).strip("_") or "batch"


def function_of(fn: Any) -> Any:
    """Return the function that a `functools.partial` holds, else `fn`."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    return fn


def is_async(fn: Any) -> bool:
    """Say whether a call of `fn` is to be awaited; raise where it cannot be batched at all."""
    if not callable(fn):
        raise TelemetryError(f"{fn!r:.80} cannot be called, so it cannot be batched", "give a function of a list")
    found = function_of(fn)
    shape = found if inspect.isroutine(found) else type(found).__call__
    if inspect.isasyncgenfunction(shape) or inspect.isasyncgenfunction(found):
        raise TelemetryError(f"{name_of(fn, None)} is an async generator", "return a list of results")
    return inspect.iscoroutinefunction(shape) or inspect.iscoroutinefunction(found)


def _not_at_least_one(name: str, value: Any, example: str) -> list[str]:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return []
    return [f"{name}={value!r} is no whole number from 1 up; write {name}={example}"]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
