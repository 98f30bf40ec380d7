"""A collector for tests, by gRPC and HTTP on free ports: keeps what it gets, and answers as a test sets it."""

import gzip
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

PATIENCE = 20.0
_REQUESTS: Mapping[str, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}


class StandIn:
    """What was received, by signal, with the headers it came with."""

    def __init__(self) -> None:
        self.grpc = ""
        self.http = ""
        self.requests: list[tuple[str, Any, dict[str, str]]] = []
        self.reply: bytes = b""
        self.refusals: list[
            Any
        ] = []  # exceptions to abort gRPC with, or (status, headers) of HTTP: one for each request
        self.hang = threading.Event()  # while set, requests are taken and never answered
        self.over = threading.Event()
        self.changed = threading.Condition()  # guards requests and refusals

    def take(self, signal: str, body: bytes, headers: Mapping[str, str]) -> Any:
        """Keep one request; return how to refuse it, if at all."""
        message = _REQUESTS[signal]()
        message.ParseFromString(body)
        with self.changed:
            self.requests.append((signal, message, dict(headers)))
            self.changed.notify_all()
            refusal = self.refusals.pop(0) if self.refusals else None
        if self.hang.is_set():
            self.over.wait(PATIENCE)
        return refusal

    def wait(self, signal: str, count: int = 1) -> list[Any]:
        """Wait until `count` requests of a signal came; return them all."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.got(signal)) >= count, PATIENCE), self.requests
            return self.got(signal)

    def wait_until(self, right: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Wait until what came is `right`."""
        with self.changed:
            assert self.changed.wait_for(right, patience), self.requests

    def got(self, signal: str) -> list[Any]:
        """The requests of a signal so far."""
        return [message for kind, message, _ in self.requests if kind == signal]

    def spans(self) -> list[Any]:
        """All spans that came, each with its resource's attributes as a dictionary."""
        return [
            (span, attributes(of_resource.resource.attributes))
            for request in self.got("traces")
            for of_resource in request.resource_spans
            for scope in of_resource.scope_spans
            for span in scope.spans
        ]

    def metric(self, name: str) -> Any:
        """The last value that came of a metric: its data points."""
        found = [
            getattr(metric, metric.WhichOneof("data")).data_points
            for request in self.got("metrics")
            for of_resource in request.resource_metrics
            for scope in of_resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
        ]
        return found[-1] if found else []

    def data_points(self) -> int:
        """How many data points came, of all metrics together."""
        return sum(
            len(getattr(metric, metric.WhichOneof("data")).data_points)
            for request in self.got("metrics")
            for of_resource in request.resource_metrics
            for scope in of_resource.scope_metrics
            for metric in scope.metrics
        )

    def logs(self) -> list[Any]:
        """All log records that came."""
        return [
            record
            for request in self.got("logs")
            for of_resource in request.resource_logs
            for scope in of_resource.scope_logs
            for record in scope.log_records
        ]


def attributes(pairs: Any) -> dict[str, Any]:
    """OTLP's key-value pairs as a dictionary."""
    return {pair.key: _value(pair) for pair in pairs}


def _value(pair: KeyValue) -> Any:
    kind = pair.value.WhichOneof("value")
    return None if kind is None else getattr(pair.value, kind)


@contextmanager
def stand_in(credentials: grpc.ServerCredentials | None = None) -> Iterator[StandIn]:
    """Run a collector; with `credentials` its gRPC port speaks TLS."""
    collector = StandIn()
    server = grpc.server(ThreadPoolExecutor(8), handlers=[_Handler(collector)])
    if credentials is None:
        collector.grpc = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    else:
        collector.grpc = f"https://localhost:{server.add_secure_port('127.0.0.1:0', credentials)}"
    server.start()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _http_handler(collector))
    http.daemon_threads = True
    collector.http = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield collector
    finally:
        collector.over.set()
        server.stop(None).wait()
        http.shutdown()
        thread.join()
        http.server_close()


class _Handler(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic only in the stubs
    def __init__(self, collector: StandIn) -> None:
        self._collector = collector

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        signal = handler_call_details.method.split(".")[3].replace("trace", "traces")

        def export(body: bytes, context: grpc.ServicerContext) -> bytes:
            metadata = {str(name): str(value) for name, value in context.invocation_metadata()}
            refusal = self._collector.take(signal, body, metadata)
            if refusal is not None:
                code, trailers = refusal
                context.set_trailing_metadata(trailers)
                context.abort(code, "not now")
            return self._collector.reply

        return grpc.unary_unary_rpc_method_handler(export)


def _http_handler(collector: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            refusal = collector.take(self.path.rpartition("/")[2], body, headers)
            status, extra = (200, {}) if refusal is None else refusal
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(collector.reply)))
            self.end_headers()
            self.wfile.write(collector.reply)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
            pass

    return Handler
