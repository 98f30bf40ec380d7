"""Collects all metrics at the moment of a scrape.

In: our own sums, and what the SDK's provider measures. Out: metric families for a registry of prometheus_client, in
which secrets are hidden as in what is pushed. State: the reader's own storage in the SDK; the sums are shared with the
pipeline that pushes, where there is one.

Sums are cumulative, whatever that pipeline exports. A scrape holds the locks that a request takes no longer than it
takes to copy a series.
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
    """A reader of the SDK's provider that collects when asked; the SDK's sums are cumulative by default.

    Arguments: `resource`, until the provider tells its own, which is another one in a forked child.
    """

    def __init__(self, resource: Resource, sums: Sums) -> None:
        super().__init__()
        self._resource = resource
        self._sums = sums
        self._renew()

    def _renew(self) -> None:
        self._lock = threading.Lock()  # guards all of a collection: the SDK's take values away from one another
        self._received: MetricsData | None = None

    def read(self) -> ResourceMetrics:
        """Return all metrics as they stand, scrubbed: ours also where collecting a user's own fails."""
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
        """Begin anew in a forked child."""
        self._sums.renew()
        self._renew()

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        """Do nothing: what was measured can be scraped to the end."""

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> None:  # noqa: ARG002  the SDK's own signature
        self._received = metrics_data


class PullCollector:
    """What a registry asks for families: prometheus_client's `Collector`."""

    def __init__(self, reader: PullReader) -> None:
        self._reader = reader

    def collect(self) -> Iterable[core.Metric]:
        """Return all families with their values; never raises."""
        with guard:
            return families(self._reader.read())
        return []

    def describe(self) -> Iterable[core.Metric]:
        """Return the families of our own metrics, so that a registry finds another metric of the same name."""
        yield target_info(Resource.get_empty())
        for metric in c.METRICS:
            kind: Kind = metric.instrument.value
            yield family_of(metric_name(metric.name, metric.unit, kind), metric.brief, metric.unit, kind)
