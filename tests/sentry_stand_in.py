"""Sentry's ingest for tests, by HTTP on a free port: takes what the real one takes, refuses what it refuses.

Errors come as envelopes, parsed by the SDK's own parser, and every event passes Sentry's own normaliser (sentry-relay).
Traces and logs come as OTLP, decoded with the official protobuf classes. Sentry answers 415 to any other content type.
"""

import gzip
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sentry_relay.processing import StoreNormalizer
from sentry_sdk.envelope import Envelope

PROJECT, PUBLIC_KEY = 42, "0123456789abcdef0123456789abcdef"
PATIENCE = 20.0


@dataclass
class SentryStandIn:
    """What was received, and what was wrong with it."""

    address: str = ""
    scheme: str = "http"
    events: list[dict[str, Any]] = field(default_factory=list)
    traces: list[Any] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    answer: int = 0  # a status to refuse with, 0 for none
    changed: threading.Condition = field(default_factory=threading.Condition)  # guards all of the above

    @property
    def dsn(self) -> str:
        """The project's address, as Sentry shows it."""
        return f"{self.scheme}://{PUBLIC_KEY}@{self.address}/{PROJECT}"

    @property
    def otlp_endpoint(self) -> str:
        """What the Collector's layer is given."""
        return f"{self.scheme}://{self.address}/api/{PROJECT}/integration/otlp"

    def wait_until(self, right: Callable[[], object], patience: float = PATIENCE) -> None:
        """Wait until what came is `right`."""
        with self.changed:
            assert self.changed.wait_for(right, patience), (self.events, self.mistakes)

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Take one request; return the status."""
        with self.changed:
            self.raw.append(body)
            status = self.answer or self._keep(path, headers, body)
            if status >= 400 and not self.answer:
                self.mistakes.append(f"{status} {path}")
            self.changed.notify_all()
            return status

    def _keep(self, path: str, headers: dict[str, str], body: bytes) -> int:
        if f"sentry_key={PUBLIC_KEY}" not in headers.get("x-sentry-auth", ""):
            return 401
        base = f"/api/{PROJECT}"
        if path == f"{base}/envelope/":
            self._envelope(body)
            return 200
        kinds: dict[str, tuple[list[Any], type[Any]]] = {
            f"{base}/integration/otlp/v1/traces": (self.traces, ExportTraceServiceRequest),
            f"{base}/integration/otlp/v1/logs": (self.logs, ExportLogsServiceRequest),
        }
        if path not in kinds:
            return 404
        if headers.get("content-type") not in {"application/x-protobuf", "application/json"}:
            return 415
        kept, kind = kinds[path]
        kept.append(kind.FromString(body))
        return 202

    def _envelope(self, body: bytes) -> None:
        for item in Envelope.deserialize(body).items:
            if item.type == "event":
                event: Any = item.payload.json
                normal = StoreNormalizer(project_id=PROJECT).normalize_event(event)
                self.mistakes += [str(error) for error in normal.get("errors", ())]
                self.events.append(event)


@contextmanager
def sentry_stand_in(tls: ssl.SSLContext | None = None) -> Iterator[SentryStandIn]:
    """Run one; with `tls`, as a self-hosted one."""
    sentry = SentryStandIn(scheme="https" if tls else "http")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            status = sentry.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("content-length", "2")
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    sentry.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield sentry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
