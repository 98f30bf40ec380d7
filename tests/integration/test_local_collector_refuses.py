"""What the local collector does not take, and its errors: over HTTP, over gRPC, and when it starts."""

from __future__ import annotations

import gzip
import http.client
import json
import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

from collector.local.errors import PortTakenError, SettingsError
from collector.local.server import LocalCollector
from collector.local.stats import SignalStats
from tests import otlp_samples as otlp
from tests.local_collector import GZIP, JSON, PROTOBUF, exporter, limited, post, raw_sender


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    running = limited().start()
    yield running
    assert running.stop()


def test_partial_success_reports_what_was_rejected(
    collector: LocalCollector,
) -> None:
    """In the request's own content type, over HTTP and gRPC alike."""
    spans = [otlp.small_span(1), otlp.small_span(2, traceId="ab")]
    _, _, body = post(collector, "/v1/traces", json.dumps(otlp.traces(*spans)), JSON)
    expected = "span 'span 2': trace_id must be 16 bytes and not all zeros, got ab"
    assert json.loads(body) == {"partialSuccess": {"rejectedSpans": "1", "errorMessage": expected}}
    request = service.ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(name="span 2", trace_id=b"\xab", span_id=bytes(8))
    with raw_sender(collector) as export:
        by_grpc = export(request.SerializeToString())
    for answer in (post(collector, "/v1/traces", request.SerializeToString(), PROTOBUF)[2], by_grpc):
        partial = service.ExportTraceServiceResponse.FromString(answer).partial_success
        assert (partial.rejected_spans, partial.error_message) == (1, expected)


BAD_REQUESTS = [
    ("POST", "/v1/traces", b"{", JSON, 400, "is not JSON"),
    ("POST", "/v1/traces", b"\xff\xff", PROTOBUF, 400, "not ExportTraceServiceRequest in protobuf"),
    ("POST", "/v1/logs", b"\xff\xff", PROTOBUF, 400, "not ExportLogsServiceRequest in protobuf"),
    ("POST", "/v1/metrics", b"[]", JSON, 400, "not ExportMetricsServiceRequest in OTLP's JSON"),
    ("POST", "/v1/traces", b"{}", JSON | GZIP, 400, "the body is not gzip"),
    ("POST", "/v1/traces", b"{}", {"Content-Type": "text/plain"}, 415, "application/x-protobuf, application/json"),
    ("POST", "/v1/traces", b"{}", {}, 415, "content type 'missing' is not supported"),
    ("POST", "/v1/traces", b"{}", JSON | {"Content-Encoding": "br"}, 415, "gzip, deflate, zlib, zstd, identity"),
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
    method, path, body, headers, status, expected_text = bad
    with limited(max_request_bytes=2_000) as collector:
        answered, answer_headers, answer = post(collector, path, body, headers, method)
        message = (
            Status.FromString(answer).message
            if answer_headers["content-type"] == PROTOBUF["Content-Type"]
            else json.loads(answer)["message"]
        )
        assert (answered, expected_text in message) == (status, True), message
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
    collector: LocalCollector,
) -> None:
    """The status has no retry time, so the sender does not try again."""
    with raw_sender(collector) as export, pytest.raises(grpc.RpcError) as refused:
        export(b"\xff\xff")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "not ExportTraceServiceRequest in protobuf" in str(refused.value.details())
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
        assert f"--{option} HOST:PORT" in refused.value.hint
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("collector-")].count(
        "collector-writer"
    ) == 1


@pytest.mark.parametrize("address", ["4317", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ":4317"])
def test_an_invalid_address_is_refused(address: str) -> None:
    """The option is named."""
    with pytest.raises(SettingsError, match="--http"):
        LocalCollector(None, None, address, None).start()
