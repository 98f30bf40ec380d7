"""Counts what came in and what became of it.

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
    """What came in of one signal. A record is a span, a metric point or a log record.

    `received` = `stored` + `duplicate` + `rejected` + records under way + records of exports refused once read.
    """

    exports: int = 0
    """Exports that arrived, whatever became of them."""
    received: int = 0
    """Records in the exports that could be read."""
    stored: int = 0
    """Records stored durably."""
    duplicate: int = 0
    """Records of exports that were stored before and came again; acknowledged, not stored twice."""
    rejected: int = 0
    """Records that cannot be stored (a bad id, a time beyond 2262); the sender is told by OTLP's partial success."""
    rejected_by: Mapping[str, int] = field(default_factory=dict)
    """The same by reason, as `reasons.Rejected` spells them."""
    repaired: int = 0
    """Records, and resources and scopes of records, that are not stored as they were sent."""
    repaired_by: Mapping[str, int] = field(default_factory=dict)
    """The same by what was repaired, as `reasons.Repaired` spells it; one may be repaired in several ways."""
    refused: int = 0
    """Exports that were turned away, to be sent again: queue full, store unavailable."""
    malformed: int = 0
    """Exports that could not be read, or are above a limit; sending them again does not help."""
    expired: int = 0
    """Records deleted because they were too old, or the store too large."""
    unauthorized: int = 0
    """Exports without a token that is let in, or of a web page."""


FIGURES = tuple(field.name for field in fields(SignalStats) if field.type == "int")


@dataclass(frozen=True, slots=True)
class CollectorStats:
    """A snapshot of the collector's figures."""

    signals: Mapping[str, SignalStats]
    """By `traces`, `metrics`, `logs`."""
    queue_exports: int
    """Exports under way: being read or waiting to be stored."""
    queue_bytes: int
    """Their size."""
    commits: int
    """Transactions since the start."""
    store_problem: str
    """Why the store cannot write now; empty when it can."""
    store: StoreSize | None
    """Bytes on disk; None once the collector has stopped."""
    retention_s: float | None
    """Telemetry that arrived longer ago is deleted; None: it is kept."""
    max_store_bytes: int | None
    """Beyond so many bytes in use the oldest telemetry is deleted; None: the disk is the limit."""


class Counters:
    """The running figures, by signal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards what follows
        self._figures = {signal: dict.fromkeys(FIGURES, 0) for signal in SIGNALS}
        self._rejected_by = {signal: Counter[str]() for signal in SIGNALS}
        self._repaired_by = {signal: Counter[str]() for signal in SIGNALS}

    def add(self, signal: str, **figures: int) -> None:
        """Add to figures of one signal, by the names of `SignalStats`."""
        with self._lock:
            self._add(signal, figures)

    def count(self, signal: str, decoded: Decoded, **figures: int) -> None:
        """Count what became of an export's records: `figures`, and what was rejected and repaired on the way."""
        figures |= {"rejected": decoded.rejected, "repaired": decoded.repaired_by.total()}
        with self._lock:
            self._add(signal, figures)
            self._rejected_by[signal].update(decoded.rejected_by)
            self._repaired_by[signal].update(decoded.repaired_by)

    def snapshot(self) -> dict[str, SignalStats]:
        """The figures now, by signal."""
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
