"""Collects all metrics for a scrape: our own, and those of the SDK's instruments.

Secrets are hidden as in pushed metrics. Sums are cumulative, whatever a pipeline that also pushes them exports. A
scrape holds a lock that requests need only while it copies one set of attributes.
"""

import threading
from collections.abc import Iterable
from typing import Any

from opentelemetry.sdk.resources import Resource
from prometheus_client import core

from telemetry import conventions as c
from telemetry.otlp.repair import repaired_metrics
from telemetry.privacy.metrics import scrub_metrics
from telemetry.privacy.scrubber import current
from telemetry.prometheus.families import families, family_of, target_info
from telemetry.prometheus.names import Kind, metric_name
from telemetry.recording.guard import guard
from telemetry.recording.metrics.meter_provider import MeterProvider
from telemetry.recording.metrics.points import MetricsData, ResourceMetrics


class PullReader:
    """Collects on demand, with cumulative sums. Arguments: `provider`, whose metrics these are."""

    def __init__(self, provider: MeterProvider) -> None:
        self._provider = provider
        self._collector = provider.collector(all_exemplars=True)
        self.renew()

    def renew(self) -> None:
        """Start over in a forked child."""
        self._lock = threading.Lock()  # one collection at a time: concurrent ones would each get a part of the values

    def read(self) -> Any:
        """Return all metrics, scrubbed; if collecting the user's own fails, ours alone."""
        with self._lock:
            collected = self._collector.collect()
        of_resources = collected.resource_metrics if collected else ()
        found = ResourceMetrics(
            self._provider.resource, [scope for one in of_resources for scope in one.scope_metrics], ""
        )
        data: Any = MetricsData([found])
        repaired, _ = repaired_metrics(data)
        (scrubbed,) = scrub_metrics(repaired, current()).resource_metrics
        return scrubbed


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
