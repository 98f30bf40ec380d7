"""A backend on loopback that takes everything: OTLP by gRPC and HTTP, and whatever ddtrace and sentry-sdk send.

In: requests. Out: the number of spans that came by OTLP, also at `GET /spans`. State: that number, and two servers,
which threads of this process serve until the sink is closed.
"""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Sink:
    """What came so far, and how long a request takes."""

    def __init__(self) -> None:
        self.grpc = ""
        """Where it listens: `http://127.0.0.1:…`"""
        self.http = ""
        self.latency = 0.0
        """Seconds that an export of spans takes."""
        self.counting = False
        """Whether spans are counted: to parse them takes time that would be another process's."""
        self.spans = 0
        self._lock = threading.Lock()  # guards `spans`

    def take(self, body: bytes) -> None:
        """Take an export of spans."""
        if self.counting:
            message = ExportTraceServiceRequest.FromString(body)
            came = sum(len(scope.spans) for one in message.resource_spans for scope in one.scope_spans)
            time.sleep(self.latency)
            with self._lock:
                self.spans += came


@contextmanager
def opened() -> Iterator[Sink]:
    """Open a sink on free ports."""
    sink = Sink()
    server = grpc.server(ThreadPoolExecutor(16), handlers=[_Method(sink)])
    sink.grpc = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(sink))
    http.daemon_threads = True
    sink.http = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield sink
    finally:
        server.stop(None).wait()
        http.shutdown()
        thread.join()
        http.server_close()


class _Method(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic only in the stubs
    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        traces = "trace" in handler_call_details.method

        def export(body: bytes, _: grpc.ServicerContext) -> bytes:
            if traces:
                self._sink.take(body)
            return b""

        return grpc.unary_unary_rpc_method_handler(export)


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self._body()
            if self.path == "/v1/traces":
                sink.take(body)
            otlp = self.headers.get("Content-Type") == "application/x-protobuf"
            self._answer(b"" if otlp else b"{}")

        do_PUT = do_POST  # noqa: N815  the base class calls it

        def do_GET(self) -> None:
            self._answer(str(sink.spans).encode() if self.path == "/spans" else b"{}")

        def _body(self) -> bytes:
            if "Content-Length" in self.headers:
                return self.rfile.read(int(self.headers["Content-Length"]))
            body = b""
            while size := int(re.split(rb"[;\r]", self.rfile.readline())[0], 16):  # in chunks
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf" if not body else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
            pass

    return Handler
