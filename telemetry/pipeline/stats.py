"""Counts recorded, exported and dropped items by signal.

In: numbers, from any thread. Out: immutable `SignalStats`, and `Stats` of the whole process. State: the counts, owned
by one `Counts` per signal.
"""

import itertools
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

Reason = Literal["queue_full", "export_failed", "deadline", "after_shutdown", "partial_success"]
REASONS: Final[tuple[Reason, ...]] = ("queue_full", "export_failed", "deadline", "after_shutdown", "partial_success")
"""The queue was full; the collector rejected the request or was unavailable; the deadline had passed; the item was
recorded after the shutdown; the collector rejected a part of the request."""


@dataclass(frozen=True, slots=True)
class SignalStats:
    """The counts of one signal: of spans, log records, or data points of metrics.

    After a shutdown, `exported` and all of `dropped` add up to `recorded`; before it, the difference is queued.
    `owned` is false if the user's own provider is used, whose items are not counted.
    """

    recorded: int = 0
    exported: int = 0
    dropped: Mapping[str, int] = field(default_factory=lambda: MappingProxyType(dict.fromkeys(REASONS, 0)))
    owned: bool = True

    @property
    def lost(self) -> int:
        """The number of dropped items, for all reasons."""
        return sum(self.dropped.values())


class Tally:
    """A number that any thread counts up without a lock: `add()` is one step of the interpreter."""

    __slots__ = ("_numbers", "add")

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self.add: Callable[[], int] = self._numbers.__next__

    @property
    def value(self) -> int:
        """How often `add` was called."""
        return int(repr(self._numbers).strip("count()"))  # reading must not count


class Counts:
    """The current counts of one signal.

    Attributes: `lock`, which guards all except `waiting`, `full` and `late`; `recorded` counts the items that have left
    the queue, or were never in one; `waiting`, the items in the queue, which threads append without the lock; `ended`,
    whether these are not delivered any more; `full` and `late`, the items that the queue has refused.
    """

    def __init__(self) -> None:
        # Reentrant, since the garbage collector may close a generator, and so end its span, at any point.
        self.lock = threading.RLock()
        self.recorded = 0
        self.exported = 0
        self.waiting: deque[Any] = deque()
        self.ended = False
        self.full, self.late = Tally(), Tally()
        self._dropped: Counter[str] = Counter()

    def drop(self, reason: Reason, count: int) -> None:
        """Count dropped items."""
        with self.lock:
            self._dropped[reason] += count

    def export(self, count: int, rejected: int = 0) -> None:
        """Count items of accepted requests; the collector rejected `rejected` of them."""
        with self.lock:
            self.exported += count - rejected
            if rejected:
                self._dropped["partial_success"] += rejected

    def lost(self, *reasons: Reason) -> int:
        """Return the number of dropped items, for these reasons or for all."""
        dropped = self.snapshot().dropped
        return sum(dropped[reason] for reason in reasons or REASONS)

    def snapshot(self) -> SignalStats:
        """Return the counts."""
        with self.lock:
            dropped: dict[str, int] = {reason: self._dropped[reason] for reason in REASONS}
            full, late, waiting = self.full.value, self.late.value, len(self.waiting)
            dropped["queue_full"] += full
            dropped["after_shutdown"] += late + waiting if self.ended else late
            return SignalStats(self.recorded + full + late + waiting, self.exported, MappingProxyType(dropped))


@dataclass(frozen=True, slots=True)
class Stats:
    """The counts of all signals; `recorded`, `exported` and `dropped` are those of spans."""

    spans: SignalStats = field(default_factory=SignalStats)
    metrics: SignalStats = field(default_factory=SignalStats)
    logs: SignalStats = field(default_factory=SignalStats)

    @property
    def recorded(self) -> int:
        """Spans recorded."""
        return self.spans.recorded

    @property
    def exported(self) -> int:
        """Spans exported."""
        return self.spans.exported

    @property
    def dropped(self) -> Mapping[str, int]:
        """Spans dropped, by reason."""
        return self.spans.dropped

    @property
    def owned(self) -> bool:
        """Whether all providers are ours; items of a user's provider are not counted."""
        return self.spans.owned and self.metrics.owned and self.logs.owned
