"""The local collector behind its real ports, fed by the stock exporters of OpenTelemetry and by hand."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace import Status as SpanStatus

from collector.local.decode.signals import Signal
from collector.local.intake import otlp_grpc
from collector.local.server import LocalCollector
from tests import otlp_samples as otlp
from tests.local_collector import GZIP, JSON, exporter, limited, post, query, raw_sender

RESOURCE = Resource({"service.name": "gateway", "big": 2**53 + 1})
SETTINGS_TYPE = 4
HTTP2_SETTINGS = bytes([0, 0, 0, SETTINGS_TYPE, 0, 0, 0, 0, 0])  # a frame without any (RFC 9113, section 6.5)
PROTOCOLS = pytest.mark.parametrize("protocol", ["grpc", "http", "http+gzip"])


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    running = limited().start()
    yield running
    assert running.stop()


@PROTOCOLS
def test_spans_of_the_stock_sdk_come_back_complete(collector: LocalCollector, protocol: str) -> None:
    """Attributes of every type, events, links, status, scope and resource, as the user set them."""
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(BatchSpanProcessor(exporter(collector, protocol, "traces")))
    tracer = provider.get_tracer("shop", "1.2", "https://example.org/schema", {"part": "front"})
    linked = SpanContext(2**127 + 1, 2**63 + 1, is_remote=True, trace_flags=TraceFlags(1))
    attributes: dict[str, Any] = {
        "text": "Jacke",
        "int": 2**63 - 1,
        "double": 1.0,
        "bool": True,
        "list": ["a", "b"],
        "ints": [1, -(2**63)],
    }
    with tracer.start_as_current_span("/search", kind=SpanKind.SERVER, links=[Link(linked, {"n": 9})]) as root:
        root.set_attributes(attributes)
        root.add_event("cache.miss", {"keys": [1.5, 2.0]}, timestamp=otlp.START_NS)
        root.set_status(SpanStatus(StatusCode.ERROR, "no such collection"))
        with tracer.start_as_current_span("qdrant_search"):
            pass
    provider.shutdown()
    child, parent = query(collector, "SELECT * FROM spans ORDER BY start_unix_ns DESC")
    (resource,) = query(collector, "SELECT attributes FROM resources")
    (scope,) = query(collector, "SELECT name, version, attributes, schema_url FROM scopes")
    (event,) = query(collector, "SELECT span_id, name, time_unix_ns, attributes FROM span_events")
    (link,) = query(collector, "SELECT span_id, linked_trace_id, linked_span_id, attributes FROM span_links")
    context = root.get_span_context()
    assert parent["trace_id"] == child["trace_id"] == f"{context.trace_id:032x}"
    assert (parent["span_id"], parent["parent_span_id"]) == (f"{context.span_id:016x}", None)
    assert child["parent_span_id"] == parent["span_id"]
    assert (parent["name"], parent["kind"], parent["service"]) == ("/search", "server", "gateway")
    assert (parent["status"], parent["status_message"]) == ("error", "no such collection")
    assert (child["kind"], child["status"]) == ("internal", "unset")
    assert (parent["start_unix_ns"], parent["end_unix_ns"]) == (root.start_time, root.end_time)  # type: ignore[attr-defined]
    assert parent["attributes"] == (
        '{"text":"Jacke","int":9223372036854775807,"double":1.0,"bool":true,"list":["a","b"],"ints":[1,-9223372036854775808]}'
    )
    assert json.loads(resource["attributes"]).items() >= {"service.name": "gateway", "big": 2**53 + 1}.items()
    assert scope == {
        "name": "shop",
        "version": "1.2",
        "attributes": '{"part":"front"}',
        "schema_url": "https://example.org/schema",
    }
    assert event == {
        "span_id": parent["span_id"],
        "name": "cache.miss",
        "time_unix_ns": otlp.START_NS,
        "attributes": '{"keys":[1.5,2.0]}',
    }
    assert link == {
        "span_id": parent["span_id"],
        "linked_trace_id": f"{2**127 + 1:032x}",
        "linked_span_id": f"{2**63 + 1:016x}",
        "attributes": '{"n":9}',
    }


@PROTOCOLS
def test_metrics_of_the_stock_sdk_come_back_complete(collector: LocalCollector, protocol: str) -> None:
    """Counter, gauge, histogram with an exemplar of its trace, exponential histogram."""
    reader = PeriodicExportingMetricReader(exporter(collector, protocol, "metrics"), export_interval_millis=3_600_000)
    fine = View(instrument_name="fine", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], resource=RESOURCE, views=[fine], shutdown_on_exit=False)
    meter = provider.get_meter("shop", "1.2")
    tracer_provider = TracerProvider(shutdown_on_exit=False)
    meter.create_counter("requests", "{request}", "searches served").add(2**53 + 1, {"route": "/search"})
    meter.create_gauge("load").set(0.5)
    histogram = meter.create_histogram("duration", "s", explicit_bucket_boundaries_advisory=[0.1, 1.0])
    with tracer_provider.get_tracer("shop").start_as_current_span("/search") as span:
        histogram.record(0.25, {"route": "/search"})
    for value in (1.0, 2.0, 4.0):
        meter.create_histogram("fine").record(value)
    provider.shutdown()
    tracer_provider.shutdown()
    points = {point["name"]: point for point in query(collector, "SELECT * FROM metric_points")}
    assert set(points) == {"requests", "load", "duration", "fine"}
    counted = points["requests"]
    assert (counted["type"], counted["int_value"], counted["monotonic"]) == ("sum", 2**53 + 1, True)
    assert (counted["unit"], counted["description"]) == ("{request}", "searches served")
    assert (counted["attributes"], counted["service"]) == ('{"route":"/search"}', "gateway")
    assert (points["load"]["type"], points["load"]["double_value"], points["load"]["int_value"]) == ("gauge", 0.5, None)
    lasted = points["duration"]
    assert (lasted["type"], lasted["count"], lasted["sum"], lasted["min"]) == ("histogram", 1, 0.25, 0.25)
    assert (lasted["bounds"], lasted["bucket_counts"], lasted["temporality"]) == ([0.1, 1.0], [0, 1, 0], "cumulative")
    fine_point = points["fine"]
    assert (fine_point["type"], fine_point["count"], fine_point["sum"]) == ("exponential_histogram", 3, 7.0)
    assert sum(fine_point["positive_counts"]) == 3
    context = span.get_span_context()
    exemplars = query(collector, "SELECT * FROM exemplars WHERE trace_id IS NOT NULL")
    assert [(e["point_id"], e["trace_id"], e["span_id"], e["double_value"]) for e in exemplars] == [
        (lasted["point_id"], f"{context.trace_id:032x}", f"{context.span_id:016x}", 0.25)
    ]


@PROTOCOLS
def test_logs_of_the_stock_sdk_come_back_complete(collector: LocalCollector, protocol: str) -> None:
    """Body, severity, attributes, and the span in which the line was written."""
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter(collector, protocol, "logs")))
    tracer_provider = TracerProvider(shutdown_on_exit=False)
    with tracer_provider.get_tracer("shop").start_as_current_span("/search") as span:
        record = LogRecord(
            timestamp=otlp.START_NS,
            observed_timestamp=otlp.START_NS + 1,
            context=trace.set_span_in_context(span),
            severity_text="WARN",
            severity_number=SeverityNumber.WARN,
            body={"said": "slow", "ms": 2**53 + 1},
            attributes={"attempt": 2},
            event_name="search.slow",
        )
        provider.get_logger("shop", "1.2").emit(record)
    provider.shutdown()
    tracer_provider.shutdown()
    (log,) = query(collector, "SELECT * FROM logs")
    context = span.get_span_context()
    assert (log["trace_id"], log["span_id"]) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert (log["time_unix_ns"], log["observed_unix_ns"]) == (otlp.START_NS, otlp.START_NS + 1)
    assert (log["severity_number"], log["severity_text"], log["event_name"]) == (13, "WARN", "search.slow")
    assert json.loads(log["body"]) == {"said": "slow", "ms": 2**53 + 1}
    assert (log["attributes"], log["service"]) == ('{"attempt":2}', "gateway")


def test_json_written_by_hand_is_stored_and_answered_in_json(collector: LocalCollector) -> None:
    """Curl is enough: all three signals, plain and compressed."""
    sent = {
        "traces": otlp.traces(otlp.full_span()),
        "metrics": otlp.metrics(*otlp.every_metric()),
        "logs": otlp.logs({"body": {"stringValue": "hello"}}),
    }
    for signal, document in sent.items():
        status, headers, body = post(collector, f"/v1/{signal}", json.dumps(document), JSON)
        assert (status, headers["content-type"], json.loads(body)) == (200, "application/json", {})
    (span,) = query(collector, "SELECT attributes FROM spans")
    assert span["attributes"] == otlp.EVERY_ATTRIBUTE_AS_JSON
    stats = collector.stats().signals
    assert [stats[signal].stored for signal in sent] == [1, 7, 1]
    packed = gzip.compress(json.dumps(otlp.traces(otlp.small_span(1))).encode())
    status, _, _ = post(collector, "/v1/traces", packed, JSON | GZIP)
    assert (status, collector.stats().signals["traces"].stored) == (200, 2)


def test_stopping_ends_every_thread_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    """After `stop` the file can be opened by others, and no thread of the collector is left."""
    path = tmp_path / "telemetry.duckdb"
    with LocalCollector(path, "127.0.0.1:0", "127.0.0.1:0", None) as collector:
        assert post(collector, "/v1/traces", json.dumps(otlp.traces(otlp.small_span(1))), JSON)[0] == 200
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("collector-")] == []
    assert not path.with_suffix(".duckdb.wal").exists()
    with LocalCollector(path, None, None, None) as again:
        assert [row["name"] for row in query(again, "SELECT name FROM spans")] == ["span 1"]


@pytest.mark.timeout(30)
def test_stopping_does_not_wait_for_a_sender_that_has_gone_silent() -> None:
    """A request that stopped in the middle is given up at the end, long before its own time limit."""
    running = limited(read_timeout_s=600.0).start()
    connection = http.client.HTTPConnection(str(running.addresses.http))
    connection.putrequest("POST", "/v1/traces")
    connection.putheader("Content-Type", JSON["Content-Type"])
    connection.putheader("Content-Length", "100")
    connection.putheader("Expect", "100-continue")  # answered once the collector waits for the body
    connection.endheaders()
    assert connection.sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert running.stop(timeout_s=600)
    connection.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("collector-")] == []


@pytest.mark.timeout(10)
def test_stopping_does_not_wait_for_a_connection_of_grpc_without_a_call() -> None:
    """Its client may not look at it for long: it has nothing to say, or it is suspended."""
    running = limited().start()
    host, port = str(running.addresses.grpc).split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HTTP2_SETTINGS)
        assert connection.recv(9)[3] == SETTINGS_TYPE  # it is open
        assert running.stop(timeout_s=600)


class Late(otlp_grpc.Services):
    """Calls that gRPC has accepted, and that begin once the collector, as it stops, has found none in progress."""

    accepted = threading.Event()

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._found_none = asyncio.Event()

    def export_of(self, signal: Signal) -> Any:
        begin = super().export_of(signal)

        async def export(request: Any, context: otlp_grpc.Context) -> bytes:
            self.accepted.set()
            await self._found_none.wait()
            reply: bytes = await begin(request, context)
            return reply

        return export

    async def wait_for_calls(self, timeout_s: float) -> None:
        await super().wait_for_calls(timeout_s)
        self._found_none.set()

    async def _answer(self, signal: Signal, context: otlp_grpc.Context) -> Any:
        await asyncio.sleep(2 * otlp_grpc.FLUSH_S)
        return await super()._answer(signal, context)


def test_stopping_waits_for_a_call_that_had_been_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_grpc, "Services", Late)
    running = limited().start()
    with raw_sender(running) as export, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(export, b"")
        assert Late.accepted.wait(10)
        assert running.stop(timeout_s=600)
        assert answer.result(10) == b""
