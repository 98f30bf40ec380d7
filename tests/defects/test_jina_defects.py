"""Defects of the system our users come from, each of which a test would notice (`docs/defects.md` has them all)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import telemetry
from telemetry.config.settings import load
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans
from tests.otlp_stand_in import StandIn
from tests.unit.own_process import python

TESTS = Path(__file__).parents[1]


def test_a_generator_endpoints_span_ended_when_the_generator_was_made(spans: Spans, metrics: Metrics) -> None:
    """Span and duration last to the last document; a failure on the way is the request's."""

    @telemetry.endpoint("/search")
    def search(docs: list[int]) -> Iterator[int]:
        for doc in docs:
            with telemetry.stage("encode"):
                yield doc
        raise ValueError("the last one")

    found = search([1, 2])
    assert next(found) == 1
    spans.clock.advance(5)
    assert spans.open == ["/search", "encode"]
    with pytest.raises(ValueError, match="the last one"):
        list(found)
    assert spans.tree(status=True) == "/search ! ValueError\n├ encode\n└ encode"
    (failed,) = series_of(metrics)
    assert (failed["search.outcome"], failed["error.type"]) == ("error", "ValueError")
    assert metrics.total("search.request.duration", failed) > 5


async def test_a_monitor_on_async_def_timed_the_making_of_the_coroutine(spans: Spans, metrics: Metrics) -> None:
    """A coroutine's duration is the time that it took, on the span and in the metric."""

    @telemetry.stage("encode")
    async def encode() -> None:
        spans.clock.advance(3)

    await encode()
    span = spans.one("encode")
    assert (span.end_time or 0) - (span.start_time or 0) > 3e9
    assert metrics.total("search.stage.duration") > 3


def test_failed_requests_were_timed_as_successes(spans: Spans, metrics: Metrics) -> None:
    """A failure has a series of its own, by the type of its exception."""

    @telemetry.endpoint("/search")
    def search(wrong: type[Exception] | None) -> None:
        if wrong is not None:
            raise wrong

    search(None)
    for wrong in (KeyError, KeyError, TimeoutError):
        with pytest.raises(wrong):
            search(wrong)
    series = {point.get("error.type"): metrics.value("search.request.duration", point) for point in series_of(metrics)}
    assert series == {None: 1, "KeyError": 2, "TimeoutError": 1}


def series_of(metrics: Metrics) -> list[dict[str, object]]:
    return metrics.series("search.request.duration")


def test_providers_were_shut_down_before_pending_requests_had_ended(collector: StandIn) -> None:
    """What a server's thread still works on when the main thread ends is exported whole."""
    ended = python(
        """
import threading
telemetry.configure("x")
begun, go_on = threading.Event(), threading.Event()

@telemetry.endpoint("/search")
def search():
    with telemetry.stage("encode"):
        begun.set()
        go_on.wait()

threading.Thread(target=search).start()
begun.wait()
# Set by the thread that waits for the main thread to be over.
threading.Thread(target=lambda: (threading.main_thread().join(), go_on.set())).start()
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (0, "")
    assert [span.name for span, _ in collector.spans()] == ["encode", "/search"]


def test_every_gateway_of_a_process_made_providers_and_exporters_of_its_own(collector: StandIn) -> None:
    """However many servers one process has, it has one provider of each kind, and one thread for each signal."""
    ended = python(
        """
import threading
from opentelemetry import metrics, trace
def ours():
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("search-telemetry"))
first = telemetry.configure("gateway")
before = [ours(), id(trace.get_tracer_provider()), id(metrics.get_meter_provider())]
for protocol in ("grpc", "http", "websocket"):
    assert telemetry.configure() is first
after = [ours(), id(trace.get_tracer_provider()), id(metrics.get_meter_provider())]
show([before == after, len(ours()) > 0])
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", [[True, True]])


def test_an_unset_exporter_host_became_none_and_hid_the_standard_variables() -> None:
    """No address is the standard address; what is not given by an argument is taken from the variables."""
    assert load({}, {}).traces.endpoint == "http://localhost:4317"
    configured = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4317",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20token",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    settings = load({"service_name": "x"}, configured)
    for export in (settings.traces, settings.metrics_export, settings.logs_export):
        assert (export.endpoint, export.headers, export.compression) == (
            "https://collector:4317",
            (("authorization", "Bearer token"),),
            "gzip",
        )


def test_tests_counted_spans_and_never_looked_at_the_tree() -> None:
    """Every test that records spans asserts something of them besides their number."""
    counting = []
    for path in sorted(TESTS.glob("*/test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                names = {argument.arg for argument in node.args.args} & {"spans", "watch"}
                counting += [f"{path.name}::{node.name}" for name in names if only_counts(node, name)]
    assert counting == []


def only_counts(test: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    """Say whether all that a test does with its spans is to count them."""
    parents = {child: node for node in ast.walk(test) for child in ast.iter_child_nodes(node)}
    uses = [parents[node] for node in ast.walk(test) if isinstance(node, ast.Name) and node.id == name]
    return bool(uses) and all(
        isinstance(use, ast.Call) and isinstance(use.func, ast.Name) and use.func.id == "len" for use in uses
    )
