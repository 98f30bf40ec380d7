"""What a scrape gives: values, labels, exemplars, formats, and what must not break it."""

import logging
import math
import threading
from collections.abc import Iterable, Iterator
from importlib.metadata import version

import pytest
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics.export import Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry, core, generate_latest

from telemetry import conventions as c
from telemetry.prometheus import families as families_module
from telemetry.recording.guard import guard
from telemetry.recording.metrics.own_metrics import OwnMetrics
from telemetry.recording.metrics.sdk_metrics import SdkReader
from tests.unit.pulled import RESOURCE, Pulled, families, pulled

OURS = {"job": "encoder", "instance": "i1"}
TRACER = TracerProvider(shutdown_on_exit=False).get_tracer("t")


@pytest.fixture
def scrape() -> Iterator[Pulled]:
    """A provider that is pulled."""
    with pulled() as made:
        yield made


def test_a_histogram_of_ours_counts_upwards(scrape: Pulled) -> None:
    """Each bucket holds all values up to its bound; count and sum follow, with the labels of service and scope."""
    series = scrape.own.aggregation(c.RESULTS, {c.SEARCH_OPERATION.name: "search"})
    for value in (0, 1, 1, 3, 5000):
        series.record(value, None)
    family = scrape.families()["search_results"]
    buckets = {s.labels["le"]: s.value for s in family.samples if s.name == "search_results_bucket"}
    assert list(buckets)[:4] == ["0.5", "1.5", "2.5", "4.5"]
    assert (buckets["0.5"], buckets["1.5"], buckets["4.5"], buckets["1024.5"], buckets["+Inf"]) == (1, 3, 4, 4, 5)
    count, total = family.samples[-2:]
    assert (count.name, count.value) == ("search_results_count", 5)
    assert (total.name, total.value) == ("search_results_sum", 5005)
    assert count.labels == {**OURS, "otel_scope_name": "search-telemetry", "search_operation": "search"}


