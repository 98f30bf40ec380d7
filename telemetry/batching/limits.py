"""The limits of batches and queues, checked, and the functions that can be batched."""

import math
from dataclasses import dataclass
from typing import Any

from telemetry.errors import TelemetryError
from telemetry.recording.runs.callables import Kind, kind_of, without_partials


@dataclass(frozen=True, slots=True)
class Limits:
    """Most items in a batch, seconds that its first item waits for others, most items in the queue."""

    max_size: int
    max_wait: float
    max_queue: int

    def __post_init__(self) -> None:
        problems = [
            *_check_positive("max_size", self.max_size, "32"),
            *_check_positive("max_queue", self.max_queue, "1024"),
        ]
        if not _is_number(self.max_wait) or not 0 <= self.max_wait < math.inf:
            problems.append(f"max_wait={self.max_wait!r} is not a number of seconds from 0 up; write max_wait=0.005")
        if not problems and self.max_queue < self.max_size:
            problems.append(
                f"max_queue={self.max_queue} is less than max_size={self.max_size}, so no batch is ever full"
            )
        if problems:
            raise TelemetryError("; ".join(problems))


def name_of(fn: Any, name: str | None) -> str:
    """Return the name of `fn` in traces and metrics: `name`, else its own without leading and trailing underscores."""
    if name is not None and (not isinstance(name, str) or not name):
        raise TelemetryError(f"name={name!r} is not a non-empty string", 'write name="encode_texts"')
    found = without_partials(fn)
    return name or getattr(found, "__name__", type(found).__name__).strip("_") or "batch"


def is_async(fn: Any) -> bool:
    """Return whether calls of `fn` are awaited. Raises TelemetryError if it cannot be batched."""
    if not callable(fn):
        raise TelemetryError(f"{fn!r:.80} is not callable, so it cannot be batched", "give a function of a list")
    kind = kind_of(fn)
    if kind is Kind.ASYNC_GENERATOR:
        raise TelemetryError(f"{name_of(fn, None)} is an async generator", "return a list of results")
    return kind is Kind.COROUTINE


def _check_positive(name: str, value: Any, example: str) -> list[str]:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return []
    return [f"{name}={value!r} is not a whole number from 1 up; write {name}={example}"]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
