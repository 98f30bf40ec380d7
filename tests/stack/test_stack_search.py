"""One search of Pamazon's, by the real Collector, read back from Jaeger, Prometheus and VictoriaLogs."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import pytest

from collector.stack.stack import Stack
from demo_flow.demo import free_address
from demo_flow.version import own_version
from telemetry.conventions import CRITICAL_PATH_SERVICE
from tests.pamazon_fixtures import Trace
from tests.pamazon_trees import FAILED
from tests.pamazon_trees import SEARCH as TREE
from tests.stack import jaeger, logs, prometheus
from tests.stack.asking import assert_becomes, eventually, get
from tests.stack.pamazon import SEARCH, index_a_little, pamazon, whole

FOUND = '{search_operation="search",search_outcome="ok"}'
"""The series of the search that did not fail."""

PROMISED = 20.0
"""Seconds after which a search is in Jaeger and in Prometheus."""


@dataclass(frozen=True)
class Searched:
    """A stack, and the two searches that it knows of: one that found something, one that failed."""

    stack: Stack
    trace: Trace
    failed: Trace
    in_jaeger: float  # seconds after it was asked for
    in_prometheus: float
    shown: str  # what `pamazon search` printed

    @property
    def trace_id(self) -> str:
        return str(self.trace.data["trace_id"])


@pytest.fixture(scope="module")
def searched(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    folder = tmp_path_factory.mktemp("searched")
    with Stack("full", data_dir=folder / "stack") as stack:
        otlp = stack.address("collector.otlp_grpc")
        with pamazon(folder, otlp, {"OTEL_LOGS_EXPORTER": "otlp"}) as shop:
            index_a_little(shop)
            failed_id = shop.fail()
            asked = time.monotonic()
            where = ("--api", free_address(), "--jaeger", stack.address("jaeger.query"))
            shown = shop.show("black jacket", "--limit", "5", *where)
            trace_id = shown.rstrip()[-32:]
            found = eventually(lambda: whole(jaeger.trace(stack, trace_id), TREE))
            in_jaeger = time.monotonic() - asked
            eventually(lambda: prometheus.total(stack, f"search_request_duration_seconds_count{FOUND}"))
            in_prometheus = time.monotonic() - asked
            failed = eventually(lambda: whole(jaeger.trace(stack, failed_id), FAILED))
            yield Searched(stack, found, failed, in_jaeger, in_prometheus, shown)


def test_jaeger_has_the_whole_tree(searched: Searched) -> None:
    """Names, kinds, parents, services, errors: as the local collector gives them."""
    assert searched.trace.tree() == TREE.strip()
    assert searched.failed.tree() == FAILED.strip()


def test_a_search_prints_the_address_of_its_trace_in_jaeger(searched: Searched) -> None:
    """With no local collector to draw it, the last line leads to this very trace, which is there."""
    address, trace_id = re.fullmatch(
        r"Trace: http://(\S+)/trace/([0-9a-f]{32})", searched.shown.splitlines()[-1]
    ).groups()  # type: ignore[union-attr]
    assert address == searched.stack.address("jaeger.query")
    found = jaeger.trace(searched.stack, trace_id)
    assert found is not None
    assert found.named("qdrant_search")


def test_a_search_is_seen_within_the_promised_time(searched: Searched) -> None:
    """From the question to a trace in Jaeger and a metric in Prometheus; the figures go to the report."""
    print(f"in Jaeger after {searched.in_jaeger:.1f} s, in Prometheus after {searched.in_prometheus:.1f} s")
    assert max(searched.in_jaeger, searched.in_prometheus) <= PROMISED


def test_attributes_arrive_with_their_types(searched: Searched) -> None:
    """Nothing is turned into text, nothing is lost, and nothing of the query is there."""
    (found,) = searched.trace.named("qdrant_search")
    attributes = dict(found["attributes"])
    assert 0 < attributes.pop("search.margin") < attributes.pop("search.top_score") <= 1.0001
    assert attributes == {
        "search.operation": "search", "db.system.name": "qdrant", "db.collection.name": "goods",
        "db.operation.name": "query", "db.vector.query.top_k": 5, "search.hits": 5, "search.exact": False,
        "gen_ai.operation.name": "retrieval", "gen_ai.request.top_k": 5,
    }  # fmt: skip
    assert {span["resource"]["service.namespace"] for span in searched.trace.spans} == {"pamazon"}
    assert "black jacket" not in str(searched.trace.data)


def test_a_span_links_to_its_batch_and_the_batch_to_it(searched: Searched) -> None:
    """The trace of the forward pass is in Jaeger too, linked both ways."""
    (inference,) = searched.trace.named("txt_minibatch_encoding")
    (link,) = inference["links"]
    batch = eventually(lambda: jaeger.trace(searched.stack, link["trace_id"]))
    (root,) = batch.named("batch")
    assert [(one["trace_id"], one["span_id"]) for one in root["links"]] == [(searched.trace_id, inference["span_id"])]


def test_metrics_of_spans_count_every_span_of_the_tree(searched: Searched) -> None:
    """`traces_span_metrics_calls_total` of the search: each span of the tree once, by service, name and kind."""

    def counted() -> dict[tuple[str, str, str], float]:
        rows = prometheus.query(
            searched.stack, 'traces_span_metrics_calls_total{search_operation="search",status_code="STATUS_CODE_UNSET"}'
        )
        return {(m["service_name"], m["span_name"], m["span_kind"][10:].lower()): value for m, value in rows}

    expected: dict[tuple[str, str, str], float] = {}
    for span in searched.trace.spans:
        key = (span["service"], span["name"], span["kind"])
        expected[key] = expected.get(key, 0) + 1
    assert_becomes(counted, expected)


def test_the_service_graph_knows_who_calls_whom(searched: Searched) -> None:
    """Client to gateway, gateway to both executors; who called without a trace, as the indexing here, is `user`."""
    edges = {("pamazon", "gateway"), ("gateway", "clip_encoder"), ("gateway", "qdrant_indexer"), ("user", "gateway")}

    def found(metric: str) -> set[tuple[str, str]]:
        rows = prometheus.query(searched.stack, f'traces_service_graph_request_{metric}{{failed="false"}}')
        return {(m["client"], m["server"]) for m, value in rows if value}

    for metric in ("total", "client_seconds_count", "server_seconds_count"):
        assert_becomes(partial(found, metric), edges)


@pytest.mark.parametrize(
    "selector",
    [
        f"search_request_duration_seconds_bucket{FOUND}",
        'search_stage_duration_seconds_bucket{search_operation="search",error_type=""}',
        'rpc_server_call_duration_seconds_bucket{rpc_method="pamazon.Gateway/Search",error_type=""}',
        'traces_span_metrics_duration_seconds_bucket{search_operation="search",status_code="STATUS_CODE_UNSET"}',
    ],
)
def test_exemplars_lead_to_the_trace(searched: Searched, selector: str) -> None:
    """From a bucket of ours, or of the Collector's, to a trace that Jaeger knows: the one that was searched."""
    found = eventually(lambda: prometheus.exemplars(searched.stack, selector))
    assert {exemplar["labels"]["trace_id"] for exemplar in found} == {searched.trace_id}
    spans = {span["span_id"] for span in searched.trace.spans}
    assert {exemplar["labels"]["span_id"] for exemplar in found} <= spans


