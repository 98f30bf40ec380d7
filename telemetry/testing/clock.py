"""Time and ids that are the same in every run.

In: readings. Out: nanoseconds, and ids that count up. State: the counters, owned by one test.
"""

import itertools

from opentelemetry.sdk.trace.id_generator import IdGenerator

_START = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
_TICK = 1_000_000  # nanoseconds: one millisecond passes with each reading


class TestClock:
    """A clock on which a millisecond passes with each reading, and more only by `advance`."""

    __test__ = False  # pytest takes classes of this name for tests

    def __init__(self) -> None:
        self._ticks = itertools.count()
        self._added = 0

    def read(self) -> int:
        """Return nanoseconds since 1970."""
        return _START + next(self._ticks) * _TICK + self._added

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._added += round(seconds * 1e9)


class CountingIds(IdGenerator):
    """Gives the ids 1, 2, 3, …, from 1 again after `begin`."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Count from 1 again."""
        self._traces, self._spans = itertools.count(1), itertools.count(1)

    def generate_span_id(self) -> int:
        """Return the next span id."""
        return next(self._spans)

    def generate_trace_id(self) -> int:
        """Return the next trace id."""
        return next(self._traces)
