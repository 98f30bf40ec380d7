"""Traces and logs on their way to Sentry: what its ingest is asked, and that nothing is lost while it refuses."""

import ssl
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.stack.programs.otelcol import Otelcol
from collector.stack.stack import Stack
from telemetry.config import dsn
from tests import certificates
from tests.otlp_stand_in import StandIn, attributes, stand_in
from tests.sentry_cli.layer import through_layer
from tests.sentry_rules import normalised, stored
from tests.sentry_stand_in import SentryStandIn, sentry_stand_in
from tests.stack.asking import eventually
from tests.stack.otelcol_raw import counter, log, send, trace
from tests.unit.own_process import python

SERVING = """
import concurrent.futures, grpc, telemetry.rpc
from opentelemetry import trace
telemetry.configure(
    "clip_encoder", version="1.4.0", resource_attributes={"deployment.environment.name": "staging"}, metrics="none",
    regions="cl",
)
telemetry.rpc.instrument_grpc()
@telemetry.endpoint("/search", "/index")
def serve(docs):
    with telemetry.stage("encode", model="pamazon-tiny"), telemetry.stage("inference", minibatch_size=32):
        pass
    with trace.get_tracer("somebody.else").start_as_current_span("rank"):
        pass
    with telemetry.stage("qdrant_search", {"db.system.name": "qdrant", "db.collection.name": "goods"}):
        return docs
def answer(request, context):
    return serve([request])[0]
server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
handler = grpc.method_handlers_generic_handler(
    "pamazon.Executor", {"Process": grpc.unary_unary_rpc_method_handler(answer)}
)
server.add_generic_rpc_handlers((handler,))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    for endpoint in ("/search", "/index"):
        with telemetry.request(endpoint, platform="linux", region="cl"):
            channel.unary_unary("/pamazon.Executor/Process")(b"jacket")
server.stop(None).wait()
"""
"""An executor with two endpoints behind one rpc, and who calls it: seven spans of each call."""
GROUPS = (
    "sentry.segment.name", "sentry.op", "search.operation", "search.entry", "model", "db.collection.name",
    "minibatch_size", "client.platform", "client.region",
)  # fmt: skip
LAYERS = ("base", "privacy", "span-metrics", "prometheus", "jaeger", "sentry")
OURS = "search-telemetry"


@dataclass
class Running:
    """A Collector, Jaeger's place, Sentry's."""

    stack: Stack
    jaeger: StandIn
    sentry: SentryStandIn

    def send(self, *requests: Any) -> None:
        for request in requests:
            send(self.stack.address("collector.otlp_grpc"), request)

    def sentry_spans(self) -> list[Any]:
        return [
            span
            for request in self.sentry.traces
            for of_resource in request.resource_spans
            for scope in of_resource.scope_spans
            for span in scope.spans
        ]


