"""How long exports take is a metric of its own, by signal, and by what went wrong."""

import time
from collections.abc import Callable

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.resources import Resource

from telemetry.otlp import signals
from telemetry.otlp.grpc import failed
from telemetry.otlp.outcome import Outcome
from telemetry.pipeline.delivery import Delivery
from telemetry.pipeline.metrics import DELTA_INSTRUMENTS, MetricPipeline
from telemetry.pipeline.stats import Counts
from telemetry.recording import providers
from telemetry.recording.metrics import instruments
from telemetry.recording.metrics.meter_provider import MeterProvider
from telemetry.recording.metrics.own_metrics import OwnMetrics
from telemetry.testing.metrics import Metrics
from tests.unit.stand_in_sender import PATIENCE, TAKEN, StandInSender

NAME = "search.telemetry.export.duration"


class Answers(StandInSender):
    """Gives these answers, one after the other."""

    def __init__(self, *answers: Outcome) -> None:
        super().__init__()
        self.answers = list(answers)

    def send(self, request: bytes, timeout: float) -> Outcome:
        super().send(request, timeout)
        return self.answers.pop(0)


def test_every_attempt_is_measured(metrics: Metrics) -> None:
    """Also those that failed before the collector took the request, by what it answered."""
    away, odd = failed("UNAVAILABLE", "refused"), Outcome(problem="no reason", retry=True)
    sender = Answers(away, odd, away, TAKEN)
    delivery = Delivery(signals.SPANS, lambda: sender, 10.0, "the stand-in", Counts())
    began = time.monotonic()
    outcome = delivery.deliver(b"", retry=True, meanwhile=delivery.hurry)
    lasted = time.monotonic() - began
    assert outcome is TAKEN
    of_spans = {"search.telemetry.signal": "spans"}
    counts = {
        series.get("error.type"): metrics.value(NAME, series)
        for series in metrics.series(NAME)
        if series.items() >= of_spans.items()
    }
    assert counts == {None: 1, "UNAVAILABLE": 2, "_other": 1}
    assert 0 <= metrics.total(NAME) <= lasted
    assert metrics.exemplars(NAME) == []


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_the_export_of_metrics_is_in_the_next_one(temporality: str) -> None:
    """One request for each collection: that its duration is recorded begins no other."""
    sender = StandInSender()
    make: Callable[[Counts], Delivery] = lambda counts: Delivery(  # noqa: E731
        signals.METRICS, lambda: sender, 10.0, "the stand-in", counts
    )
    provider = MeterProvider(OwnMetrics("trace_based"), Resource.get_empty())
    made = MetricPipeline(make, 3600, provider.collector(delta=DELTA_INSTRUMENTS[temporality]))
    made.start()
    with providers.override(own=provider.own):
        instruments.forget()
        counter = provider.get_meter("theirs").create_counter("c")
        for _ in range(3):
            counter.add(1)
            assert made.finish_flush(made.begin_flush(), time.monotonic() + PATIENCE)
        counter.add(1)
        made.begin_close(time.monotonic() + PATIENCE)
        assert made.finish_close(time.monotonic() + PATIENCE)
        instruments.forget()
    counts = [exports_in(request) for request in sender.requests]
    assert counts == ([0, 1, 2, 3] if temporality == "cumulative" else [0, 1, 1, 1])


def exports_in(request: bytes) -> int:
    """How many exports an export tells of."""
    message = ExportMetricsServiceRequest.FromString(request)
    return sum(
        point.count
        for resource in message.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == NAME
        for point in metric.histogram.data_points
    )
