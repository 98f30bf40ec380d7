"""Adds up what our own metrics measure, until it is collected.

In: values, on any thread. Out: the SDK's data points, on the thread that collects. State: one `Series` for each metric
and set of attributes, owned by one `Sums`.

It counts as the SDK's instruments do (a test compares the two). Those look for views, make a measurement, and copy and
hash its attributes each time a value is recorded, which takes most of what a stage costs; here a series is looked for
once, and kept by whoever records.
"""

import math
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
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
from opentelemetry.trace import Span as AnySpan
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording.clock import clock
from telemetry.recording.providers import generation
from telemetry.recording.span import Span
from telemetry.recording.tracer import UnsampledSpan

_MOST_SERIES: Final = 2000  # of one metric; what comes later is added up as one, as the SDK does
_OVERFLOW: Final = {"otel.metric.overflow": True}
_Sample = tuple[float, int, int | None, int | None]
"""What becomes an exemplar: value, nanoseconds since 1970, span, trace."""
_Values = tuple[tuple[int, ...], float, float, float]
"""Counts of the buckets, sum, least, greatest."""


class Series:
    """The values of one metric with one set of attributes. A counter is a histogram with a single bucket."""

    __slots__ = (
        "_attributes", "_before", "_begun", "_bounds", "_counts", "_exemplars", "_filter", "_kept", "_least", "_lock",
        "_max", "_min", "_since", "_sum", "_trace_based",
    )  # fmt: skip

    def __init__(
        self, attributes: Mapping[str, AttributeValue], metric: c.Metric, exemplar_filter: str, since: int
    ) -> None:
        self._attributes = attributes
        self._bounds = metric.buckets
        self._least = -sys.float_info.max if metric.signed else 0
        self._filter = exemplar_filter
        self._trace_based = exemplar_filter == "trace_based"
        self._begun = self._since = since
        self._exemplars: dict[int, _Sample] = {}  # the last one of each bucket, until it is told
        self._kept: dict[int, _Sample] = {}  # the last one of each bucket that was told
        # Guards all around it. Re-entrant: a generator that the garbage collector ends may record in the middle.
        self._lock = threading.RLock()
        self._clear()
        # What was told and cleared, where sums are those since the last time.
        self._before: _Values = (tuple(self._counts), self._sum, self._min, self._max)

    def _clear(self) -> None:
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum: float = 0
        self._min, self._max = math.inf, -math.inf

    def record(self, value: float, span: AnySpan | None) -> None:
        """Add `value`, measured in `span` (None: in none), if the metric can have it."""
        # Long-winded, since it runs for every stage: it costs its caller half of what shorter code does.
        if type(value) is not float and type(value) is not int:
            value = float(value)
        if not self._least <= value < math.inf:
            return
        sample: _Sample | None = None
        if type(span) is Span and self._trace_based:
            if span.flags & 1:
                sample = (value, clock.wall(), span.span_id, span.trace_id)
        elif span is not None or not self._trace_based:
            sample = self._sample(value, span)
        bucket = bisect_left(self._bounds, value)
        with self._lock:
            self._counts[bucket] += 1
            self._sum += value
            if value < self._min:  # noqa: PLR1730  `min` costs as much as all the rest
                self._min = value
            if value > self._max:  # noqa: PLR1730  as above
                self._max = value
            if sample is not None:
                self._exemplars[bucket] = sample

    def _sample(self, value: float, span: AnySpan | None) -> _Sample | None:
        if self._filter == "always_off" or (self._trace_based and type(span) is UnsampledSpan):
            return None
        context = None if span is None else span.get_span_context()
        if self._trace_based and not (context and context.trace_flags & 1):
            return None
        if context is None or not context.is_valid:
            return value, clock.wall(), None, None
        return value, clock.wall(), context.span_id, context.trace_id

    def _told_exemplars(self) -> list[Exemplar]:
        samples, self._exemplars = self._exemplars, {}
        self._kept |= samples
        return [Exemplar({}, *sample) for _, sample in sorted(samples.items())]

    def _begin_interval(self, now: int) -> None:
        self._before = self._total()
        self._since = now
        self._clear()

    def _total(self) -> _Values:
        counts, total, least, greatest = self._before
        every = tuple(map(sum, zip(counts, self._counts, strict=True)))
        return every, total + self._sum, min(least, self._min), max(greatest, self._max)

    def histogram(self, now: int, *, delta: bool) -> HistogramDataPoint | None:
        """Return the values so far; with `delta`, those since the last time, and None where there are none."""
        with self._lock:
            if delta and not any(self._counts):
                self._since = now
                return None
            point = HistogramDataPoint(
                attributes=self._attributes,
                start_time_unix_nano=self._since,
                time_unix_nano=now,
                count=sum(self._counts),
                sum=_told_sum(self._sum, self._min),
                bucket_counts=tuple(self._counts),
                explicit_bounds=self._bounds,
                min=self._min,
                max=self._max,
                exemplars=self._told_exemplars(),
            )
            if delta:
                self._begin_interval(now)
            return point

    def counter(self, now: int, *, delta: bool) -> NumberDataPoint | None:
        """Return the sum, as `histogram` does."""
        with self._lock:
            if delta and not any(self._counts):
                self._since = now
                return None
            point = NumberDataPoint(self._attributes, self._since, now, self._sum, self._told_exemplars())
            if delta:
                self._begin_interval(now)
            return point

    def histogram_total(self, now: int) -> HistogramDataPoint:
        """Return all values since the beginning, and leave everything as it is."""
        with self._lock:
            counts, total, least, greatest = self._total()
            exemplars = self._all_exemplars()
        return HistogramDataPoint(
            attributes=self._attributes,
            start_time_unix_nano=self._begun,
            time_unix_nano=now,
            count=sum(counts),
            sum=_told_sum(total, least),
            bucket_counts=counts,
            explicit_bounds=self._bounds,
            min=least,
            max=greatest,
            exemplars=exemplars,
        )

    def counter_total(self, now: int) -> NumberDataPoint:
        """Return the sum since the beginning, as `histogram_total` does."""
        with self._lock:
            _, total, _, _ = self._total()
            return NumberDataPoint(self._attributes, self._begun, now, total, self._all_exemplars())

    def _all_exemplars(self) -> list[Exemplar]:
        return [Exemplar({}, *sample) for _, sample in sorted((self._kept | self._exemplars).items())]