def test_every_kind_of_instrument_is_reported(scrape: Pulled) -> None:
    """The user's own counters, gauges, histograms, and what callbacks observe, by the kinds that Prometheus has."""

    def observed(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(-3, {"k": "v"})

    meter = scrape.meter
    meter.create_counter("calls", "1", "Calls.").add(2)
    meter.create_up_down_counter("depth", "{item}").add(-4)
    meter.create_gauge("load", "1").set(0.5)
    meter.create_histogram("size", "By", explicit_bucket_boundaries_advisory=[1, 1e6]).record(7)
    meter.create_observable_gauge("level", [observed], "Cel")
    found = scrape.families()
    exposed = {(f.name, f.type, f.unit): [(s.name, s.value) for s in f.samples] for f in found.values()}
    assert exposed == {
        ("target", "info", ""): [("target_info", 1)],
        ("calls", "counter", ""): [("calls_total", 2)],
        ("depth", "gauge", ""): [("depth", -4)],
        ("load_ratio", "gauge", "ratio"): [("load_ratio", 0.5)],
        ("size_bytes", "histogram", "bytes"): [
            ("size_bytes_bucket", 0), ("size_bytes_bucket", 1), ("size_bytes_bucket", 1), ("size_bytes_count", 1),
            ("size_bytes_sum", 7),
        ],
        ("level_celsius", "gauge", "celsius"): [("level_celsius", -3)],
    }  # fmt: skip
    assert [s.labels.get("le") for s in found["size_bytes"].samples] == ["1.0", "1e+06", "+Inf", None, None]
    assert found["calls"].documentation == "Calls."
    assert found["target"].samples[0].labels == {**OURS, "host_name": "h"}


def test_the_scope_is_in_the_labels(scrape: Pulled) -> None:
    """Name, version, schema and attributes of the scope; what a scope calls its name cannot replace its name."""
    meter = scrape.provider.get_meter("lib", "2.0", "https://schema", {"team.name": "search", "name": "not me"})
    meter.create_counter("calls").add(1, {"job": "not mine either"})
    assert scrape.sample("calls_total").labels == {
        **OURS,
        "exported_job": "not mine either",
        "otel_scope_name": "lib",
        "otel_scope_version": "2.0",
        "otel_scope_schema_url": "https://schema",
        "otel_scope_team_name": "search",
    }


def test_exemplars_lead_from_a_bucket_and_a_counter_to_the_trace(scrape: Pulled) -> None:
    """Each bucket has its last one, with trace, span, value and time; at every scrape, not at the first alone."""
    with TRACER.start_as_current_span("request") as span:
        scrape.own.aggregation(c.RESULTS, {}).record(1, span)
        scrape.own.aggregation(c.RESULTS, {}).record(2, span)
        scrape.own.aggregation(c.DOCUMENTS, {}).record(3, span)
    ids = {
        "trace_id": f"{span.get_span_context().trace_id:032x}",
        "span_id": f"{span.get_span_context().span_id:016x}",
    }
    for _ in range(2):
        found = scrape.families()
        exemplars = {
            s.labels.get("le", s.name): (s.exemplar.labels, s.exemplar.value)
            for family in found.values()
            for s in family.samples
            if s.exemplar
        }
        assert exemplars == {"1.5": (ids, 1), "2.5": (ids, 2), "search_documents_total": (ids, 3)}
    (exemplar,) = [s.exemplar for s in found["search_documents"].samples]
    assert exemplar is not None
    assert exemplar.timestamp is not None
    assert sum(len(name) + len(value) for name, value in exemplar.labels.items()) == 63, "of at most 128"


def test_an_exemplar_of_the_users_own_instrument_is_reported(scrape: Pulled) -> None:
    """Those that the SDK keeps, without the attributes that a view filtered out: labels stay short."""
    with TRACER.start_as_current_span("request") as span:
        scrape.meter.create_histogram("size", explicit_bucket_boundaries_advisory=[1, 5]).record(3)
    exemplar = scrape.sample("size_bucket", {"le": "5.0"}).exemplar
    assert exemplar is not None
    assert exemplar.labels["trace_id"] == f"{span.get_span_context().trace_id:032x}"


def test_the_plain_format_has_no_exemplars_and_no_created_series(scrape: Pulled) -> None:
    """What asks for nothing else gets `text/plain`, with the same names and values."""
    with TRACER.start_as_current_span("request"):
        scrape.own.aggregation(c.DOCUMENTS, {}).record(3, None)
    status, headers, body = scrape.answer(accept="text/plain")
    assert (status, dict(headers)["Content-Type"].split(";")[0]) == ("200 OK", "text/plain")
    assert "# {" not in body.decode()
    assert "# EOF" not in body.decode()
    found = families(body.decode(), "text/plain")
    assert {f.name: f.type for f in found.values()} == {"target_info": "gauge", "search_documents": "counter"}
    names = [s.name for f in scrape.families().values() for s in f.samples]
    assert names == ["target_info", "search_documents_total"]


def test_pulling_is_cumulative_beside_a_delta_export() -> None:
    """What the pipeline takes away for its export stays in what is pulled; neither sees the other."""
    with pulled() as scrape:
        pushed = scrape.own.reader(delta=("Counter", "Histogram"))
        histogram = scrape.own.aggregation(c.RESULTS, {})
        counter = scrape.own.aggregation(c.DOCUMENTS, {})
        histogram.record(1, None)
        counter.record(5, None)
        first = {metric.name: metric.data.data_points[0] for metric in pushed.collect()}
        assert scrape.sample("search_results_count").value == 1, "the export has taken it, and it is there"
        histogram.record(3, None)
        counter.record(2, None)
        assert (scrape.sample("search_results_count").value, scrape.sample("search_results_sum").value) == (2, 4)
        assert scrape.sample("search_results_bucket", {"le": "1.5"}).value == 1
        assert scrape.sample("search_documents_total").value == 7
        assert scrape.sample("search_results_bucket", {"le": "1.5"}).exemplar is not None
        second = {metric.name: metric.data.data_points[0] for metric in pushed.collect()}
        counts = [(found[c.RESULTS.name].count, found[c.DOCUMENTS.name].value) for found in (first, second)]  # type: ignore[union-attr]
        assert counts == [(1, 5), (1, 2)]
        assert pushed.collect() == []
        assert scrape.sample("search_results_count").value == 2


def test_strange_values_do_not_break_a_scrape(scrape: Pulled) -> None:
    """Quotes, line breaks, half surrogates, a label of Prometheus's own: the strict parser reads what was measured."""
    scrape.meter.create_gauge("odd", description='Says "hi"\n\\ \ud800').set(1)
    scrape.meter.create_counter("calls").add(1, {"a": 'quote " back \\ line \n end', "b": "half \ud800", "le": "mine"})
    scrape.meter.create_histogram("size").record(2, {"le": "mine"})
    assert scrape.families()["odd"].documentation == 'Says "hi"\n\\ ?'
    labels = scrape.sample("calls_total").labels
    assert (labels["a"], labels["b"]) == ('quote " back \\ line \n end', "half ?")
    assert labels["exported_le"] == "mine"
    assert {s.labels["exported_le"] for s in scrape.families()["size"].samples} == {"mine"}


def test_nan_and_infinity_are_reported_as_such() -> None:
    """The SDK measures none of them; should one come all the same, it is `NaN`, `+Inf` or `-Inf`."""
    points = [NumberDataPoint({"n": str(n)}, 0, 0, n) for n in (math.nan, math.inf, -math.inf)]
    scope = ScopeMetrics(InstrumentationScope("s"), [Metric("odd", "", "", Gauge(points))], "")
    _, odd = families_module.families(ResourceMetrics(RESOURCE, [scope], ""))
    registry = CollectorRegistry()
    registry.register(GivenFamilies([odd]))
    text = generate_latest(registry).decode()
    assert [line.rpartition(" ")[2] for line in text.splitlines()[2:]] == ["NaN", "+Inf", "-Inf"]


class GivenFamilies:
    """A collector of families."""

    def __init__(self, given: list[core.Metric]) -> None:
        self._given = given

    def collect(self) -> list[core.Metric]:
        return self._given


def test_of_two_kinds_under_one_name_the_first_is_served(
    scrape: Pulled, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One `TYPE` for a name; the other is left out, and reported once."""
    monkeypatch.setattr(families_module, "_conflicts", set())
    scrape.meter.create_gauge("depth").set(1)
    scrape.provider.get_meter("second").create_histogram("depth").record(1)
    scrape.provider.get_meter("third").create_gauge("depth", description="another").set(3)
    with caplog.at_level(logging.WARNING, "search_telemetry"):
        samples = [scrape.families()["depth"].samples for _ in range(3)][-1]
    served = {s.labels["otel_scope_name"] for s in samples}
    assert served in ({"theirs", "third"}, {"second"})  # SDKs before 1.45 hand scopes over in no order
    kinds = ("gauge", "histogram") if "theirs" in served else ("histogram", "gauge")
    assert [record.getMessage() for record in caplog.records] == [
        "the metric depth is a {} and a {} at once; only the first is served: rename the other".format(*kinds)
    ]


def test_a_fault_while_collecting_leaves_our_metrics_there(scrape: Pulled, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scrape never raises: without what the SDK has, it gives what we have."""
    guard.strict = False
    scrape.own.aggregation(c.DOCUMENTS, {}).record(3, None)
    scrape.meter.create_counter("theirs").add(1)

    def fail(*_args: object, **_named: object) -> None:
        raise TimeoutError("a callback hung")

    monkeypatch.setattr(SdkReader, "_receive_metrics", fail)
    before = guard.faults
    assert scrape.sample("search_documents_total").value == 3
    assert guard.faults == before + 1


def test_a_scrape_is_bounded_by_the_series_that_are_kept(scrape: Pulled) -> None:
    """Attributes without end are one series more, and no more lines."""
    for number in range(2500):
        scrape.own.aggregation(c.DOCUMENTS, {"search.operation": str(number)}).record(1, None)
    found = scrape.families()
    assert len(found["search_documents"].samples) == 2001
    assert sum(s.value for s in found["search_documents"].samples) == 2500


@pytest.mark.skipif(version("opentelemetry-sdk") < "1.45", reason="the SDK bounds the user's instruments from 1.45 on")
def test_a_scrape_is_bounded_by_the_series_that_the_sdk_keeps(scrape: Pulled) -> None:
    """The user's own instruments are the SDK's affair."""
    for number in range(2500):
        scrape.meter.create_counter("theirs").add(1, {"n": number})
    found = scrape.families()
    assert len(found["theirs"].samples) <= 2001
    assert sum(s.value for s in found["theirs"].samples) == 2500


def test_scrapes_at_once_and_measuring_meanwhile_disturb_nothing(scrape: Pulled) -> None:
    """Every scrape sees whole histograms that only grow; in the end nothing is lost."""
    problems: list[str] = []
    counter = scrape.meter.create_counter("theirs")
    rounds, threads = 60, 3

    def measure() -> None:
        for _ in range(rounds):
            scrape.own.aggregation(c.RESULTS, {}).record(1, None)
            counter.add(1)

    def look() -> None:
        last = 0.0
        for _ in range(10):
            found = scrape.families()
            if "search_results" not in found:
                continue
            (count,) = [s.value for s in found["search_results"].samples if s.name.endswith("_count")]
            (full,) = [s.value for s in found["search_results"].samples if s.labels.get("le") == "+Inf"]
            if count < last or full != count:
                problems.append(f"{last} {count} {full}")
            last = count

    work = [threading.Thread(target=target) for target in (measure, look) for _ in range(threads)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert problems == []
    assert scrape.sample("search_results_count").value == rounds * threads
    assert scrape.sample("theirs_total").value == rounds * threads


def test_a_secret_in_an_attribute_is_hidden(scrape: Pulled) -> None:
    """What is pulled is scrubbed as what is pushed is; series that differed in a secret alone are one."""
    counter = scrape.meter.create_counter("calls")
    counter.add(1, {"caller": "anna@example.com"})
    counter.add(2, {"caller": "otto@example.com"})
    (sample,) = scrape.families()["calls"].samples
    assert sample.value == 3
    assert "example.com" not in sample.labels["caller"]


def test_totals_change_nothing() -> None:
    """Who pulls takes nothing from who pushes, exemplars included."""
    own = OwnMetrics("always_on")
    pushed, pulled = own.reader(delta=("Counter",)), own.reader(all_exemplars=True)
    own.aggregation(c.DOCUMENTS, {}).record(3, None)
    for _ in range(2):
        assert [metric.name for metric in pulled.collect()] == [c.DOCUMENTS.name]
    (metric,) = pushed.collect()
    (point,) = metric.data.data_points
    assert (point.value, len(point.exemplars)) == (3, 1)  # type: ignore[union-attr]
    assert pushed.collect() == []
