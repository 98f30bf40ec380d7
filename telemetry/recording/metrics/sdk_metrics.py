"""The SDK's meter provider behind ours, for the user's instruments and readers. Importing it loads the metrics SDK.

In: our own metrics, a resource. Out: meters; what they measure, for us; all metrics, for readers that the user adds.
State: the SDK's own; a reader of our own metrics for each reader of the user's.

A reader that the user adds gets our own metrics too, with its own temporality: what the SDK calls to collect for it is
replaced by what adds them (`MetricReader._set_collect_callback`; the SDK has no public name for it).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics import export
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader, MetricsData
from opentelemetry.sdk.resources import Resource

from telemetry.recording.guard import guard
from telemetry.recording.metrics import points
from telemetry.recording.metrics.own_metrics import OwnMetrics, Reader

_FILTERS: Final[dict[str, Callable[[], sdk.ExemplarFilter]]] = {
    "trace_based": sdk.TraceBasedExemplarFilter,
    "always_on": sdk.AlwaysOnExemplarFilter,
    "always_off": sdk.AlwaysOffExemplarFilter,
}
_INSTRUMENTS: Final[dict[str, type]] = {
    kind.__name__: kind for kind in (sdk.Counter, sdk.Histogram, sdk.ObservableCounter)
}


class SdkReader(MetricReader):
    """Collects what the SDK's instruments measured, for one of ours. Arguments: `delta`, as `OwnMetrics.reader`."""

    def __init__(self, delta: frozenset[str]) -> None:
        super().__init__({_INSTRUMENTS[name]: AggregationTemporality.DELTA for name in delta} or None)
        self._received: MetricsData | None = None

    def read(self) -> MetricsData | None:
        """Return what was measured; None if nothing was, or if a callback of the user's fails."""
        self._received = None
        with guard:
            self.collect()
        return self._received

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> None:  # noqa: ARG002  the SDK's own signature
        self._received = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        """Do nothing: it collects as long as it is read."""


class SdkMeterProvider(sdk.MeterProvider):
    """The SDK's provider. Arguments: `own`, our own metrics, for readers that are added; `resource`; the filter."""

    def __init__(self, own: OwnMetrics, resource: Resource, exemplar_filter: str) -> None:
        super().__init__((), resource, _FILTERS[exemplar_filter](), shutdown_on_exit=False)
        self._own = own
        self._added: WeakKeyDictionary[MetricReader, Reader] = WeakKeyDictionary()

    @property
    def resource(self) -> Resource:
        """The resource of all metrics."""
        return self._sdk_config.resource

    def update_resource(self, resource: Resource) -> None:
        """Add attributes to the resource of all metrics."""
        self._sdk_config.resource = self._sdk_config.resource.merge(resource)

    def reader(self, delta: frozenset[str]) -> SdkReader:
        """Return a new reader of what the SDK's instruments measure, without our own metrics."""
        made = SdkReader(delta)
        super().add_metric_reader(made)
        return made

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        """Have `metric_reader` read all metrics, ours too."""
        super().add_metric_reader(metric_reader)
        if metric_reader in self._added:
            return
        temporalities: dict[type, AggregationTemporality] = getattr(metric_reader, "_instrument_class_temporality", {})
        delta = {
            kind.__name__.lstrip("_")
            for kind, temporality in temporalities.items()
            if temporality is AggregationTemporality.DELTA
        }
        reader = self._added[metric_reader] = self._own.reader(delta=delta)
        collect: Any = partial(self._collect_all, reader)
        metric_reader._set_collect_callback(collect)  # noqa: SLF001  see above

    def pushing_readers(self) -> list[MetricReader]:
        """Return the added readers that export by themselves: flushing another one takes its values away."""
        return [one for one in self._added if type(one).force_flush is not MetricReader.force_flush]

    def remove_metric_reader(self, metric_reader: MetricReader) -> None:
        """Have `metric_reader` read no more."""
        super().remove_metric_reader(metric_reader)
        reader = self._added.pop(metric_reader, None)
        if reader is not None:
            reader.close()

    def _collect_all(self, reader: Reader, *args: Any, **kwargs: Any) -> MetricsData | None:
        return with_own(self._measurement_consumer.collect(*args, **kwargs), reader, self.resource)

    def renew(self) -> None:
        """Reset all instruments in a forked child, without acquiring a lock.

        They record through the provider's measurement consumer: initialized again, it has neither the storage nor the
        locks of the parent. Its callbacks stay, and its readers.
        """
        consumer: Any = self._measurement_consumer
        callbacks, readers = consumer._async_instruments, list(consumer._reader_storages)  # noqa: SLF001  the SDK has no public API
        consumer.__init__(sdk_config=self._sdk_config, metric_readers=readers)
        consumer._async_instruments = callbacks  # noqa: SLF001  as above


def with_own(theirs: MetricsData | None, reader: Reader, resource: Resource) -> MetricsData | None:
    """Return what the SDK has collected, with our own metrics, all in the SDK's classes; None if there is nothing."""
    metrics = [_converted(metric) for metric in reader.collect()]
    if not metrics:
        return theirs
    added = points.added_to(theirs, metrics, resource)
    first, *others = added.resource_metrics
    scopes = [one if isinstance(one, export.ScopeMetrics) else _converted(one) for one in first.scope_metrics]
    return MetricsData([export.ResourceMetrics(first.resource, scopes, first.schema_url), *others])


def _converted(item: Any) -> Any:
    """Return a metric, or one of its parts, in the SDK's class of the same name."""
    fields = dict(vars(item))
    for name in ("data", "data_points", "exemplars"):
        if name in fields:
            inner = fields[name]
            fields[name] = _converted(inner) if name == "data" else [_converted(one) for one in inner]
    if "aggregation_temporality" in fields:
        fields["aggregation_temporality"] = AggregationTemporality(fields["aggregation_temporality"])
    kind = type(item).__name__
    made: Any = sdk.Exemplar if kind == "Exemplar" else getattr(export, kind)
    return made(**fields)
