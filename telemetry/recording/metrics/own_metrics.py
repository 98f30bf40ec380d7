"""The values of our own metrics, and their readers.

In: metrics with sets of attributes, for which it hands out what records; functions that read a value when it is
collected. Out: the metrics, for each reader with its temporality. State: the
aggregations, what is watched and the readers, owned by one `OwnMetrics`, from which the pipeline of OTLP, the scrapes
of Prometheus and readers of the user's read the same values.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording.clock import metrics_generation
from telemetry.recording.guard import guard
from telemetry.recording.metrics import points
from telemetry.recording.metrics.aggregation import Aggregation, LastValue

Values = Iterable[tuple[float, Mapping[str, AttributeValue]]]
"""Values with their attributes."""
_MOST_ATTRIBUTE_SETS: Final = 2000  # of one metric; what comes later is added up as one, as the SDK does
_OVERFLOW: Final = {"otel.metric.overflow": True}


class OwnMetrics:
    """The values of our own metrics in this process.

    Arguments: `exemplar_filter`, as the standard variable `OTEL_METRICS_EXEMPLAR_FILTER` has it.
    """

    def __init__(self, exemplar_filter: str) -> None:
        self._filter = exemplar_filter
        self._watched: dict[str, tuple[c.Metric, Callable[[], Values]]] = {}
        self._readers: list[Reader] = []
        self.renew()

    def renew(self) -> None:
        """Start over in a forked child: the values are the parent's, and so may be the thread that holds a lock.

        Readers stay, and what is watched.
        """
        self._aggregations: dict[str, tuple[c.Metric, dict[tuple[object, ...], Aggregation]]] = {}
        self._lock = threading.RLock()  # guards all of these; re-entrant, as that of an aggregation
        self.begun = time.time_ns()
        for reader in self._readers:
            reader.renew(self.begun)
        metrics_generation.renew()

    def aggregation(self, metric: c.Metric, attributes: Mapping[str, AttributeValue]) -> Aggregation:
        """Return what takes the values of `metric` with these attributes."""
        with self._lock:
            _, known = self._aggregations.setdefault(metric.name, (metric, {}))
            key = _key(attributes)
            if len(known) >= _MOST_ATTRIBUTE_SETS and key not in known:
                attributes, key = _OVERFLOW, _key(_OVERFLOW)
            found = known.get(key)
            if found is None:
                kind = LastValue if metric.instrument is c.Instrument.GAUGE else Aggregation
                found = known[key] = kind(metric, dict(attributes), self._filter, self._readers, time.time_ns())
            return found

    def watch(self, metric: c.Metric, read: Callable[[], Values]) -> None:
        """Have `metric`, a counter or an up-down counter, read by `read` whenever metrics are collected."""
        with self._lock:
            self._watched.setdefault(metric.name, (metric, read))

    def reader(self, *, delta: Collection[str] = (), all_exemplars: bool = False) -> "Reader":
        """Return a new reader.

        Arguments: `delta`, the SDK's names of the instruments whose sums are those since it has last collected:
        `Counter`, `Histogram`, `ObservableCounter`. `all_exemplars`: it gets the last exemplar of each bucket at each
        collection; else those since the last one, as the SDK has it.
        """
        with self._lock:
            for aggregation in self._all():
                aggregation.divide()
            reader = Reader(self, frozenset(delta), all_exemplars=all_exemplars)
            self._readers.append(reader)
            return reader

    def remove(self, reader: "Reader") -> None:
        """Drop what is kept for `reader`."""
        with self._lock:
            if reader in self._readers:
                self._readers.remove(reader)
            for aggregation in self._all():
                aggregation.forget(reader)

    def _all(self) -> list[Aggregation]:
        return [one for _, known in self._aggregations.values() for one in known.values()]

    def aggregated(self) -> list[tuple[c.Metric, list[Aggregation]]]:
        """Return the aggregations of each metric."""
        with self._lock:
            return [(metric, list(known.values())) for metric, known in self._aggregations.values()]

    def watched(self) -> list[tuple[c.Metric, list[tuple[float, Mapping[str, AttributeValue]]]]]:
        """Return what is watched, with its values."""
        found = []
        for metric, read in list(self._watched.values()):
            with guard:
                found.append((metric, list(read())))
        return found


class Reader:
    """Reads all of our own metrics. One collection at a time; `OwnMetrics.reader` makes it.

    Attributes: `delta`, `all_exemplars`, as there; `since`, when it has last collected, or was made.
    """

    def __init__(self, own: OwnMetrics, delta: frozenset[str], *, all_exemplars: bool) -> None:
        self._own = own
        self.delta = delta
        self.all_exemplars = all_exemplars
        self.renew(time.time_ns())

    def renew(self, now: int) -> None:
        """Start over in a forked child."""
        self.since = now
        self._before: dict[object, float] = {}  # by metric and attributes: the value of what is watched

    def collect(self) -> list[points.Metric]:
        """Return the metrics that have values."""
        now, metrics = time.time_ns(), []
        for metric, aggregations in self._own.aggregated():
            collected = [(one, *one.collect(self)) for one in aggregations]
            metrics.append(
                points.metric_of(
                    metric, collected, now, delta=self.delta, since=self.since, all_exemplars=self.all_exemplars
                )
            )
        for metric, values in self._own.watched():
            if metric.instrument is c.Instrument.COUNTER and "ObservableCounter" in self.delta:
                changes, start = self._changes(metric, values), max(self._own.begun, self.since)
                metrics.append(points.watched_metric(metric, changes, start, now, delta=True))
            else:
                metrics.append(points.watched_metric(metric, values, self._own.begun, now, delta=False))
        self.since = now
        return [metric for metric in metrics if metric.data.data_points]

    def added_to(self, data: Any, resource: Resource) -> Any:
        """Return `data`, collected by the SDK or None, with all that `collect` returns; None if there is nothing."""
        metrics = self.collect()
        return points.added_to(data, metrics, resource) if metrics else data

    def close(self) -> None:
        """Read no more."""
        self._own.remove(self)

    def _changes(self, metric: c.Metric, values: Values) -> list[tuple[float, Mapping[str, AttributeValue]]]:
        """Return by how much the values have changed since the last collection."""
        changes = []
        for value, attributes in values:
            key = (metric.name, _key(attributes))
            changes.append((value - self._before.get(key, 0), attributes))
            self._before[key] = value
        return changes


def _key(attributes: Mapping[str, AttributeValue]) -> tuple[object, ...]:
    """Return a key of a set of attributes, in which 1 and True differ."""
    return tuple((name, type(value), value) for name, value in attributes.items())