def test_our_metrics_have_the_values_of_one_search(searched: Searched) -> None:
    """Each endpoint once, of one version; five results, the failure by its type, durations that the spans have too."""

    def counted(metric: str) -> dict[str, float]:
        return {labels["job"]: value for labels, value in prometheus.query(searched.stack, metric)}

    roles = ("gateway", "clip_encoder", "qdrant_indexer")
    count = "search_request_duration_seconds_count"
    assert_becomes(lambda: counted(count + FOUND), {f"pamazon/{role}": 1.0 for role in roles})
    assert_becomes(lambda: counted(count + '{error_type="RuntimeError"}'), {"pamazon/clip_encoder": 1.0})
    assert_becomes(lambda: counted("search_results_sum"), {"pamazon/qdrant_indexer": 5.0})
    joined = f"{count}{FOUND} * on (job, instance) group_left (service_version) target_info"
    versions = {(labels["job"], labels["service_version"]) for labels, _ in prometheus.query(searched.stack, joined)}
    assert versions == {(f"pamazon/{role}", own_version()) for role in roles}
    marked = prometheus.query(searched.stack, "search_deployment_time_seconds")
    assert {(labels["job"], labels["search_deployment_version"]) for labels, _ in marked} == versions
    (span,) = searched.trace.named("qdrant_search")
    (took,) = counted('search_stage_duration_seconds_sum{search_stage="qdrant_search"}').values()
    assert took == pytest.approx(span["duration_ns"] / 1e9, abs=1e-3)


