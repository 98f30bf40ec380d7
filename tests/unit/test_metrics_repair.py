"""Metrics that cannot be spelled as they are: they are repaired or left out, and cost no other metric."""

import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from opentelemetry.metrics import Observation
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.resources import Resource

from telemetry.otlp.repair import repaired_metrics
from telemetry.otlp.writing.metrics import encode_metrics_data
from telemetry.prometheus.collector import PullCollector, PullReader
from telemetry.prometheus.exposition import Exposition
from telemetry.recording.metrics.meter_provider import MeterProvider
from telemetry.recording.metrics.own_metrics import OwnMetrics
from telemetry.repairs import repairs


class Unlike:
    """Not a number at all."""

    def __repr__(self) -> str:
        return "Unlike()"


@pytest.fixture
def meter() -> Iterator[Any]:
    """A user's own meter on a provider with two readers: one to push from, one to pull from."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(OwnMetrics("always_off"), Resource({"team": "a\udcff"}), "always_on")
    pulled = PullReader(provider)
    provider.add_metric_reader(reader)
    meter: Any = provider.get_meter("mine")
    meter.create_counter("innocent").add(3)
    meter.readers = reader, pulled
    yield meter
    provider.shutdown()


def pushed(meter: Any) -> tuple[dict[str, list[Any]], int]:
    """Read the values that are pushed, by metric, and how many points were left out."""
    data, lost = repaired_metrics(meter.readers[0].get_metrics_data() or MetricsData([]))
    request = ExportMetricsServiceRequest.FromString(encode_metrics_data(data))
    metrics = (metric for one in request.resource_metrics for scope in one.scope_metrics for metric in scope.metrics)
    return {metric.name: [_value(point) for point in getattr(metric, str(metric.WhichOneof("data"))).data_points]
            for metric in metrics}, lost  # fmt: skip


def _value(point: Any) -> Any:
    return getattr(point, point.WhichOneof("value")) if hasattr(point, "as_int") else (point.count, point.sum)


def scraped(meter: Any) -> str:
    """Read what Prometheus is given."""
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    registry.register(PullCollector(meter.readers[1]))
    status, _, body = Exposition(registry).respond({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": ""})
    assert status == "200 OK"
    return body.decode()


@pytest.mark.parametrize(
    ("value", "exported"),
    [
        (True, 1), (2**63, float(2**63)), (-(2**80), -float(2**80)), (2**1000, float(2**1000)),
        (Decimal("0.5"), 0.5), (Fraction(1, 4), 0.25),
    ],
)  # fmt: skip
def test_a_gauge_of_any_value_costs_no_other_metric(meter: Any, value: Any, exported: float) -> None:
    """It becomes the nearest value that OTLP can represent. Pushed and pulled."""
    meter.create_gauge("odd").set(value)
    assert pushed(meter) == ({"innocent": [3], "odd": [exported]}, 0)
    assert "innocent_total{" in scraped(meter)


@pytest.mark.parametrize("value", ["12", b"12", None, Unlike(), 1j], ids=repr)
def test_what_is_not_a_number_is_left_out_and_counted(meter: Any, value: Any) -> None:
    """Whichever way it came in: the SDK refuses most of it at once, for now."""
    meter.create_gauge("odd").set(1, {"n": 1})
    meter.create_gauge("odd").set(2, {"n": 2})
    data = meter.readers[0].get_metrics_data()
    metrics = data.resource_metrics[0].scope_metrics[0].metrics
    points = metrics[1].data.data_points
    points[0] = dataclasses.replace(points[0], value=value)
    made, lost = repaired_metrics(data)
    assert lost == 1
    exported: Any = made.resource_metrics[0].scope_metrics[0].metrics
    assert [[point.value for point in metric.data.data_points] for metric in exported] == [[3], [2]]


def test_sums_and_histograms_beyond_64_bits_are_reported_as_fractions(meter: Any) -> None:
    """They stay so for the rest of the process, and so do all the others."""
    total, sizes = meter.create_counter("total"), meter.create_histogram("sizes")
    for _ in range(3):
        total.add(2**62)
        sizes.record(2**1000)
    sizes.record(2**1023)
    sizes.record(2**1023)
    sizes.record(True)
    found, lost = pushed(meter)
    assert (found["total"], found["innocent"], lost) == ([float(3 * 2**62)], [3], 0)
    assert found["sizes"] == [(6, float("inf"))]
    assert "innocent_total{" in scraped(meter)


def test_texts_that_are_not_unicode_cost_no_other_metric(meter: Any) -> None:
    """In names and values of attributes, in descriptions; series that are alike afterwards are added up."""
    odd = meter.create_counter("odd", "1", "broken \ud83d")
    odd.add(1, {"user": "a\ud83d"})
    odd.add(2, {"user": "a\ud83e"})
    odd.add(4, {"user\udcff": "b", "list": ("\udcff",), "number": 2**70})
    found, lost = pushed(meter)
    assert (found["odd"], found["innocent"], lost) == ([3, 4], [3], 0)
    text = scraped(meter)
    assert "innocent_total{" in text
    assert 'user="a?"' in text


def test_a_callback_may_give_anything(meter: Any) -> None:
    """One of its values costs none of the others."""
    meter.create_observable_gauge("watched", [lambda _: [Observation(True, {"n": 1}), Observation(2, {"n": 2})]])
    assert pushed(meter) == ({"innocent": [3], "watched": [1, 2]}, 0)


def test_what_is_fit_is_handed_on_as_it_is(meter: Any) -> None:
    """Nothing is copied, and nothing counted."""
    meter.create_histogram("fine").record(0.5, {"a": "ü", "b": (1, 2), "c": None, "d": b"\xff"})
    data = meter.readers[0].get_metrics_data()
    before = repairs.count
    made, _ = repaired_metrics(data)
    given = data.resource_metrics[0].scope_metrics[0].metrics
    exported = made.resource_metrics[0].scope_metrics[0].metrics
    assert [metric.data for metric in exported] == [metric.data for metric in given]
    assert exported[1].data.data_points[0] is given[1].data.data_points[0]
    assert repairs.count - before == 1  # the resource of this provider
