"""The metrics of a test.

In: the reader of a test's own meter provider. Out: what a test asserts. State: none but the reader.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint

Point = HistogramDataPoint | NumberDataPoint


class Metrics:
    """What the fixture `metrics` gives: the values measured since the test began."""

    def __init__(self, reader: InMemoryMetricReader) -> None:
        self._reader = reader

    def points(self, name: str, attributes: Mapping[str, Any] | None = None) -> list[Point]:
        """Return the data points of a metric: all, or those with exactly these attributes."""
        found = [point for metric, point in self._all() if metric == name]
        return [p for p in found if attributes is None or dict(p.attributes or {}) == dict(attributes)]

    def value(self, name: str, attributes: Mapping[str, Any] | None = None) -> float:
        """Return the value of a counter or gauge, the number of values of a histogram; 0 where there is none."""
        return sum(p.count if isinstance(p, HistogramDataPoint) else p.value for p in self.points(name, attributes))

    def total(self, name: str, attributes: Mapping[str, Any] | None = None) -> float:
        """Return the sum of the values of a histogram."""
        return sum(p.sum for p in self.points(name, attributes) if isinstance(p, HistogramDataPoint))

    def series(self, name: str) -> list[dict[str, Any]]:
        """Return the attributes of each data point of a metric, the shorter first."""
        series = (dict(point.attributes or {}) for point in self.points(name))
        return sorted(series, key=lambda attributes: (len(attributes), sorted(attributes.items())))

    def names(self) -> set[str]:
        """Return the names of all metrics that have a value."""
        return {name for name, _ in self._all()}

    def _all(self) -> Iterator[tuple[str, Point]]:
        data = self._reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        if isinstance(point, HistogramDataPoint | NumberDataPoint):
                            yield metric.name, point
