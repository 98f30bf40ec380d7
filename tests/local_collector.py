"""A local collector on free ports, and what tests send to it: stock exporters, requests by hand, raw bytes."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from typing import Any

import grpc
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter

from collector.local.net.access import Access, Tokens
from collector.local.net.origins import Origins
from collector.local.server import LocalCollector
from collector.local.settings import CollectorSettings
from tests.otlp_samples import rows

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
GZIP = {"Content-Encoding": "gzip"}


def limited(**settings: Any) -> LocalCollector:
    """A collector with other limits, to be started."""
    return LocalCollector(None, "127.0.0.1:0", "127.0.0.1:0", api=None, settings=CollectorSettings(**settings))


def allowing(*origins: str, tokens: Tokens | None = None) -> LocalCollector:
    """A collector with a query API, which lets pages of these origins send too; to be started."""
    access = Access(tokens=tokens, origins=Origins.of(origins))
    return LocalCollector(None, None, "127.0.0.1:0", "127.0.0.1:0", access=access)


def exporter(collector: LocalCollector, protocol: str, signal: str) -> Any:
    """A stock exporter of a signal over a protocol."""
    by_grpc = {"traces": GrpcSpanExporter, "metrics": GrpcMetricExporter, "logs": GrpcLogExporter}
    by_http = {"traces": HttpSpanExporter, "metrics": HttpMetricExporter, "logs": HttpLogExporter}
    if protocol == "grpc":
        return by_grpc[signal](endpoint=f"http://{collector.addresses.grpc}", insecure=True)
    compression = Compression.Gzip if protocol == "http+gzip" else Compression.NoCompression
    return by_http[signal](endpoint=f"http://{collector.addresses.http}/v1/{signal}", compression=compression)


def query(collector: LocalCollector, sql: str) -> list[dict[str, Any]]:
    """The rows of a query on the collector's store."""
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


class raw_sender:  # noqa: N801 (used as a function)
    """A channel and its `Export`, closed at the end."""

    def __init__(self, collector: LocalCollector) -> None:
        self._channel = grpc.insecure_channel(str(collector.addresses.grpc))

    def __enter__(self) -> Callable[[bytes], bytes]:
        export = self._channel.unary_unary(EXPORT, None, None)
        return lambda body: export(body, timeout=60)

    def __exit__(self, *_: object) -> None:
        self._channel.close()


def grpc_code(export: Callable[[bytes], bytes], body: bytes) -> grpc.StatusCode:
    """What an `Export` ends with."""
    try:
        export(body)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


def dial(address: str | None) -> socket.socket:
    """A connection to send arbitrary bytes."""
    host, port = str(address).split(":")
    return socket.create_connection((host, int(port)), 60)


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes; then it is closed."""
    parts: list[bytes] = []
    with connection:
        try:
            while part := connection.recv(65_536):
                parts.append(part)
        except ConnectionResetError:
            pass
    return b"".join(parts)
