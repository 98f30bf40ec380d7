"""The local collector behind its real ports, fed by the stock exporters of OpenTelemetry and by hand."""

from __future__ import annotations

import gzip
import http.client
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace import Status as SpanStatus

from collector.local.errors import PortTakenError, SettingsError
from collector.local.server import LocalCollector
from collector.local.settings import CollectorSettings
from collector.local.stats import SignalStats
from tests import otlp_samples as otlp
from tests.unit.test_local_decode import rows

RESOURCE = Resource({"service.name": "gateway", "big": 2**53 + 1})
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
GZIP = {"Content-Encoding": "gzip"}
PROTOCOLS = pytest.mark.parametrize("protocol", ["grpc", "http", "http+gzip"])


def limited(**settings: Any) -> LocalCollector:
    """A collector with other limits, to be started."""
    return LocalCollector(None, "127.0.0.1:0", "127.0.0.1:0", api=None, settings=CollectorSettings(**settings))


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    running = limited().start()
    yield running
    assert running.stop()


def exporter(collector: LocalCollector, protocol: str, signal: str) -> Any:
    """A stock exporter of a signal over a protocol."""
    by_grpc = {"traces": GrpcSpanExporter, "metrics": GrpcMetricExporter, "logs": GrpcLogExporter}
    by_http = {"traces": HttpSpanExporter, "metrics": HttpMetricExporter, "logs": HttpLogExporter}
    if protocol == "grpc":
        return by_grpc[signal](endpoint=f"http://{collector.addresses.grpc}", insecure=True)
    compression = Compression.Gzip if protocol == "http+gzip" else Compression.NoCompression
    return by_http[signal](endpoint=f"http://{collector.addresses.http}/v1/{signal}", compression=compression)


def query(collector: LocalCollector, sql: str) -> list[dict[str, Any]]:
    return rows(collector.store.reader(), sql)


def post(
    collector: LocalCollector, path: str, body: bytes | str | None, headers: dict[str, str], method: str = "POST"
) -> tuple[int, dict[str, str], bytes]:
    """A request by hand: status, headers (lower case), body."""
    assert collector.addresses.http is not None
    connection = http.client.HTTPConnection(collector.addresses.http, timeout=60)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


@pytest.fixture
def export_raw(collector: LocalCollector) -> Iterator[Callable[[bytes], bytes]]:
    """Sends any bytes to the trace service over gRPC."""
    with raw_sender(collector) as send:
        yield send


class raw_sender:  # noqa: N801 (used as a function)
    """A channel and its `Export`, closed at the end."""

    def __init__(self, collector: LocalCollector) -> None:
        self._channel = grpc.insecure_channel(str(collector.addresses.grpc))

    def __enter__(self) -> Callable[[bytes], bytes]:
        export = self._channel.unary_unary(EXPORT, None, None)
        return lambda body: export(body, timeout=60)

    def __exit__(self, *_: object) -> None:
        self._channel.close()


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


def test_partial_success_tells_the_sender_what_was_rejected(
    collector: LocalCollector, export_raw: Callable[[bytes], bytes]
) -> None:
    """In the request's own content type, over HTTP and gRPC alike."""
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service

    spans = [otlp.small_span(1), otlp.small_span(2, traceId="ab")]
    _, _, body = post(collector, "/v1/traces", json.dumps(otlp.traces(*spans)), JSON)
    expected = "span 'span 2': trace_id must be 16 bytes and not all zeros, got ab"
    assert json.loads(body) == {"partialSuccess": {"rejectedSpans": "1", "errorMessage": expected}}
    request = service.ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(name="span 2", trace_id=b"\xab", span_id=bytes(8))
    for answer in (
        post(collector, "/v1/traces", request.SerializeToString(), PROTOBUF)[2],
        export_raw(request.SerializeToString()),
    ):
        partial = service.ExportTraceServiceResponse.FromString(answer).partial_success
        assert (partial.rejected_spans, partial.error_message) == (1, expected)


