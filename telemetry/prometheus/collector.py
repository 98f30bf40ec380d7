"""Collects all metrics for a scrape: our own sums, and those of the SDK's provider.

Secrets are hidden as in pushed metrics. Sums are cumulative, whatever a pipeline that also pushes them exports. A
scrape holds a lock that requests need only while it copies one series.
"""

import threading
from collections.abc import Iterable
from typing import Any

from opentelemetry.sdk.metrics.export import MetricReader, MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from prometheus_client import core

from telemetry import conventions as c
from telemetry.otlp.repair import repaired_metrics
from telemetry.privacy.metrics import scrub_metrics
from telemetry.privacy.scrubber import current
from telemetry.prometheus.families import families, family_of, target_info
from telemetry.prometheus.names import Kind, metric_name
from telemetry.recording.aggregation import Sums
from telemetry.recording.guard import guard


class PullReader(MetricReader):
    """A reader of the SDK's provider that collects on demand, with cumulative sums, the SDK's default.

    Arguments: `resource`, used until the provider's own is known, which changes in a forked child; `sums`.
    """

    def __init__(self, resource: Resource, sums: Sums) -> None:
        super().__init__()
        self._resource = resource
        self._sums = sums
        self._renew()

    def _renew(self) -> None:
        self._lock = threading.Lock()  # one collection at a time: concurrent ones would each get a part of the values
        self._received: MetricsData | None = None

    def read(self) -> ResourceMetrics:
        """Return all metrics, scrubbed; if collecting the user's own fails, ours alone."""
        collected: list[ScopeMetrics] = []
        with self._lock:
            self._received = None
            with guard:
                self.collect()
            received: MetricsData | None = self._received
            for of_resource in received.resource_metrics if received else ():
                self._resource = of_resource.resource
                collected.extend(of_resource.scope_metrics)
            found = ResourceMetrics(self._resource, [*collected, self._sums.totals()], "")
        repaired, _ = repaired_metrics(MetricsData([found]))
        (scrubbed,) = scrub_metrics(repaired, current()).resource_metrics
        return scrubbed

    def renew(self) -> None:
        """Start over in a forked child."""
        self._sums.renew()
        self._renew()

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        """Do nothing: metrics can be scraped until the process ends."""

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> None:  # noqa: ARG002  the SDK's own signature
        self._received = metrics_data


class PullCollector:
    """The `Collector` that a registry of prometheus_client calls."""

    def __init__(self, reader: PullReader) -> None:
        self._reader = reader

    def collect(self) -> Iterable[core.Metric]:
        """Return all families with their values; never raises."""
        with guard:
            return families(self._reader.read())
        return []

    def describe(self) -> Iterable[core.Metric]:
        """Return the families of our own metrics, so that a registry rejects others of the same name."""
        yield target_info(Resource.get_empty())
        for metric in c.METRICS:
            kind: Kind = metric.instrument.value
            yield family_of(metric_name(metric.name, metric.unit, kind), metric.brief, metric.unit, kind)
