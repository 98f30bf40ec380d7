"""Our own metrics: the same points as the SDK's instruments make of the same values."""

import dataclasses
import gc
import os
import random
import threading
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from telemetry import conventions as c
from telemetry.recording import providers
from telemetry.recording.guard import guard
from telemetry.recording.metrics import instruments, own_metrics
from telemetry.recording.metrics.own_metrics import OwnMetrics
from telemetry.recording.metrics.sdk_metrics import with_own
from telemetry.recording.traces.tracer_provider import TracerProvider

FILTERS: dict[str, type[Any]] = {
    "trace_based": sdk.TraceBasedExemplarFilter,
    "always_on": sdk.AlwaysOnExemplarFilter,
    "always_off": sdk.AlwaysOffExemplarFilter,
}
NOTHING = MetricsData([])
DELTA = ("Counter", "Histogram")
UNSIGNED = dataclasses.replace(c.RESULT_SCORE, signed=False)
"""The SDK's histograms have no values below zero."""


def context(span_id: int, *, sampled: bool) -> Context:
    """A context with a span in it."""
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return trace.set_span_in_context(NonRecordingSpan(SpanContext(1, span_id, is_remote=False, trace_flags=flags)))


def read(data: MetricsData | None) -> dict[str, Any]:
    """What counts of each point, by metric: all but the times and the order."""
    metrics = [m for r in (data or NOTHING).resource_metrics for s in r.scope_metrics for m in s.metrics]
    return {
        metric.name: (
            metric.unit,
            metric.description,
            getattr(metric.data, "is_monotonic", None),
            getattr(metric.data, "aggregation_temporality", None),
            sorted((_plain(point) for point in metric.data.data_points), key=lambda point: str(point["attributes"])),
        )
        for metric in metrics
    }


def _plain(point: Any) -> dict[str, Any]:
    fields = dict(vars(point))
    assert 0 < (fields.pop("start_time_unix_nano") or 1) <= fields.pop("time_unix_nano")  # a gauge has no start
    fields["exemplars"] = [(e.value, e.span_id, e.trace_id) for e in point.exemplars]
    return fields


