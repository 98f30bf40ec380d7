"""A clock and an id generator that give the same values in every run."""

import itertools

from opentelemetry.sdk.trace.id_generator import IdGenerator

_START = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
_TICK = 1_000_000  # nanoseconds per reading: one millisecond


class TestClock:
    """A clock that advances by one millisecond with each reading, and further by `advance`."""

    __test__ = False  # else pytest would collect it, by its name

    def __init__(self) -> None:
        self._ticks = itertools.count()
        self._added = 0

    def read(self) -> int:
        """Return nanoseconds since 1970."""
        return _START + next(self._ticks) * _TICK + self._added

    def advance(self, seconds: float) -> None:
        """Advance the clock."""
        self._added += round(seconds * 1e9)


class CountingIds(IdGenerator):
    """Generates the ids 1, 2, 3, …; `reset` starts again from 1."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start again from 1."""
        self._traces, self._spans = itertools.count(1), itertools.count(1)

    def generate_span_id(self) -> int:
        """Return the next span id."""
        return next(self._spans)

    def generate_trace_id(self) -> int:
        """Return the next trace id."""
        return next(self._traces)
