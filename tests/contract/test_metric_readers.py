"""The meter provider that `configure` sets: what others see of it, and what readers that they add read."""

from typing import Any

import pytest

import telemetry
from telemetry.conventions import SCOPE
from telemetry.recording import providers
from telemetry.recording.metrics.own_metrics import OwnMetrics
from telemetry.recording.request.bounds import bounds
from telemetry.testing.spans import Spans
from tests.otlp_stand_in import StandIn, attributes
from tests.unit.own_process import python

READING = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

delta = dict.fromkeys((Counter, Histogram, ObservableCounter), AggregationTemporality.DELTA)
def read(reader):
    found = reader.get_metrics_data()
    return {m.name: [getattr(p, "count", None) or getattr(p, "value", None) for p in m.data.data_points]
            for r in (found.resource_metrics if found else ()) for s in r.scope_metrics for m in s.metrics}
def of(found, *names):
    return [found.get(name) for name in names]

@telemetry.endpoint("/search")
def search(docs):
    pass
"""


def test_a_reader_that_is_added_reads_all_metrics(collector: StandIn) -> None:
    """Ours and the user's, each reader in its own temporality, and the export takes nothing from them."""
    ended = python(
        READING
        + """
handle = telemetry.configure("x")
search([1, 2])
provider = metrics.get_meter_provider()
readers = InMemoryMetricReader(), InMemoryMetricReader(delta)
for reader in readers:
    provider.add_metric_reader(reader)
theirs = metrics.get_meter("theirs").create_counter("theirs")
names = "search.request.duration", "search.documents", "theirs", "search.telemetry.repaired"
for _ in range(2):
    search([1, 2, 3])
    theirs.add(1)
    assert handle.flush(20)
    show([of(read(reader), *names) for reader in readers])
provider.remove_metric_reader(readers[0])
search([1])
show([of(read(readers[1]), *names[:3]), read(readers[0])])
assert handle.shutdown(20)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        OTEL_METRIC_EXPORT_INTERVAL="3600000",
    )
    assert (
        ended.status,
        ended.err.replace("Cannot call collect on a MetricReader until it is registered on a MeterProvider\n", ""),
    ) == (0, "")
    assert ended.shown == [
        [[[2], [5], [1], [0]], [[1], [3], [1], [0]]],
        [[[3], [8], [2], [0]], [[1], [3], [1], [0]]],
        [[[1], [1], None], {}],
    ]
    assert [point.count for point in collector.metric("search.request.duration")] == [4]
    assert [point.as_int for point in collector.metric("theirs")] == [2]


def test_the_sdk_loads_for_who_asks_for_it(collector: StandIn) -> None:
    """Our own metrics need nothing of the metrics SDK; who asks for its class, a meter or its parts finds them."""
    ended = python(
        """
from opentelemetry import metrics
handle = telemetry.configure("x")
with telemetry.stage("work"):
    pass
assert handle.flush(20)
provider = metrics.get_meter_provider()
show(["opentelemetry.sdk.metrics" in sys.modules, provider.force_flush(), provider.resource.attributes["service.name"]])
from opentelemetry.sdk.metrics import Meter, MeterProvider
show([isinstance(provider, MeterProvider), isinstance(provider, metrics.MeterProvider)])
show([isinstance(provider.get_meter("theirs"), Meter), provider._sdk_config.resource is provider.resource])
show([hasattr(provider, "no_such_thing"), provider.shutdown(), provider.get_meter("late") is None])
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert ended.status == 0, ended.err
    assert ended.shown == [[False, True, "x"], [True, True], [True, True], [False, None, False]]
    assert [point.count for point in collector.metric("search.stage.duration")] == [1]


@pytest.mark.parametrize("loaded", ["before the fork", "in the child", "never"])
def test_a_forked_child_reads_its_own(collector: StandIn, loaded: str) -> None:
    """Values begin at zero, of the user's instruments too, a reader goes on, and the instance is that of the spans."""
    ended = python(
        READING
        + """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of a fork with threads from 3.12 on
handle = telemetry.configure("x")
search([1])
def load():
    global reader, counter
    reader = InMemoryMetricReader()
    metrics.get_meter_provider().add_metric_reader(reader)
    counter = metrics.get_meter("theirs").create_counter("theirs")
if sys.argv[1] == "before the fork":
    load()
    counter.add(1)
child = os.fork()
if not child:
    if sys.argv[1] == "in the child":
        load()
    search([1, 1])
    if sys.argv[1] != "never":
        counter.add(5)
        show(of(read(reader), "search.documents", "theirs"))
    assert handle.shutdown(20)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert handle.shutdown(20)
        """,
        loaded,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        OTEL_METRIC_EXPORT_INTERVAL="3600000",
    )
    assert (ended.status, ended.err) == (0, "")
    assert ended.shown == ([] if loaded == "never" else [[[2], [5]]])
    of_spans = {resource["service.instance.id"] for _, resource in collector.spans()}
    of_metrics = {
        attributes(one.resource.attributes)["service.instance.id"]
        for request in collector.got("metrics")
        for one in request.resource_metrics
    }
    assert of_metrics == of_spans


def test_values_are_the_same_on_both_engines(spans: Spans) -> None:
    """Whatever is measured, except a score below zero, which the SDK refuses: in ours, and in a provider adopted."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.resources import Resource

    from telemetry.recording.metrics.sdk_metrics import with_own

    def described(data: Any) -> dict[str, Any]:
        return {
            metric.name: (
                metric.unit,
                metric.description,
                type(metric.data),
                getattr(metric.data, "aggregation_temporality", None),
                getattr(metric.data, "is_monotonic", None),
                sorted(map(_described, metric.data.data_points), key=str),
            )
            for of_resource in data.resource_metrics
            for scope in of_resource.scope_metrics
            for metric in scope.metrics
        }

    own = OwnMetrics("trace_based")
    ours = own.reader()
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    for engine in ({"own": own}, {"meter": provider.get_meter(SCOPE)}):
        with providers.override(**engine):
            bounds.forget()
            _search_and_index(spans)
    found, theirs = with_own(None, ours, Resource.get_empty()), reader.get_metrics_data()
    provider.shutdown()
    assert described(found) == described(theirs)
    assert {SCOPE} == {scope.scope.name for one in found.resource_metrics for scope in one.scope_metrics}  # type: ignore[union-attr]
    assert len(described(found)) > 12


def _search_and_index(spans: Spans) -> None:
    @telemetry.endpoint("/search", "/index")
    def search(docs: list[int], fail: bool = False) -> None:
        with telemetry.stage("inference", minibatch_size=len(docs)):
            spans.clock.advance(0.02 * len(docs))
        with telemetry.stage("find", {"db.system.name": "qdrant", "db.operation.name": "query"}):
            telemetry.results(hits=len(docs), scores=[0.9, 0.25, 0.4][: len(docs)], threshold=0.5)
        telemetry.cache_lookup("vectors", hit=len(docs) > 1)
        telemetry.index_points("goods", 1500 + len(docs))
        if fail:
            raise ValueError("nothing to search")

    for docs in ([1], [1, 2, 3], []):
        search(docs)
    with pytest.raises(ValueError, match="nothing"):
        search([1], fail=True)
    with telemetry.request("/index"):
        search([5])


def _described(point: Any) -> dict[str, Any]:
    fields = dict(vars(point))
    for name in ("start_time_unix_nano", "time_unix_nano", "exemplars"):
        fields.pop(name)
    if "explicit_bounds" in fields:  # of the values of a counter, the SDK takes one by chance
        fields["exemplars"] = [exemplar.value for exemplar in point.exemplars]
        fields["explicit_bounds"] = tuple(fields["explicit_bounds"])
    return fields