class Both:
    """The same values, given to the SDK and to us."""

    def __init__(self, filter_: str = "trace_based", *, delta: bool = False) -> None:
        kinds = dict.fromkeys((sdk.Counter, sdk.Histogram), AggregationTemporality.DELTA)
        self.reader = InMemoryMetricReader(preferred_temporality=kinds if delta else None)  # type: ignore[arg-type]
        self.provider = sdk.MeterProvider([self.reader], exemplar_filter=FILTERS[filter_](), shutdown_on_exit=False)
        meter = self.provider.get_meter(c.SCOPE)
        self.counter = meter.create_counter(c.DOCUMENTS.name, c.DOCUMENTS.unit, c.DOCUMENTS.brief)
        self.histogram = meter.create_histogram(
            c.RESULT_SCORE.name,
            c.RESULT_SCORE.unit,
            c.RESULT_SCORE.brief,
            explicit_bucket_boundaries_advisory=c.RESULT_SCORE.buckets,
        )
        self.own = OwnMetrics(filter_)
        self.mine = self.own.reader(delta=DELTA if delta else ())

    def record(self, value: float, attributes: dict[str, Any], where: Context) -> None:
        self.histogram.record(value, attributes, where)
        self.own.aggregation(UNSIGNED, attributes).record(value, trace.get_current_span(where))

    def add(self, value: int, attributes: dict[str, Any], where: Context) -> None:
        self.counter.add(value, attributes, where)
        self.own.aggregation(c.DOCUMENTS, attributes).record(value, trace.get_current_span(where))

    def collect(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return read(with_own(None, self.mine, Resource.get_empty())), read(self.reader.get_metrics_data())


@pytest.mark.parametrize("delta", [False, True], ids=["cumulative", "delta"])
@pytest.mark.parametrize("filter_", list(FILTERS))
def test_points_are_those_of_the_sdk(filter_: str, *, delta: bool) -> None:
    """Buckets, sums, extremes, exemplars and series are the same, collection after collection."""
    both = Both(filter_, delta=delta)
    chance = random.Random(7)
    for _ in range(4):
        for rank in chance.sample(["top1", "topk", "other"], 2):
            for number in range(1, 30):
                where = context(number, sampled=number % 3 == 0)
                both.record(chance.randrange(0, 80) / 64, {"search.rank": rank}, where)
        both.add(chance.randrange(5), {"search.outcome": "ok"}, context(99, sampled=True))
        ours, theirs = both.collect()
        assert ours == theirs
        assert set(ours) == {c.DOCUMENTS.name, c.RESULT_SCORE.name}
    ours, theirs = both.collect()
    assert ours == theirs, "a collection without anything new"
    both.provider.shutdown()


@pytest.mark.parametrize("delta", [False, True], ids=["cumulative", "delta"])
def test_scores_below_zero_count_and_leave_no_sum(*, delta: bool) -> None:
    """OTLP and Prometheus want sums that do not fall; an interval without such a score has one again."""
    own = OwnMetrics("always_off")
    reader, pulled = own.reader(delta=DELTA if delta else ()), own.reader(all_exemplars=True)
    aggregation = own.aggregation(c.RESULT_SCORE, {})
    for value in (-0.5, -0.25, 0.5):
        aggregation.record(value, None)
    points: list[Any] = [reader.collect()[0].data.data_points[0]]
    aggregation.record(0.5, None)
    points += reader.collect()[0].data.data_points
    assert [(p.count, p.sum, p.bucket_counts[0], p.min) for p in points] == [
        (3, None, 2, -0.5),
        (1, 0.5, 0, 0.5) if delta else (4, None, 2, -0.5),
    ]
    total = pulled.collect()[0].data.data_points[0]
    assert (total.count, total.sum, total.min, total.max) == (4, None, -0.5, 0.5)  # type: ignore[union-attr]


def test_what_the_sdk_refuses_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """Negative values and those that are not a number are left out; a bound belongs to the bucket below it."""
    both = Both()
    for value in (-1.0, float("nan"), float("inf"), 0.05, 0.0, 0):
        both.record(value, {}, Context())
    ours, theirs = both.collect()
    assert ours == theirs
    (point,) = ours[c.RESULT_SCORE.name][-1]
    assert (point["count"], point["bucket_counts"][0], point["min"], point["max"]) == (3, 3, 0, 0.05)
    both.provider.shutdown()


def test_series_beyond_the_limit_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric has no more series than the SDK allows; the others are added up as its overflow."""
    monkeypatch.setattr(own_metrics, "_MOST_ATTRIBUTE_SETS", 2)
    own = OwnMetrics("always_off")
    for name in ("a", "b", "c", "d", "a"):
        own.aggregation(c.DOCUMENTS, {"search.outcome": name}).record(1, None)
    (metric,) = own.reader().collect()
    found = [(point.attributes, point.value) for point in metric.data.data_points]  # type: ignore[union-attr]
    assert found == [({"search.outcome": "a"}, 2), ({"search.outcome": "b"}, 1), ({"otel.metric.overflow": True}, 2)]


def test_one_and_true_are_two_series() -> None:
    """Values that are equal in Python are distinguished, as in the SDK."""
    own = OwnMetrics("always_off")
    own.aggregation(c.DOCUMENTS, {"search.outcome": 1}).record(1, None)
    own.aggregation(c.DOCUMENTS, {"search.outcome": True}).record(1, None)
    (metric,) = own.reader().collect()
    assert len(metric.data.data_points) == 2


def test_threads_lose_nothing() -> None:
    """Values of many threads are all there, each once, for two that collect at the same time and one that joins."""
    own = OwnMetrics("always_off")
    over = threading.Event()
    counted: dict[str, list[int]] = {"one": [], "other": []}
    readers = {name: own.reader(delta=DELTA) for name in counted}

    def take(name: str) -> None:
        counted[name].extend(point.count for metric in readers[name].collect() for point in metric.data.data_points)  # type: ignore[union-attr]

    def collect(name: str) -> None:
        while not over.is_set():
            take(name)

    def record() -> None:
        for _ in range(5000):
            own.aggregation(c.RESULT_SCORE, {}).record(0.5, None)

    collectors = [threading.Thread(target=collect, args=(name,)) for name in counted]
    recorders = [threading.Thread(target=record) for _ in range(3)]
    for thread in (*collectors, *recorders):
        thread.start()
    for thread in recorders:
        thread.join()
    over.set()
    for thread in collectors:
        thread.join()
    for name in counted:
        take(name)
    assert {name: sum(counts) for name, counts in counted.items()} == {"one": 15_000, "other": 15_000}
    (metric,) = own.reader().collect()
    assert [point.count for point in metric.data.data_points] == [15_000]  # type: ignore[union-attr]


def test_what_the_garbage_collector_ends_is_counted_in_the_middle_of_anything() -> None:
    """A generator that records at its end may end while a value is recorded, or while values are collected."""
    own = OwnMetrics("always_off")
    reader = own.reader(delta=DELTA)
    aggregation = own.aggregation(c.RESULT_SCORE, {})

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            aggregation.record(0.5, None)

    before = gc.get_threshold()
    counted: list[int] = []
    gc.set_threshold(1)
    try:
        for _ in range(300):
            Cycle()
            aggregation.record(0.25, None)
            counted += [point.count for metric in reader.collect() for point in metric.data.data_points]  # type: ignore[union-attr]
    finally:
        gc.set_threshold(*before)
    gc.collect()
    counted += [point.count for metric in reader.collect() for point in metric.data.data_points]  # type: ignore[union-attr]
    assert sum(counted) == 600


def test_a_reader_gets_what_is_watched_as_it_wants_it() -> None:
    """A counter that is read at collection, as a sum or as what was added; an up-down counter always as it is."""
    own = OwnMetrics("always_off")
    values = iter([(3, 5), (3, 5), (7, 2), (7, 2)])
    now: dict[str, float] = {}
    own.watch(c.TELEMETRY_REPAIRED, lambda: [(now["counter"], {})])
    own.watch(c.QUEUE_LENGTH, lambda: [(now["queue"], {"search.stage": "encode"})])
    readers = {"cumulative": own.reader(), "delta": own.reader(delta=("Counter", "Histogram", "ObservableCounter"))}
    found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in readers}
    for _ in range(2):
        for name, reader in readers.items():
            now["counter"], now["queue"] = next(values)
            collected = read(reader.added_to(None, Resource.get_empty()))
            found[name] += [tuple(one[-1][0]["value"] for one in collected.values())]
            assert collected[c.TELEMETRY_REPAIRED.name][3] == AggregationTemporality[name.upper()]
            assert collected[c.QUEUE_LENGTH.name][2:4] == (False, AggregationTemporality.CUMULATIVE)
    assert found == {"cumulative": [(3, 5), (7, 2)], "delta": [(3, 5), (4, 2)]}


def test_what_cannot_be_read_spoils_only_its_own() -> None:
    """The other metrics are collected."""
    guard.strict = False
    own = OwnMetrics("always_off")
    own.watch(c.TELEMETRY_REPAIRED, lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    own.watch(c.TELEMETRY_OVERFLOW, lambda: [(1, {})])
    assert [metric.name for metric in own.reader().collect()] == [c.TELEMETRY_OVERFLOW.name]


@pytest.mark.parametrize("filter_", list(FILTERS))
def test_a_gauge_is_what_it_was_set_to_last(filter_: str) -> None:
    """As the SDK's: the last value, at each collection, with the exemplars since the one before."""
    both = Both(filter_)
    meter = both.provider.get_meter(c.SCOPE)
    gauge = meter.create_gauge(c.INDEX_POINTS.name, c.INDEX_POINTS.unit, c.INDEX_POINTS.brief)
    own = both.own.aggregation(c.INDEX_POINTS, {"db.collection.name": "goods"})
    for value in (5, -2, 7.5):
        where = context(4, sampled=True)
        gauge.set(value, {"db.collection.name": "goods"}, where)
        own.record(value, trace.get_current_span(where))
        ours, theirs = both.collect()
        assert ours == theirs
    own.record(float("nan"), None)
    (point,) = both.collect()[0][c.INDEX_POINTS.name][-1]  # SDKs before 1.45 forget a gauge that is not set anew
    assert (point["value"], point["exemplars"]) == (7.5, [])
    both.provider.shutdown()


def test_the_sdks_metrics_and_ours_arrive_under_one_scope() -> None:
    """OpenTelemetry's encoder keeps only one of two equal scopes: nothing of either may be lost in a request."""
    both = Both()
    meter = both.provider.get_meter(c.SCOPE)
    meter.create_gauge(c.INDEX_POINTS.name).set(5)
    both.provider.get_meter("theirs").create_counter("theirs").add(1)
    both.own.aggregation(c.DOCUMENTS, {}).record(1, None)
    data = with_own(both.reader.get_metrics_data(), both.mine, Resource.get_empty())
    assert data is not None
    (of_resource,) = encode_metrics(data).resource_metrics
    found = {scope.scope.name: [metric.name for metric in scope.metrics] for scope in of_resource.scope_metrics}
    assert found == {"theirs": ["theirs"], c.SCOPE: [c.INDEX_POINTS.name, c.DOCUMENTS.name]}
    both.provider.shutdown()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_begins_at_zero() -> None:
    """Renewed metrics hold nothing, even where a lock of the old ones is held for ever."""
    own = OwnMetrics("always_off")
    reader = own.reader()
    old = own.aggregation(c.RESULT_SCORE, {})
    old.record(0.5, None)
    held = threading.Thread(target=lambda: (own._lock.acquire(), old._lock.acquire()))
    held.start()
    held.join()
    own.renew()
    assert reader.collect() == []
    own.aggregation(c.RESULT_SCORE, {}).record(0.5, None)
    assert len(reader.collect()) == 1


@pytest.mark.parametrize("filter_", list(FILTERS))
def test_the_span_in_hand_becomes_the_exemplar(filter_: str) -> None:
    """One of ours, sampled or not, that of any other tracer, and none: the same as the SDK's, by the filter."""
    ours = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False).get_tracer("ours").start_span("sampled")
    left_out = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("ours").start_span("left out")
    other = trace.get_current_span(context(7, sampled=True))
    unsampled = trace.get_current_span(context(8, sampled=False))
    both = Both(filter_)
    for number, span in enumerate((ours, left_out, other, unsampled, None)):
        where = Context() if span is None else trace.set_span_in_context(span)
        both.histogram.record(0.0625 * (number + 1), {}, where)
        both.own.aggregation(UNSIGNED, {}).record(0.0625 * (number + 1), span)
    found, theirs = both.collect()
    assert found == theirs
    (point,) = found[c.RESULT_SCORE.name][-1]
    assert len(point["exemplars"]) == {"trace_based": 2, "always_on": 5, "always_off": 0}[filter_]
    both.provider.shutdown()


def test_a_meter_of_the_users_own_is_measured_on() -> None:
    """Its instruments get the value, the attributes and the span; what they would warn of is left out."""
    reader = InMemoryMetricReader()
    provider = sdk.MeterProvider([reader], shutdown_on_exit=False)
    with providers.override(meter=provider.get_meter(c.SCOPE)):
        found = instruments.bound(c.DOCUMENTS, {"search.outcome": "ok"})
        assert found is not None
        assert found.lasting
        for value, span in ((2, trace.get_current_span(context(9, sampled=True))), (3, None), (-1, None)):
            found.record(value, span)
        gauge = instruments.bound(c.INDEX_POINTS, {c.DB_COLLECTION_NAME.name: "goods"})
        assert gauge is not None
        gauge.record(-5, None)
    points = {name: described[-1][0] for name, described in read(reader.get_metrics_data()).items()}
    assert points[c.DOCUMENTS.name] == {
        "attributes": {"search.outcome": "ok"}, "value": 5, "exemplars": [(2, 9, 1)],
    }  # fmt: skip
    assert points[c.INDEX_POINTS.name]["value"] == -5
    provider.shutdown()
