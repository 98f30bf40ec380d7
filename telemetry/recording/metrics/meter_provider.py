"""Our own meter provider, which loads the metrics SDK when a meter is first asked for.

In: our own metrics, a resource. Out: meters for other code; all metrics, for exporters. State: the SDK's provider once
one is needed, until then the resource.

Our own metrics need no meter, and the SDK's import takes longer than the rest of `configure`. So this is a provider of
OpenTelemetry's API, with one of the SDK's behind it, made when something is used that only the SDK has. `isinstance`
with the SDK's class is true (`__class__`, as in `unittest.mock`), and all attributes of the SDK's provider are there.
"""

import sys
import threading
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry import metrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.util.types import Attributes

from telemetry.recording.child_resource import child_resource
from telemetry.recording.fork import importing
from telemetry.recording.metrics.own_metrics import OwnMetrics, Reader

if TYPE_CHECKING:
    from telemetry.recording.metrics.sdk_metrics import SdkMeterProvider, SdkReader


class MetricExport(Protocol):
    """An exporter of all metrics, which is shut down with the provider."""

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Export all values; return whether that was possible."""

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Export for the last time."""


class MeterProvider(metrics.MeterProvider):
    """Makes meters.

    Arguments: `own`, our own metrics; `resource`; `exemplar_filter` of the SDK's instruments, as the standard variable
    has it.
    """

    def __init__(self, own: OwnMetrics, resource: Resource, exemplar_filter: str = "trace_based") -> None:
        self.own = own
        self._exemplar_filter = exemplar_filter
        self._export: MetricExport | None = None
        self._collectors: list[Collector] = []
        self._lock = threading.RLock()  # guards the two below
        self._sdk: SdkMeterProvider | None = None
        self._resource = resource
        self._has_parents_resource = False
        self._is_shut_down = False

    @property  # type: ignore[misc]  # it is not set
    def __class__(self) -> type:
        """The class for `isinstance`: the SDK's, once that is loaded."""
        if hasattr(sys.modules.get("opentelemetry.sdk.metrics"), "MeterProvider"):
            from telemetry.recording.metrics.sdk_metrics import SdkMeterProvider

            return SdkMeterProvider
        return type(self)

    @property
    def resource(self) -> Resource:
        """The resource of all metrics."""
        if self._sdk is not None:
            return self._sdk.resource
        if self._has_parents_resource:  # found out here, not in the hook of the fork: detectors may start threads
            self._has_parents_resource = False
            self._resource = self._resource.merge(child_resource())
        return self._resource

    def _update_resource(self, resource: Resource) -> None:  # named as in the SDK
        if self._sdk is not None:
            self._sdk.update_resource(resource)
        else:
            self._resource = self.resource.merge(resource)

    def collector(self, *, delta: Collection[str] = (), all_exemplars: bool = False) -> "Collector":
        """Return what collects all metrics; the arguments are those of `OwnMetrics.reader`."""
        with self._lock:
            made = Collector(self.own.reader(delta=delta, all_exemplars=all_exemplars), lambda: self.resource)
            self._collectors.append(made)
            if self._sdk is not None:
                made.of_sdk = self._sdk.reader(made.reader.delta)
            return made

    def export_with(self, export: MetricExport) -> None:
        """Have `export` flushed and shut down with the provider."""
        self._export = export

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> metrics.Meter:
        """Return a meter of the SDK's; after a shutdown, one that measures nothing."""
        if self._is_shut_down and self._sdk is None:
            return metrics.NoOpMeter(name, version, schema_url)
        return self.sdk().get_meter(name, version, schema_url, attributes)

    def sdk(self) -> "SdkMeterProvider":
        """Return the SDK's provider, made when it is first asked for."""
        if self._sdk is not None:
            return self._sdk
        with importing:
            from telemetry.recording.metrics.sdk_metrics import SdkMeterProvider
        with self._lock:
            if self._sdk is None:
                made = SdkMeterProvider(self.own, self.resource, self._exemplar_filter)
                for collector in self._collectors:
                    collector.of_sdk = made.reader(collector.reader.delta)
                self._sdk = made
            return self._sdk

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.sdk(), name)

    def added(self) -> Sequence[Any]:
        """Return the readers that were added to export, unless they were shut down with the provider."""
        return () if self._sdk is None or self._is_shut_down else self._sdk.pushing_readers()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Export all metrics; return whether that was possible."""
        flushed = self._sdk is None or self._sdk.force_flush(timeout_millis)
        return (self._export is None or self._export.force_flush(timeout_millis)) and flushed

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Export for the last time, and make no more meters."""
        self._is_shut_down = True
        if self._sdk is not None:
            self._sdk.shutdown(timeout_millis)
        if self._export is not None:
            self._export.shutdown(timeout_millis)

    def renew(self) -> None:
        """Start over in a forked child, without using a lock of the parent's."""
        self._lock = threading.RLock()
        self.own.renew()
        if self._sdk is None:
            self._has_parents_resource = True
        else:
            self._sdk.renew()


class Collector:
    """Collects all metrics: ours, and those of the SDK's instruments. One collection at a time.

    Arguments: `reader` of our own metrics; `resource` of these.
    """

    def __init__(self, reader: Reader, resource: Callable[[], Resource]) -> None:
        self.reader = reader
        self.of_sdk: SdkReader | None = None
        self._resource = resource

    def collect(self) -> Any:
        """Return all metrics, where a callback of the user's fails ours alone; None if there are none.

        They are in the SDK's classes, or have the same fields.
        """
        theirs = None if self.of_sdk is None else self.of_sdk.read()
        return self.reader.added_to(theirs, self._resource())