def _told_sum(total: float, least: float) -> Any:
    """Return the sum of a histogram; none where a value lay below zero, as OTLP has it: a sum must not fall."""
    return total if least >= 0 else None


class Sums:
    """All series of the process.

    Arguments: `delta`, whether sums are those since the last collection; `exemplar_filter` as the standard variable
    `OTEL_METRICS_EXEMPLAR_FILTER` has it.
    """

    def __init__(self, exemplar_filter: str, *, delta: bool) -> None:
        self._filter = exemplar_filter
        self._delta = delta
        self.renew()

    def renew(self) -> None:
        """Begin anew: in a forked child the sums are the parent's, and the lock's owner may be a thread not there."""
        self._metrics: dict[str, tuple[c.Metric, dict[tuple[object, ...], Series]]] = {}
        self._collected = 0  # when, in nanoseconds since 1970
        self._lock = threading.RLock()  # guards the two above; re-entrant, as that of a series
        generation.renew()

    def series(self, metric: c.Metric, attributes: Mapping[str, AttributeValue]) -> Series:
        """Return where values of `metric`, a counter or a histogram, with these attributes are added up."""
        with self._lock:
            _, known = self._metrics.setdefault(metric.name, (metric, {}))
            if len(known) >= _MOST_SERIES and _key(attributes) not in known:
                attributes = _OVERFLOW
            found = known.get(_key(attributes))
            if found is None:
                since = (self._delta and self._collected) or time.time_ns()
                found = known[_key(attributes)] = Series(dict(attributes), metric, self._filter, since)
            return found

    def added_to(self, data: MetricsData) -> MetricsData:
        """Return `data`, collected by the SDK, with everything that was added up here."""
        metrics = self._collect()
        if not metrics:
            return data
        first, *others = data.resource_metrics or [ResourceMetrics(Resource.get_empty(), [], "")]
        extended = ResourceMetrics(first.resource, _with_ours(first.scope_metrics, metrics), first.schema_url)
        return MetricsData([extended, *others])

    def totals(self) -> ScopeMetrics:
        """Return everything since the beginning, however often it was collected, and change nothing: for who pulls."""
        with self._lock:
            found = self._found()
        now = time.time_ns()
        return ScopeMetrics(
            InstrumentationScope(c.SCOPE), [_total(metric, series, now) for metric, series in found], ""
        )

    def _found(self) -> list[tuple[c.Metric, tuple[Series, ...]]]:
        return [(metric, tuple(known.values())) for metric, known in self._metrics.values()]

    def _collect(self) -> list[Metric]:
        with self._lock:
            now = self._collected = time.time_ns()
            found = self._found()
        told = (self._told(metric, series, now) for metric, series in found)
        return [metric for metric in told if metric.data.data_points]

    def _told(self, metric: c.Metric, series: tuple[Series, ...], now: int) -> Metric:
        temporality = AggregationTemporality.DELTA if self._delta else AggregationTemporality.CUMULATIVE
        data: Sum | Histogram
        if metric.instrument is c.Instrument.COUNTER:
            sums = (one.counter(now, delta=self._delta) for one in series)
            data = Sum([point for point in sums if point is not None], temporality, is_monotonic=True)
        else:
            histograms = (one.histogram(now, delta=self._delta) for one in series)
            data = Histogram([point for point in histograms if point is not None], temporality)
        return Metric(metric.name, metric.brief, metric.unit, data)


def _total(metric: c.Metric, series: tuple[Series, ...], now: int) -> Metric:
    data: Sum | Histogram
    if metric.instrument is c.Instrument.COUNTER:
        points = [one.counter_total(now) for one in series]
        data = Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True)
    else:
        data = Histogram([one.histogram_total(now) for one in series], AggregationTemporality.CUMULATIVE)
    return Metric(metric.name, metric.brief, metric.unit, data)


def _with_ours(collected: Sequence[ScopeMetrics], metrics: Sequence[Metric]) -> list[ScopeMetrics]:
    """Return what the SDK collected, with `metrics` under our scope; of two equal scopes its encoder loses one."""
    scope = InstrumentationScope(c.SCOPE)
    same = [one for one in collected if one.scope == scope]
    gauges = [metric for one in same for metric in one.metrics]
    return [*(one for one in collected if one not in same), ScopeMetrics(scope, [*gauges, *metrics], "")]


def _key(attributes: Mapping[str, AttributeValue]) -> tuple[object, ...]:
    """Tell sets of attributes apart, 1 and True included."""
    return tuple((name, type(value), value) for name, value in attributes.items())
