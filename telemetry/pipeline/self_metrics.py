"""Metrics of this library itself: dropped items, overflowed attributes, scrub failures and repairs.

They have one series for each reason and attribute from the start, also those that are zero.
"""

from collections.abc import Callable, Iterable, Mapping

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from telemetry import conventions as c
from telemetry.pipeline.stats import SignalStats
from telemetry.privacy.scrubber import current
from telemetry.recording.bounds import bounds
from telemetry.repairs import repairs


def observe_self(meter: Meter, stats: Callable[[], Mapping[str, SignalStats]]) -> None:
    """Register the metrics. Arguments: `stats` returns the counts by signal, of those that we export ourselves."""

    def dropped(_: CallbackOptions) -> Iterable[Observation]:
        for signal, counts in stats().items():
            for reason, count in counts.dropped.items():
                yield Observation(count, {c.TELEMETRY_SIGNAL.name: signal, c.TELEMETRY_REASON.name: reason})

    def overflow(_: CallbackOptions) -> Iterable[Observation]:
        counted = bounds.overflow()
        for name in sorted({attribute.name for metric in c.METRICS for attribute in metric.attributes}):
            yield Observation(counted.get(name, 0), {c.TELEMETRY_ATTRIBUTE.name: name})

    def failures(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(current().failures)

    def repaired(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(repairs.count)

    for metric, callback in (
        (c.TELEMETRY_DROPPED, dropped),
        (c.TELEMETRY_OVERFLOW, overflow),
        (c.TELEMETRY_SCRUB_FAILURES, failures),
        (c.TELEMETRY_REPAIRED, repaired),
    ):
        meter.create_observable_counter(metric.name, [callback], metric.unit, metric.brief)