def test_the_documented_queries_compare_releases(searched: Searched) -> None:
    """Each of the page's finds series of a version: by `target_info`, or the mark of its start."""
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    section = page.partition("## Compare releases")[2].partition("\n## ")[0]
    queries = re.findall(r"```text\n(.*?)```", section, re.DOTALL)
    assert len(queries) == 2
    for one in queries:
        found = eventually(partial(prometheus.query, searched.stack, one))
        versions = {labels.get("service_version") or labels["search_deployment_version"] for labels, _ in found}
        assert versions == {own_version()}


def test_the_documented_questions_have_answers(searched: Searched) -> None:
    """Prometheus takes each query of docs/questions.md, and finds series, but where no request was empty or failed."""
    page = (Path(__file__).parents[2] / "docs" / "questions.md").read_text(encoding="utf-8")
    queries = re.findall(r"```promql\n(.*?)```", page, re.DOTALL)
    assert len(queries) == len(re.findall("```promql", page)) > 8
    for one in queries:
        if "search_request_empty" in one:
            assert prometheus.query(searched.stack, one) == []
        else:
            assert eventually(partial(prometheus.query, searched.stack, one)), one


def test_critical_paths_sum_to_the_roots(searched: Searched) -> None:
    """The time of all stages is that of both searches' roots, whichever stage failed; each way is counted once."""

    def seconds() -> float:
        return prometheus.total(searched.stack, 'search_critical_path_time_seconds_total{search_operation="search"}')

    roots = sum(found.spans[0]["duration_ns"] for found in (searched.trace, searched.failed)) / 1e9
    assert_becomes(lambda: round(seconds() / roots, 6), 1.0)
    by_stage = prometheus.query(searched.stack, 'search_critical_path_time_seconds_total{search_operation="search"}')
    stages = {labels["search_stage"] for labels, _ in by_stage}
    assert {"transit", "server", "endpoint", "txt_minibatch_encoding", "qdrant_search"} <= stages
    assert {labels["job"] for labels, _ in by_stage} == {CRITICAL_PATH_SERVICE}
    assert prometheus.total(searched.stack, 'search_transit_duration_seconds_count{search_operation="search"}') == 2


def test_logs_are_found_by_their_trace(searched: Searched) -> None:
    """The line of the failure by the id of its trace, under its service, with the span that failed."""
    asked = f'{{service.name="clip_encoder"}} trace_id:="{searched.failed.data["trace_id"]}"'
    (found,) = eventually(lambda: logs.query(searched.stack, asked))
    assert found["_msg"] == "a request failed"
    (span,) = [span for span in searched.failed.spans if span["span_id"] == found["span_id"]]
    assert span["service"] == "clip_encoder"


def test_everything_is_scraped(searched: Searched) -> None:
    """`up` is 1 for each program, and for what the Collector passes on."""
    programs = ("pipeline", "otelcol", "jaeger", "prometheus", "victorialogs", "alertmanager")

    def up() -> dict[str, float]:
        return {labels["job"]: value for labels, value in prometheus.query(searched.stack, "up")}

    assert_becomes(up, dict.fromkeys(programs, 1.0))


def test_jaegers_own_pages_find_it(searched: Searched) -> None:
    """Services, operations, dependencies and the Monitor page's figures, as a person would click them together."""
    services = get(searched.stack.url("jaeger.query", "/api/services"))["data"]
    assert {"pamazon", "gateway", "clip_encoder", "qdrant_indexer"} <= set(services)
    assert jaeger.roots(searched.stack, SEARCH, "gateway", "server", limit=100) == 2

    def monitored() -> object:
        now = int(time.time() * 1000)
        asked = urlencode({"service": "gateway", "endTs": now, "lookback": 600_000, "step": 5000, "ratePer": 60_000})
        return get(searched.stack.url("jaeger.query", f"/api/metrics/calls?{asked}&spanKind=server"))["metrics"]

    eventually(monitored)
