"""Counts exports and records by their outcome.

In: `add` from any thread. Out: frozen snapshots. `Counters` owns the numbers, from the start of the collector.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from collector.local.decode.decoded import Decoded
from collector.local.store.store import StoreSize

SIGNALS = ("traces", "metrics", "logs")


@dataclass(frozen=True, slots=True)
class SignalStats:
    """Counts of one signal. A record is a span, a metric point or a log record.

    `received` = `stored` + `duplicate` + `rejected` + records in progress + records of exports refused after decoding.
    """

    exports: int = 0
    """Exports that arrived, whatever their outcome."""
    received: int = 0
    """Records in the exports that could be decoded."""
    stored: int = 0
    """Records stored durably."""
    duplicate: int = 0
    """Records of exports that were sent again after they were stored; acknowledged, not stored twice."""
    rejected: int = 0
    """Records that cannot be stored (a bad id, a time after 2262), reported to the sender as a partial success."""
    rejected_by: Mapping[str, int] = field(default_factory=dict)
    """The same by reason; see `reasons.Rejected`."""
    repaired: int = 0
    """Records, resources and scopes that are not stored as they were sent."""
    repaired_by: Mapping[str, int] = field(default_factory=dict)
    """The same by what was repaired; see `reasons.Repaired`. One may be repaired in several ways."""
    refused: int = 0
    """Exports that were refused and may be sent again: queue full, store unavailable."""
    malformed: int = 0
    """Exports that cannot be decoded, or are above a limit; sending them again does not help."""
    expired: int = 0
    """Records deleted because of their age, or of the store's size."""
    unauthorized: int = 0
    """Exports without a valid token, or from a web page that may not send."""


FIGURES = tuple(field.name for field in fields(SignalStats) if field.type == "int")


@dataclass(frozen=True, slots=True)
class CollectorStats:
    """A snapshot of the collector's statistics."""

    signals: Mapping[str, SignalStats]
    """By `traces`, `metrics`, `logs`."""
    queue_exports: int
    """Exports in progress: being decoded, or waiting to be stored."""
    queue_bytes: int
    """Their bytes."""
    commits: int
    """Transactions since the collector started."""
    store_problem: str
    """Why the store cannot write now; empty when it can."""
    store: StoreSize | None
    """Bytes on disk; None once the collector has stopped."""
    retention_s: float | None
    """As in the settings."""
    max_store_bytes: int | None
    """As in the settings."""


class Counters:
    """The running counts by signal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards what follows
        self._figures = {signal: dict.fromkeys(FIGURES, 0) for signal in SIGNALS}
        self._rejected_by = {signal: Counter[str]() for signal in SIGNALS}
        self._repaired_by = {signal: Counter[str]() for signal in SIGNALS}

    def add(self, signal: str, **figures: int) -> None:
        """Add to counts of one signal, by the names of `SignalStats`."""
        with self._lock:
            self._add(signal, figures)

    def count(self, signal: str, decoded: Decoded, **figures: int) -> None:
        """Count the outcome of an export's records: `figures`, and what was rejected and repaired."""
        figures |= {"rejected": decoded.rejected, "repaired": decoded.repaired_by.total()}
        with self._lock:
            self._add(signal, figures)
            self._rejected_by[signal].update(decoded.rejected_by)
            self._repaired_by[signal].update(decoded.repaired_by)

    def snapshot(self) -> dict[str, SignalStats]:
        """The counts now, by signal."""
        with self._lock:
            return {
                signal: SignalStats(
                    **figures, rejected_by=dict(self._rejected_by[signal]), repaired_by=dict(self._repaired_by[signal])
                )
                for signal, figures in self._figures.items()
            }

    def _add(self, signal: str, figures: Mapping[str, int]) -> None:
        mine = self._figures[signal]
        for name, number in figures.items():
            mine[name] += number
