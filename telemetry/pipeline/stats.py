"""Counts what was recorded of each signal, and what became of it.

In: numbers, from any thread. Out: frozen `SignalStats`, and `Stats` of the whole process. State: the counts, owned by
one `Counts` for each signal.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

Reason = Literal["queue_full", "export_failed", "deadline", "after_shutdown", "partial_success"]
REASONS: Final[tuple[Reason, ...]] = ("queue_full", "export_failed", "deadline", "after_shutdown", "partial_success")
"""The queue had no room; the collector refused or could not be asked; the time ran out; it was recorded too late; the
collector took only a part."""


@dataclass(frozen=True, slots=True)
class SignalStats:
    """What became of the items of one signal: spans, log records, or data points of metrics.

    After a shutdown `recorded` is `exported` and all of `dropped` together; before it, the difference is queued.
    `owned` is false where the user's own provider is used, of whose items we know nothing.
    """

    recorded: int = 0
    exported: int = 0
    dropped: Mapping[str, int] = field(default_factory=lambda: MappingProxyType(dict.fromkeys(REASONS, 0)))
    owned: bool = True

    @property
    def lost(self) -> int:
        """All that was dropped, for whatever reason."""
        return sum(self.dropped.values())


class Counts:
    """The books of one signal while they are written."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        # Guards all below and the queue that shares it. Re-entrant: a generator collected by the garbage collector
        # ends its span in the middle of anything.
        self.recorded = 0
        self.exported = 0
        self._dropped: Counter[str] = Counter()

    def drop(self, reason: Reason, count: int) -> None:
        """Count items as lost."""
        with self.lock:
            self._dropped[reason] += count

    def export(self, count: int, rejected: int = 0) -> None:
        """Count items as sent; the collector refused `rejected` of them."""
        with self.lock:
            self.exported += count - rejected
            if rejected:
                self._dropped["partial_success"] += rejected

    def lost(self, *reasons: Reason) -> int:
        """Return how many items were dropped so far: for these reasons, or for any."""
        with self.lock:
            return sum(self._dropped[reason] for reason in reasons or REASONS)

    def snapshot(self) -> SignalStats:
        """Return the books as they stand."""
        with self.lock:
            dropped: dict[str, int] = {reason: self._dropped[reason] for reason in REASONS}
            return SignalStats(self.recorded, self.exported, MappingProxyType(dropped))


__all__ = ["SignalStats", "Stats"]


@dataclass(frozen=True, slots=True)
class Stats:
    """What became of everything that was recorded; `recorded`, `exported` and `dropped` are those of the spans."""

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
        """Whether all providers are ours. Of a provider that the user set, nothing is counted here."""
        return self.spans.owned and self.metrics.owned and self.logs.owned
