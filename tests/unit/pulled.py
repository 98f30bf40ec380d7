"""Reads what is pulled: a provider of ours with a `PullReader`, and prometheus_client's own parsers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.metrics import Meter
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, core
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from telemetry.prometheus.collector import PullCollector, PullReader
from telemetry.prometheus.exposition import Exposition, Response
from telemetry.recording.metrics.meter_provider import MeterProvider
from telemetry.recording.metrics.own_metrics import OwnMetrics

SCRAPE_AND_SEARCH = """
import telemetry.prometheus, urllib.request
def scrape(accept="application/openmetrics-text; version=1.0.0"):
    request = urllib.request.Request(f"http://{telemetry.prometheus.address()}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode(), answer.headers["Content-Type"]

@telemetry.endpoint("/search")
def search(docs):
    with telemetry.stage("inference", minibatch_size=32):
        telemetry.results(hits=2, scores=[0.9, 0.2])
        telemetry.index_points("goods", 1500)
"""
"""What a process of a test begins with: how to scrape itself, and an executor."""
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
RESOURCE = Resource({"service.name": "encoder", "service.instance.id": "i1", "host.name": "h"})


@dataclass
class Pulled:
    """What a test measures, and what a scrape of it gives."""

    own: OwnMetrics
    meter: Meter
    provider: MeterProvider
    registry: CollectorRegistry
    exposition: Exposition

    def answer(self, accept: str = OPENMETRICS, **environ: str) -> Response:
        request = {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics", "QUERY_STRING": "", "HTTP_ACCEPT": accept}
        return self.exposition.respond({**request, **environ})

    def families(self, accept: str = OPENMETRICS) -> dict[str, core.Metric]:
        status, headers, body = self.answer(accept)
        assert status == "200 OK", body
        return families(body.decode(), dict(headers)["Content-Type"])

    def sample(self, name: str, labels: Mapping[str, str] | None = None) -> core.Sample:
        return one(self.families(), name, labels or {})


@contextmanager
def pulled() -> Iterator[Pulled]:
    """A provider of our own whose metrics are pulled."""
    own = OwnMetrics("always_on")
    provider = MeterProvider(own, RESOURCE)
    registry = CollectorRegistry()
    registry.register(PullCollector(PullReader(provider)))
    yield Pulled(own, provider.get_meter("theirs"), provider, registry, Exposition(registry))
    provider.shutdown()


def families(text: str, content_type: str) -> dict[str, core.Metric]:
    """Parse an exposition strictly, in the format that it declares."""
    parse = parse_openmetrics if content_type.startswith("application/openmetrics-text") else parse_text
    return {family.name: family for family in parse(text)}


def one(found: Mapping[str, core.Metric], name: str, labels: Mapping[str, str]) -> core.Sample:
    """Return the one sample of this name that has at least these labels."""
    (sample,) = [
        sample
        for family in found.values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sample
