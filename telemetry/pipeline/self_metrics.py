"""Metrics of this library itself: dropped items, overflowed attributes, scrub failures and repairs.

They have one series for each reason and attribute from the start, also those that are zero.
"""

from collections.abc import Callable, Iterator, Mapping

from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.pipeline.stats import SignalStats
from telemetry.privacy.scrubber import current
from telemetry.recording.metrics.instruments import watch
from telemetry.recording.request.bounds import bounds
from telemetry.repairs import repairs

_Values = Iterator[tuple[float, Mapping[str, AttributeValue]]]


def watch_self(stats: Callable[[], Mapping[str, SignalStats]]) -> None:
    """Have the metrics read. Arguments: `stats` returns the counts by signal, of those that we export ourselves."""

    def dropped() -> _Values:
        for signal, counts in stats().items():
            for reason, count in counts.dropped.items():
                yield count, {c.TELEMETRY_SIGNAL.name: signal, c.TELEMETRY_REASON.name: reason}

    watch(c.TELEMETRY_DROPPED, dropped)
    watch(c.TELEMETRY_OVERFLOW, _overflow)
    watch(c.TELEMETRY_SCRUB_FAILURES, lambda: [(current().failures, {})])
    watch(c.TELEMETRY_REPAIRED, lambda: [(repairs.count, {})])


def _overflow() -> _Values:
    counted = bounds.overflow()
    for name in sorted({attribute.name for metric in c.METRICS for attribute in metric.attributes}):
        yield counted.get(name, 0), {c.TELEMETRY_ATTRIBUTE.name: name}
