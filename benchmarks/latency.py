"""How many spans are lost where each export takes its time: `python -m benchmarks.latency`.

In: a rate, seconds, the time that an export takes. Out: a table: spans recorded, arrived and lost, ours beside
OpenTelemetry's own batch processor with its own exporters, by gRPC and by HTTP, each with its defaults. State: a
collector in a process of its own for each run, and the recording process; both gone at the end.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import Any

import grpc
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rich.console import Console
from rich.table import Table

PROTOCOLS = ("grpc", "http/protobuf")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.latency", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rate", type=int, default=20_000, help="spans a second (%(default)s)")
    parser.add_argument("--seconds", type=float, default=6.0, help="(%(default)s)")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds that an export takes (%(default)s)")
    arguments = parser.parse_args()
    table = Table(
        title=f"{arguments.rate:,} spans a second for {arguments.seconds:g} s, {arguments.latency:g} s an export"
    )
    for column in ("", "recorded", "arrived", "lost", "lost, %"):
        table.add_column(column, justify="right" if column else "left")
    for protocol in PROTOCOLS:
        for name, record in (("ours", _ours), ("OpenTelemetry's", _theirs)):
            recorded, arrived = _run(record, protocol, arguments)
            lost = recorded - arrived
            table.add_row(f"{name}, {protocol}", f"{recorded:,}", f"{arrived:,}", f"{lost:,}", f"{lost / recorded:.1%}")
    Console().print(table)


def _run(record: "Callable[..., None]", protocol: str, arguments: argparse.Namespace) -> tuple[int, int]:
    """Return how many spans were recorded and how many arrived."""
    spawn = multiprocessing.get_context("spawn")
    arrived, recorded = spawn.Value("q"), spawn.Value("q")
    ours, theirs = spawn.Pipe()
    collector = spawn.Process(target=_collect, args=(theirs, arrived, arguments.latency, protocol), daemon=True)
    collector.start()
    service = spawn.Process(target=record, args=(ours.recv(), protocol, arguments.rate, arguments.seconds, recorded))
    service.start()
    service.join()
    collector.terminate()
    collector.join()
    return int(recorded.value), int(arrived.value)


def _collect(ready: Connection, arrived: "Synchronized[int]", latency: float, protocol: str) -> None:
    """Take requests by one protocol, each after a while, and count their spans."""

    def take(body: bytes) -> bytes:
        message = ExportTraceServiceRequest.FromString(body)
        spans = sum(len(scope.spans) for one in message.resource_spans for scope in one.scope_spans)
        time.sleep(latency)
        with arrived.get_lock():
            arrived.value += spans
        return b""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
            pass

    class Method(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic only in the stubs
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:  # noqa: ARG002  the base class's
            return grpc.unary_unary_rpc_method_handler(lambda body, _: take(body))

    if protocol == "grpc":
        server = grpc.server(futures.ThreadPoolExecutor(16), handlers=[Method()])
        ready.send(f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
        server.start()
        server.wait_for_termination()
    else:
        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        ready.send(f"http://127.0.0.1:{http.server_port}")
        http.serve_forever()


def _ours(endpoint: str, protocol: str, rate: int, seconds: float, recorded: "Synchronized[int]") -> None:
    import telemetry

    handle = telemetry.configure("bench", endpoint=endpoint, protocol=protocol, metrics="none")
    recorded.value = _at_rate(trace.get_tracer("bench"), rate, seconds)
    handle.shutdown(30)
    stats = handle.stats
    print(f"ours, {protocol}: {stats.recorded:,} = {stats.exported:,} + {dict(stats.dropped)}")


def _theirs(endpoint: str, protocol: str, rate: int, seconds: float, recorded: "Synchronized[int]") -> None:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as ByGrpc
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as ByHttp
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = ByGrpc(endpoint, insecure=True) if protocol == "grpc" else ByHttp(f"{endpoint}/v1/traces")
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    recorded.value = _at_rate(provider.get_tracer("bench"), rate, seconds)
    provider.force_flush(30_000)
    provider.shutdown()


def _at_rate(tracer: trace.Tracer, rate: int, seconds: float) -> int:
    """Record at a steady rate, or as fast as the machine lets us; return how many."""
    begun, done = time.monotonic(), 0
    while (passed := time.monotonic() - begun) < seconds:
        for _ in range(min(int(rate * passed) - done, rate // 50)):
            with tracer.start_as_current_span("work", attributes={"runtime": "onnx", "minibatch_size": 32}):
                done += 1
        time.sleep(0.005)
    return done


if __name__ == "__main__":
    main()
