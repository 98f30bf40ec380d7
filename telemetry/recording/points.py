"""Makes the SDK's metrics and data points of what was aggregated. Importing it loads the metrics SDK.

In: intervals of our own metrics, and what the SDK has collected. Out: `MetricsData`. State: none.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording.aggregation import Aggregation, Interval, LastValue, Sample
from telemetry.recording.own_metrics import Reader

_INSTRUMENTS: Final = {
    c.Instrument.COUNTER: "Counter", c.Instrument.HISTOGRAM: "Histogram", c.Instrument.GAUGE: "Gauge",
}  # fmt: skip


def metric_of(
    metric: c.Metric, collected: Iterable[tuple[Aggregation, Interval, Interval]], reader: Reader, now: int
) -> Metric:
    """Return `metric` with a point for each aggregation, given with its values since the beginning and the recent ones.

    Where the reader wants the recent ones, an aggregation without any has no point.
    """
    delta = _INSTRUMENTS[metric.instrument] in reader.delta
    points: list[Any] = []
    for aggregation, total, recent in collected:
        values = recent if delta else total
        if any(values.counts):
            start = max(aggregation.begun, reader.since) if delta else aggregation.begun
            samples = total.samples if reader.all_exemplars else recent.samples
            points.append(_point(aggregation, values, exemplars_of(samples), start, now))
    temporality = AggregationTemporality.DELTA if delta else AggregationTemporality.CUMULATIVE
    data: Sum | Histogram | Gauge
    match metric.instrument:
        case c.Instrument.COUNTER:
            data = Sum(points, temporality, is_monotonic=True)
        case c.Instrument.GAUGE:
            data = Gauge(points)
        case _:
            data = Histogram(points, temporality)
    return Metric(metric.name, metric.brief, metric.unit, data)


def _point(
    aggregation: Aggregation, values: Interval, exemplars: list[Exemplar], start: int, now: int
) -> NumberDataPoint | HistogramDataPoint:
    if isinstance(aggregation, LastValue):
        no_start: Any = None  # as the SDK's gauges have it
        return NumberDataPoint(aggregation.attributes, no_start, now, aggregation.value, exemplars)
    if not aggregation.bounds:
        return NumberDataPoint(aggregation.attributes, start, now, values.total, exemplars)
    total: Any = values.total if values.least >= 0 else None  # as OTLP has it: a sum must not fall
    return HistogramDataPoint(
        attributes=aggregation.attributes,
        start_time_unix_nano=start,
        time_unix_nano=now,
        count=sum(values.counts),
        sum=total,
        bucket_counts=tuple(values.counts),
        explicit_bounds=aggregation.bounds,
        min=values.least,
        max=values.greatest,
        exemplars=exemplars,
    )


def exemplars_of(samples: Mapping[int, Sample]) -> list[Exemplar]:
    """Return the exemplars of these samples, by bucket."""
    return [Exemplar({}, *sample) for _, sample in sorted(samples.items())]


def watched_metric(
    metric: c.Metric, values: Iterable[tuple[float, Mapping[str, AttributeValue]]], reader: Reader, begun: int, now: int
) -> Metric:
    """Return `metric`, a counter or an up-down counter, with a point for each of these values."""
    monotonic = metric.instrument is c.Instrument.COUNTER
    delta = monotonic and "ObservableCounter" in reader.delta
    start = max(begun, reader.since) if delta else begun
    points = [NumberDataPoint(attributes, start, now, value, []) for value, attributes in values]
    temporality = AggregationTemporality.DELTA if delta else AggregationTemporality.CUMULATIVE
    return Metric(metric.name, metric.brief, metric.unit, Sum(points, temporality, is_monotonic=monotonic))


def added_to(data: MetricsData | None, metrics: Sequence[Metric], resource: Resource) -> MetricsData:
    """Return `data`, collected by the SDK, with `metrics` under our scope, which an encoder must find once."""
    first, *others = (data.resource_metrics if data else None) or [ResourceMetrics(resource, [], "")]
    scope = InstrumentationScope(c.SCOPE)
    same = [one for one in first.scope_metrics if one.scope == scope]
    theirs = [metric for one in same for metric in one.metrics]
    scopes = [*(one for one in first.scope_metrics if one not in same), ScopeMetrics(scope, [*theirs, *metrics], "")]
    return MetricsData([ResourceMetrics(first.resource, scopes, first.schema_url), *others])