BAD_REQUESTS = [
    ("POST", "/v1/traces", b"{", JSON, 400, "is not JSON"),
    ("POST", "/v1/traces", b"\xff\xff", PROTOBUF, 400, "no ExportTraceServiceRequest in protobuf"),
    ("POST", "/v1/logs", b"\xff\xff", PROTOBUF, 400, "no ExportLogsServiceRequest in protobuf"),
    ("POST", "/v1/metrics", b"[]", JSON, 400, "no ExportMetricsServiceRequest in OTLP's JSON"),
    ("POST", "/v1/traces", b"{}", JSON | GZIP, 400, "the body is not gzip"),
    ("POST", "/v1/traces", b"{}", {"Content-Type": "text/plain"}, 415, "application/x-protobuf, application/json"),
    ("POST", "/v1/traces", b"{}", {}, 415, "content type 'missing' is not supported"),
    ("POST", "/v1/traces", b"{}", JSON | {"Content-Encoding": "br"}, 415, "gzip, deflate, identity"),
    ("POST", "/v1/traces", b" " * 2_001, JSON, 413, "max_request_bytes, 2000"),
    (
        "POST",
        "/v1/traces",
        gzip.compress(bytes(2_001)),
        PROTOBUF | {"Content-Encoding": "gzip"},
        413,
        "max_request_bytes",
    ),
    ("POST", "/v1/spans", b"{}", JSON, 404, "POST /v1/traces, /v1/metrics, /v1/logs"),
    ("GET", "/v1/traces", None, {}, 405, "POST /v1/traces, /v1/metrics, /v1/logs"),
]


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: f"{bad[4]}-{bad[5]}")
def test_a_bad_request_gets_a_clear_answer_and_harms_no_other(
    bad: tuple[str, str, bytes | None, dict[str, str], int, str],
) -> None:
    """The status that HTTP and OTLP have for it, with what would be right; the next export is stored."""
    method, path, body, headers, status, says = bad
    with limited(max_request_bytes=2_000) as collector:
        answered, answer_headers, answer = post(collector, path, body, headers, method)
        message = (
            Status.FromString(answer).message
            if answer_headers["content-type"] == PROTOBUF["Content-Type"]
            else json.loads(answer)["message"]
        )
        assert (answered, says in message) == (status, True), message
        assert post(collector, "/v1/traces", json.dumps(otlp.traces(otlp.small_span(1))), JSON)[0] == 200
        malformed = sum(signal.malformed for signal in collector.stats().signals.values())
        assert malformed == (0 if status in (404, 405) else 1)
        assert (collector.stats().signals["traces"].stored, collector.stats().queue_exports) == (1, 0)


def test_a_body_far_above_the_limit_is_refused_while_it_is_sent() -> None:
    """The sender gets the answer, not a reset connection, and the collector keeps none of it."""
    with limited(max_request_bytes=1_000) as collector:
        status, _, _ = post(collector, "/v1/traces", bytes(32 << 20), PROTOBUF)
        assert (status, collector.stats().queue_bytes) == (413, 0)


def test_a_body_that_does_not_arrive_in_time_is_given_up() -> None:
    """A sender that stops in the middle holds nothing for ever, and others are served meanwhile."""
    with limited(read_timeout_s=0.2) as collector:
        connection = http.client.HTTPConnection(str(collector.addresses.http), timeout=60)
        connection.putrequest("POST", "/v1/traces")
        connection.putheader("Content-Type", JSON["Content-Type"])
        connection.putheader("Content-Length", "100")
        connection.endheaders(b"{")
        assert post(collector, "/v1/traces", json.dumps(otlp.traces(otlp.small_span(1))), JSON)[0] == 200
        response = connection.getresponse()
        assert (response.status, b"read_timeout_s, 0.2 s" in response.read()) == (408, True)
        connection.close()
        assert collector.stats().queue_exports == 0


def test_malformed_protobuf_over_grpc_is_an_invalid_argument(
    collector: LocalCollector, export_raw: Callable[[bytes], bytes]
) -> None:
    """The sender is told not to try again, and why."""
    with pytest.raises(grpc.RpcError) as refused:
        export_raw(b"\xff\xff")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "no ExportTraceServiceRequest in protobuf" in str(refused.value.details())
    assert collector.stats().signals["traces"] == SignalStats(exports=1, malformed=1)


def test_an_export_above_the_limit_over_grpc_is_refused_for_good() -> None:
    """RESOURCE_EXHAUSTED without RetryInfo: OTLP's word for "do not try again"."""
    with limited(max_request_bytes=1_000) as collector, raw_sender(collector) as export:
        with pytest.raises(grpc.RpcError) as refused:
            export(bytes(1_001))
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "max_request_bytes, 1000" in str(refused.value.details())
        assert "grpc-status-details-bin" not in trailing(refused.value)


class Gate:
    """Holds the writer in the middle of a write, until opened."""

    def __init__(self, collector: LocalCollector) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()
        self._write = collector.store.write
        collector.store.write = self._held  # type: ignore[assignment, method-assign]

    def _held(self, *arguments: Any) -> None:
        self.reached.set()
        assert self._open.wait(60)
        self._write(*arguments)

    def open(self) -> None:
        self._open.set()


