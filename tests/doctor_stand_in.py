"""What a doctor may meet: backends that answer as configured, with their own clock, and listeners of every bad kind.

In: routes, certificates, what to send. Out: servers on free ports, stopped with the block. State: each its own.
"""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from collector.doctor import doctor, options
from collector.doctor.finding import Finding, Status
from collector.doctor.report import Report
from tests.otlp_stand_in import StandIn

OVER = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
"""One signal is enough where all would report the same."""
SOON = 0.4
"""Seconds to wait for what will never come."""
Answer = tuple[int, Any]
NOTHING_LISTENS = "http://127.0.0.1:9"
"""The discard port: nobody has it, and no test takes it as a free one."""


def environ(collector: StandIn, **more: str) -> dict[str, str]:
    """Return the variables of a service that sends traces, metrics and logs to this collector."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc, "OTEL_LOGS_EXPORTER": "otlp", **more}


@dataclass
class Backend:
    """A backend's URL, its answers by path (a function gets the parameters), and every question so far."""

    url: str = ""
    routes: dict[str, Answer | Callable[[dict[str, list[str]]], Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, list[str]], dict[str, str]]] = field(default_factory=list)
    skew: float = 0.0

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """The answer to one query."""
        parts = urlsplit(path)
        parameters = parse_qs(parts.query)
        self.asked.append((parts.path, parameters, {name.lower(): value for name, value in headers.items()}))
        route = self.routes.get(parts.path, (404, {"error": "no such path"}))
        return route(parameters) if callable(route) else route


@contextmanager
def backend(
    routes: Mapping[str, Any], *, skew: float = 0.0, pems: tuple[Path, Path] | None = None
) -> Iterator[Backend]:
    """Run one; `skew` seconds its clock is ahead; with `pems` (certificate, key) it speaks TLS."""
    stand_in = Backend(routes=dict(routes), skew=skew)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = stand_in.answer(self.path, dict(self.headers.items()))
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string((timestamp or time.time()) + stand_in.skew)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that hangs up in the middle of a handshake is what is tested."""

    server = Server(("127.0.0.1", 0), Handler)
    if pems is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pems)
        context.set_alpn_protocols(["http/1.1"])
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    stand_in.url = f"{'https' if pems else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def listener(respond: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen on TCP, and call a function with each connection; yields `HOST:PORT`."""
    server = socket.create_server(("127.0.0.1", 0))
    over = False

    def serve() -> None:
        while not over:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=_respond, args=(respond, connection), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        over = True
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def _respond(respond: Callable[[socket.socket], None], connection: socket.socket) -> None:
    with connection, suppress(OSError):
        respond(connection)


def silence(connection: socket.socket) -> None:
    """Read everything, and do not respond until the other side closes."""
    while connection.recv(4096):
        pass


def examine(environ: Mapping[str, str], timeout: float = 10.0, *, data: Path | None = None, **urls: str) -> Report:
    """Run the doctor with these variables; backends that are not named are left out. `data` is a stack's folder."""
    given: dict[str, str | None] = {name: urls.get(name, "none") for name in options.BACKENDS}
    return doctor.run(options.Options(options.targets(given, environ), timeout=timeout, environ=environ, data=data))


def line(report: Report, check: str) -> Finding:
    """The one finding of a check."""
    (found,) = [finding for finding in report.findings if finding.check == check]
    return found


def verdicts(report: Report) -> dict[str, str]:
    """From check to how it ended, with the code of whatever is not well."""
    return {one.check: f"{one.status.value} {one.code}".strip() for one in report.findings}


def failures(report: Report) -> dict[str, str]:
    """From check to code, of what is broken."""
    return {one.check: one.code for one in report.findings if one.status is Status.FAILED}


def sent(endpoint: str, protocol: str = "grpc", **more: str) -> Finding:
    """The finding of sending a trace there."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, **OVER, **more}
    return line(examine(environ), "send traces")
