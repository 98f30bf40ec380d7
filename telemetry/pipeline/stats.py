"""The books of the whole process.

In: the pipelines' books. Out: a frozen `Stats`. State: none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from telemetry.pipeline.counts import SignalStats

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