def test_a_full_queue_answers_with_when_to_come_back() -> None:
    """RESOURCE_EXHAUSTED with RetryInfo over gRPC, 429 with Retry-After over HTTP; what was taken before is stored."""
    with limited(queue_exports=1, retry_after_s=2.5) as collector, raw_sender(collector) as export:
        gate = Gate(collector)
        first = threading.Thread(
            target=post, args=(collector, "/v1/traces", json.dumps(otlp.traces(otlp.small_span(1))), JSON)
        )
        first.start()
        assert gate.reached.wait(60)
        with pytest.raises(grpc.RpcError) as refused:
            export(b"")
        status, headers, body = post(collector, "/v1/traces", b"{}", JSON)
        gate.open()
        first.join(60)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        details = Status.FromString(trailing(refused.value)["grpc-status-details-bin"]).details
        assert retry_s(details[0]) == 2.5
        assert (status, headers["retry-after"]) == (429, "3")
        assert "queue_exports is 1" in json.loads(body)["message"]
        assert collector.stats().signals["traces"] == SignalStats(exports=3, received=1, stored=1, refused=2)


def trailing(error: grpc.RpcError) -> dict[str, Any]:
    return {item.key: item.value for item in error.trailing_metadata() or ()}


def retry_s(detail: AnyMessage) -> float:
    info = RetryInfo()
    assert detail.Unpack(info)
    return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_the_stock_exporter_comes_back_after_a_full_queue(protocol: str, caplog: pytest.LogCaptureFixture) -> None:
    """It understands the refusal, waits, and its spans are stored in the end."""
    caplog.set_level(logging.CRITICAL)
    with limited(queue_exports=1, retry_after_s=0.05) as collector:
        gate = Gate(collector)
        blocker = threading.Thread(
            target=post, args=(collector, "/v1/traces", json.dumps(otlp.traces(otlp.small_span(1))), JSON)
        )
        blocker.start()
        assert gate.reached.wait(60)
        span_exporter = exporter(collector, protocol, "traces")
        provider = TracerProvider(shutdown_on_exit=False)
        span = provider.get_tracer("shop").start_span("/search")
        span.end()
        results: list[SpanExportResult] = []
        sending = threading.Thread(target=lambda: results.append(span_exporter.export([span])))
        sending.start()
        refused_once(collector)
        gate.open()
        sending.join(60)
        blocker.join(60)
        span_exporter.shutdown()
        assert results == [SpanExportResult.SUCCESS]
        assert collector.stats().signals["traces"].stored == 2


def refused_once(collector: LocalCollector) -> None:
    """Wait until an export was refused."""
    refused = threading.Event()
    add = collector._counters.add

    def watch(signal: str, **figures: int) -> None:
        add(signal, **figures)
        if "refused" in figures:
            refused.set()

    collector._counters.add = watch  # type: ignore[method-assign]
    if not collector.stats().signals["traces"].refused:
        assert refused.wait(60)


def test_a_taken_port_names_itself_and_who_has_it(collector: LocalCollector) -> None:
    """For each port; nothing is left running after the failure."""
    grpc_address, http_address = str(collector.addresses.grpc), str(collector.addresses.http)
    for option, taken in (("grpc", grpc_address), ("http", http_address), ("api", http_address)):
        with pytest.raises(PortTakenError) as refused:
            LocalCollector(
                None,
                grpc=taken if option == "grpc" else "127.0.0.1:0",
                http=taken if option == "http" else "127.0.0.1:0",
                api=taken if option == "api" else "127.0.0.1:0",
            ).start()
        port = taken.rpartition(":")[2]
        assert refused.value.message.startswith(f"port {port} ({taken}) is taken by ")
        assert refused.value.message.endswith(f"(pid {os.getpid()})")
        assert f"--{option} HOST:PORT" in refused.value.mend
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("collector-")].count(
        "collector-writer"
    ) == 1


@pytest.mark.parametrize("address", ["4317", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ":4317"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """The option is named."""
    with pytest.raises(SettingsError, match="--http"):
        LocalCollector(None, None, address, None).start()


def test_stopping_ends_every_thread_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    """After `stop` the file can be opened by others, and no thread of the collector is left."""
    path = tmp_path / "telemetry.duckdb"
    with LocalCollector(path, "127.0.0.1:0", "127.0.0.1:0", None) as collector:
        assert post(collector, "/v1/traces", json.dumps(otlp.traces(otlp.small_span(1))), JSON)[0] == 200
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("collector-")] == []
    assert not path.with_suffix(".duckdb.wal").exists()
    with LocalCollector(path, None, None, None) as again:
        assert [row["name"] for row in query(again, "SELECT name FROM spans")] == ["span 1"]