def variables(sentry: SentryStandIn, jaeger: StandIn) -> dict[str, str]:
    """What `telemetry sentry DSN` prints, and where Jaeger is."""
    parsed = dsn.parse(sentry.dsn)
    return {
        "SENTRY_OTLP_ENDPOINT": parsed.otlp_endpoint,
        "SENTRY_PUBLIC_KEY": parsed.public_key,
        "JAEGER_OTLP": jaeger.grpc.removeprefix("http://"),
    }


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all tests that can share it."""
    folder = tmp_path_factory.mktemp("stack")
    with (
        stand_in() as jaeger,
        sentry_stand_in() as sentry,
        Stack([Otelcol("collector", LAYERS)], data_dir=folder, environment=variables(sentry, jaeger)) as stack,
    ):
        yield Running(stack, jaeger, sentry)


@pytest.fixture
def running(one: Running) -> Iterator[Running]:
    """Nothing has arrived yet; at the end, whatever Sentry found wrong with what came fails the test."""
    for kept in (one.jaeger.requests, one.sentry.traces, one.sentry.logs, one.sentry.mistakes):
        kept.clear()
    yield one
    assert one.sentry.mistakes == []


def test_every_span_has_its_operation_at_sentry_and_nowhere_else(running: Running) -> None:
    """Ours by what they do, others' by what they have; the user's own word stands."""
    ours: list[dict[str, Any]] = [
        {"name": "/pamazon.Gateway/Search", "kind": 2, "attributes": {"rpc.system.name": "grpc"}},
        {"name": "/pamazon.Executor/Process", "kind": 3, "attributes": {"rpc.system.name": "grpc"}},
        {"name": "/search"},
        {"name": "encode"},
        {"name": "qdrant_search", "attributes": {"db.system.name": "qdrant"}},
        {"name": "rank", "attributes": {"sentry.op": "search.mine"}},
    ]
    others: list[dict[str, Any]] = [
        {"name": "/old.Service/Call", "attributes": {"rpc.system": "grpc"}},
        {"name": "SELECT 1", "attributes": {"db.system": "postgresql"}},
        {"name": "GET /", "attributes": {"http.request.method": "GET"}},
        {"name": "orders receive", "attributes": {"messaging.system": "kafka"}},
        {"name": "anything at all"},
    ]
    running.send(trace(ours, scope=OURS), trace(others))
    running.sentry.wait_until(lambda: len(running.sentry_spans()) >= 11)
    running.jaeger.wait_until(lambda: len(running.jaeger.spans()) >= 11)
    assert {span.name: attributes(span.attributes)["sentry.op"] for span in running.sentry_spans()} == {
        "/pamazon.Gateway/Search": "rpc.server",
        "/pamazon.Executor/Process": "rpc.client",
        "/search": "search.endpoint",
        "encode": "search.encode",
        "qdrant_search": "db",
        "rank": "search.mine",
        "/old.Service/Call": "rpc",
        "SELECT 1": "db",
        "GET /": "http",
        "orders receive": "messaging",
        "anything at all": "default",
    }
    jaegers = {span.name: attributes(span.attributes) for span, _ in running.jaeger.spans()}
    assert {name for name, found in jaegers.items() if "sentry.op" in found} == {"rank"}


def test_a_transaction_is_called_by_its_endpoint(running: Running) -> None:
    """Two endpoints behind one rpc are two transactions, each with what its requests are grouped by.

    So Sentry makes them of what it got, by the rules of its source, and Relay's normaliser leaves them as they are: the
    name is a route, and not a URL that may hold ids.
    """
    ended = python(SERVING, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{running.stack.address('collector.otlp_grpc')}")
    assert (ended.status, ended.err) == (0, "")
    running.sentry.wait_until(lambda: len(running.sentry_spans()) >= 14)
    spans = stored(running.sentry.traces)
    segments = [span for span in spans if span.begins]
    used = (True, "pamazon-tiny", "goods", 32, "linux", "cl")
    assert {span.group(*GROUPS) for span in segments} == {
        ("/search", "rpc.server", "search", *used),
        ("/index", "rpc.server", "index", *used),
        ("/pamazon.Executor/Process", "rpc.client", "search", None, None, None, None, "linux", "cl"),
        ("/pamazon.Executor/Process", "rpc.client", "index", None, None, None, None, "linux", "cl"),
    }
    others = [span.group("sentry.segment.name", "sentry.transaction") for span in spans if span.sent.name == "rank"]
    assert sorted(others) == [("/index", "/index"), ("/search", "/search")], "other instrumentation's are in it, too"
    assert {span.group("sentry.release", "sentry.environment") for span in spans} == {("1.4.0", "staging")}
    for segment in segments:
        event = normalised(segment, spans)
        (name, op, source) = segment.group("sentry.segment.name", "sentry.op", "sentry.segment.name.source")
        assert not event.get("errors")
        assert (event["transaction"], event["release"], event["contexts"]["trace"]["op"]) == (name, "1.4.0", op)
        assert (source, event["transaction_info"]["source"]) == (
            ("route", "route") if op == "rpc.server" else (None, "unknown")
        )
        below = ["db", "default", "search.encode", "search.endpoint", "search.inference"] if op == "rpc.server" else []
        assert sorted(one["op"] for one in event["spans"]) == below


def test_the_layer_as_tests_read_it_does_what_the_collector_does(running: Running) -> None:
    """Sentry's boards are tested without a Collector: `through_layer` makes of Jaeger's copy what Sentry got."""
    ended = python(SERVING, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{running.stack.address('collector.otlp_grpc')}")
    assert (ended.status, ended.err) == (0, "")
    running.sentry.wait_until(lambda: len(running.sentry_spans()) >= 14)
    running.jaeger.wait_until(lambda: len(running.jaeger.spans()) >= 14)
    got = {span.span_id: (span.name, attributes(span.attributes)) for span in running.sentry_spans()}
    for request in running.jaeger.got("traces"):
        for of_resource in request.resource_spans:
            for scope in of_resource.scope_spans:
                for span in scope.spans:
                    sent = {
                        "name": span.name,
                        "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                        "attributes": attributes(span.attributes),
                        "resource": attributes(of_resource.resource.attributes),
                        "scope": scope.scope.name,
                    }
                    assert through_layer(sent) == got[span.span_id]


def test_logs_go_to_sentry_and_metrics_never(running: Running) -> None:
    """Not those that were sent, nor those that are made of spans: Sentry's OTLP has no place for them."""
    began = len(running.sentry.raw)
    metrics = f"http://{running.stack.address('collector.scrape')}/metrics"
    running.send(
        counter("shop.sales", [{}], time.time_ns()),
        trace([{"name": "x"}]),
        log([{"body": "sold out", "severity": "WARN"}]),
    )
    running.sentry.wait_until(lambda: running.sentry.logs and running.sentry.traces)
    (record,) = running.sentry.logs[0].resource_logs[0].scope_logs[0].log_records
    assert (record.body.string_value, record.severity_text) == ("sold out", "WARN")
    eventually(lambda: {"shop_sales_total", "traces_span_metrics_calls_total"} <= series(metrics))
    assert len(running.sentry.raw) - began == 2, "a request for traces, one for logs"


