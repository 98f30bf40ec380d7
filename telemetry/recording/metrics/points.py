"""Metrics and data points of our own aggregations, in classes with the fields of the SDK's.

In: intervals of our own metrics, and what the SDK has collected. Out: `MetricsData`. State: none.

The exporter distinguishes data points by their fields, so it takes these and the SDK's alike. Importing the SDK's
classes would load the metrics SDK, which takes longer than the rest of `configure`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording.metrics.aggregation import Aggregation, Interval, LastValue

DELTA: Final = 1
"""The temporality of sums since the last collection, as OTLP and the SDK number it."""
CUMULATIVE: Final = 2
_INSTRUMENTS: Final = {
    c.Instrument.COUNTER: "Counter", c.Instrument.HISTOGRAM: "Histogram", c.Instrument.GAUGE: "Gauge",
}  # fmt: skip


@dataclass(eq=False, repr=False)
class Exemplar:
    """One value, with the trace that it was measured in."""

    filtered_attributes: Mapping[str, AttributeValue]
    value: float
    time_unix_nano: int
    span_id: int | None
    trace_id: int | None


@dataclass(eq=False, repr=False)
class NumberDataPoint:
    """The value of a counter or a gauge; a gauge has no start."""

    attributes: Mapping[str, AttributeValue]
    start_time_unix_nano: int | None
    time_unix_nano: int
    value: float
    exemplars: Sequence[Exemplar]


@dataclass(eq=False, repr=False)
class HistogramDataPoint:
    """The values of a histogram; no sum where one of them lay below zero, since a sum must not fall (OTLP)."""

    attributes: Mapping[str, AttributeValue]
    start_time_unix_nano: int
    time_unix_nano: int
    count: int
    sum: float | None
    bucket_counts: Sequence[int]
    explicit_bounds: Sequence[float]
    min: float
    max: float
    exemplars: Sequence[Exemplar]


@dataclass(eq=False, repr=False)
class Sum:
    """The data points of a counter, or of an up-down counter, which is not monotonic."""

    data_points: Sequence[NumberDataPoint]
    aggregation_temporality: int
    is_monotonic: bool


@dataclass(eq=False, repr=False)
class Histogram:
    """The data points of a histogram."""

    data_points: Sequence[HistogramDataPoint]
    aggregation_temporality: int


@dataclass(eq=False, repr=False)
class Gauge:
    """The data points of a gauge."""

    data_points: Sequence[NumberDataPoint]


@dataclass(eq=False, repr=False)
class Metric:
    """A metric with its data points."""

    name: str
    description: str
    unit: str
    data: Sum | Histogram | Gauge


@dataclass(eq=False, repr=False)
class ScopeMetrics:
    """The metrics of an instrumentation scope; they are the SDK's, where the scope is not ours."""

    scope: InstrumentationScope
    metrics: Sequence[Any]
    schema_url: str


@dataclass(eq=False, repr=False)
class ResourceMetrics:
    """The metrics of a resource."""

    resource: Resource
    scope_metrics: Sequence[Any]
    schema_url: str


@dataclass(eq=False, repr=False)
class MetricsData:
    """All metrics of a collection."""

    resource_metrics: Sequence[Any]


def metric_of(
    metric: c.Metric,
    collected: Iterable[tuple[Aggregation, Interval, Interval]],
    now: int,
    *,
    delta: frozenset[str],
    since: int,
    all_exemplars: bool,
) -> Metric:
    """Return `metric` with a point for each aggregation.

    Arguments: `collected`, each with its values since the beginning, and since the reader's last collection; `delta`,
    the instruments of which the latter are wanted, and a point is left out that has none; `since`, when that was;
    `all_exemplars`: with those of the whole time.
    """
    is_delta = _INSTRUMENTS[metric.instrument] in delta
    points: list[Any] = []
    for aggregation, total, recent in collected:
        values = recent if is_delta else total
        if any(values.counts):
            start = max(aggregation.begun, since) if is_delta else aggregation.begun
            samples = total.samples if all_exemplars else recent.samples
            exemplars = [Exemplar({}, *sample) for _, sample in sorted(samples.items())]
            points.append(_point(aggregation, values, exemplars, start, now))
    data: Sum | Histogram | Gauge
    match metric.instrument:
        case c.Instrument.COUNTER:
            data = Sum(points, DELTA if is_delta else CUMULATIVE, is_monotonic=True)
        case c.Instrument.GAUGE:
            data = Gauge(points)
        case _:
            data = Histogram(points, DELTA if is_delta else CUMULATIVE)
    return Metric(metric.name, metric.brief, metric.unit, data)


def _point(
    aggregation: Aggregation, values: Interval, exemplars: list[Exemplar], start: int, now: int
) -> NumberDataPoint | HistogramDataPoint:
    if isinstance(aggregation, LastValue):
        return NumberDataPoint(aggregation.attributes, None, now, aggregation.value, exemplars)
    if not aggregation.bounds:
        return NumberDataPoint(aggregation.attributes, start, now, values.total, exemplars)
    return HistogramDataPoint(
        attributes=aggregation.attributes,
        start_time_unix_nano=start,
        time_unix_nano=now,
        count=sum(values.counts),
        sum=values.total if values.least >= 0 else None,
        bucket_counts=tuple(values.counts),
        explicit_bounds=aggregation.bounds,
        min=values.least,
        max=values.greatest,
        exemplars=exemplars,
    )


def watched_metric(
    metric: c.Metric, values: Iterable[tuple[float, Mapping[str, AttributeValue]]], start: int, now: int, *, delta: bool
) -> Metric:
    """Return `metric`, a counter or an up-down counter, with a point for each of these values."""
    points = [NumberDataPoint(attributes, start, now, value, ()) for value, attributes in values]
    data = Sum(points, DELTA if delta else CUMULATIVE, is_monotonic=metric.instrument is c.Instrument.COUNTER)
    return Metric(metric.name, metric.brief, metric.unit, data)


def added_to(data: Any, metrics: Sequence[Any], resource: Resource) -> MetricsData:
    """Return `data`, collected by the SDK, or None, with `metrics` under our scope, which an encoder must find once."""
    first, *others = (data.resource_metrics if data else None) or [ResourceMetrics(resource, [], "")]
    scope = InstrumentationScope(c.SCOPE)
    same = [one for one in first.scope_metrics if one.scope == scope]
    theirs = [metric for one in same for metric in one.metrics]
    scopes = [*(one for one in first.scope_metrics if one not in same), ScopeMetrics(scope, [*theirs, *metrics], "")]
    return MetricsData([ResourceMetrics(first.resource, scopes, first.schema_url), *others])
