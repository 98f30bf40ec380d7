"""The metrics of a test.

Exemplars are collected across reads, since each of them is read once.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, MetricsData, NumberDataPoint
from opentelemetry.sdk.resources import Resource

from telemetry.recording.metrics.own_metrics import Reader
from telemetry.recording.metrics.sdk_metrics import with_own

Point = HistogramDataPoint | NumberDataPoint


class Metrics:
    """The value of the fixture `metrics`: the values measured since the start of the test."""

    def __init__(self, reader: InMemoryMetricReader, own: Reader | None) -> None:
        self._reader: InMemoryMetricReader | None = reader
        self._own = own  # reads our own metrics, where the provider is ours
        self._last: MetricsData | None = None
        self._exemplars: defaultdict[str, list[tuple[dict[str, Any], int]]] = defaultdict(list)

    def points(self, name: str, attributes: Mapping[str, Any] | None = None) -> list[Point]:
        """Return the data points of a metric: all, or the one with exactly these attributes."""
        found = [point for metric, point in self._all() if metric == name]
        return [p for p in found if attributes is None or dict(p.attributes or {}) == dict(attributes)]

    def value(self, name: str, attributes: Mapping[str, Any] | None = None) -> float:
        """Return the value of a counter or gauge, or the count of a histogram; 0 if there is none."""
        return sum(p.count if isinstance(p, HistogramDataPoint) else p.value for p in self.points(name, attributes))

    def total(self, name: str, attributes: Mapping[str, Any] | None = None) -> float:
        """Return the sum of a histogram."""
        return sum(p.sum or 0 for p in self.points(name, attributes) if isinstance(p, HistogramDataPoint))

    def series(self, name: str) -> list[dict[str, Any]]:
        """Return the attributes of each data point of a metric, those with fewer attributes first."""
        series = (dict(point.attributes or {}) for point in self.points(name))
        return sorted(series, key=lambda attributes: (len(attributes), sorted(attributes.items())))

    def exemplars(self, name: str, attributes: Mapping[str, Any] | None = None) -> list[int]:
        """Return the span ids of the exemplars of a metric."""
        self.points(name)
        return [span for own, span in self._exemplars[name] if attributes is None or own == dict(attributes)]

    def text(self, *names: str) -> str:
        """Return the values of these metrics, or of all, as sorted lines, one per series.

        A histogram shows its count and sum.
        """
        return "\n".join(sorted(_line(name, point) for name, point in self._all() if not names or name in names))

    def names(self) -> set[str]:
        """Return the names of all metrics that have a value."""
        return {name for name, _ in self._all()}

    def end(self) -> None:
        """Read the metrics for the last time, before the reader is removed."""
        if self._reader is not None:
            self._last, self._reader = self._read(self._reader), None

    def _read(self, reader: InMemoryMetricReader) -> MetricsData:
        data = reader.get_metrics_data()
        if self._own is not None:
            data = with_own(data, self._own, Resource.get_empty())
        return data or MetricsData([])

    def _all(self) -> Iterator[tuple[str, Point]]:
        data = self._last if self._reader is None else self._read(self._reader)
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        if isinstance(point, HistogramDataPoint | NumberDataPoint):
                            self._add_exemplars(metric.name, point)
                            yield metric.name, point

    def _add_exemplars(self, name: str, point: Point) -> None:
        found = (exemplar.span_id for exemplar in point.exemplars)
        self._exemplars[name] += [(dict(point.attributes or {}), span) for span in found if span is not None]


def _line(name: str, point: Point) -> str:
    own: Mapping[str, Any] = point.attributes or {}
    attributes = ", ".join(f"{key}={value}" for key, value in sorted(own.items()))
    if isinstance(point, HistogramDataPoint):  # which has no sum if a value was negative
        value = f"count {point.count}" + ("" if point.sum is None else f", sum {point.sum:g}")
    else:
        value = f"{point.value:g}"
    return f"{name}{{{attributes}}} {value}"