def series(url: str) -> set[str]:
    """Names of what Prometheus would be given."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return {line.partition("{")[0] for line in answer.read().decode().splitlines() if not line.startswith("#")}


@pytest.mark.parametrize("status", [429, 503])
def test_what_sentry_does_not_take_just_now_is_sent_again(running: Running, status: int) -> None:
    """Nothing is lost while it has too much to do, or is away behind its proxy; and nothing comes twice."""
    began, names = len(running.sentry.raw), {f"{status}-{n}" for n in range(50)}
    running.sentry.answer = status
    running.send(trace([{"name": name} for name in sorted(names)]))
    running.sentry.wait_until(lambda: len(running.sentry.raw) > began)
    assert running.sentry_spans() == []
    with running.sentry.changed:
        running.sentry.answer = 0
    running.sentry.wait_until(lambda: len(running.sentry_spans()) >= 50)
    assert sorted(span.name for span in running.sentry_spans()) == sorted(names)


@pytest.mark.parametrize("trusted", [True, False], ids=["its authority", "the system's authorities"])
def test_a_sentry_of_ones_own_is_known_by_its_authority(tmp_path: Path, trusted: bool) -> None:
    """`SENTRY_CA_FILE` names it; without it the Collector refuses to send, and reports why."""
    pems = certificates.make(tmp_path / "pems")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pems.certificate, pems.key)
    with stand_in() as jaeger, sentry_stand_in(tls) as sentry:
        environment = variables(sentry, jaeger) | ({"SENTRY_CA_FILE": str(pems.authority)} if trusted else {})
        with Stack([Otelcol("collector", LAYERS)], data_dir=tmp_path, environment=environment) as stack:
            running = Running(stack, jaeger, sentry)
            running.send(trace([{"name": "x"}]))
            if trusted:
                sentry.wait_until(lambda: len(running.sentry_spans()) == 1)
            else:
                eventually(lambda: "certificate signed by unknown authority" in stack.log("collector").read_text())
                assert sentry.raw == []
        assert sentry.mistakes == []
