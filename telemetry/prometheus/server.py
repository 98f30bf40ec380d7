"""A small HTTP server for scrapes.

In: connections. Out: the responses of an app. State: the listening socket, a thread that accepts, and one per scrape.

prometheus_client's server starts a thread per connection, and waits without a limit for a client that sends nothing.
This one serves few connections at once, each for a limited time. All threads are daemons; `close` returns at once.
"""

import errno
import io
import selectors
import socket
import socketserver
import threading
import time
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from telemetry.pipeline.worker import start_worker, stop_worker
from telemetry.prometheus.exposition import WsgiApp

_MAX_CONNECTIONS: Final = 8  # at once; others get a 503
_IDLE_TIMEOUT: Final = 10.0  # seconds without a byte sent or read by the client
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)  # no descriptor to fork
_BUSY: Final = (
    b"HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    b"# too many connections at once; try again\n"
)


class _Handler(WSGIRequestHandler):
    timeout = _IDLE_TIMEOUT

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the parameter's name in the base class
        """Log nothing: there is a scrape every few seconds."""

    def get_stderr(self) -> io.StringIO:
        """Discard the traceback that the base class prints for a slow client."""
        return io.StringIO()


class _Http(WSGIServer):
    request_queue_size = 16
    allow_reuse_port = False  # else two processes could share the port, and each get half of the scrapes

    def __init__(self, family: socket.AddressFamily, address: tuple[Any, ...]) -> None:
        self.address_family = family
        self._slots = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        self._threads: list[threading.Thread] = []  # used only by the thread that accepts
        super().__init__(address, _Handler)
        self.socket.setblocking(False)  # `accept` must not block if the client has disconnected again

    def server_bind(self) -> None:
        """Bind, without the base class's lookup of the host's full name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection on a thread of its own, or refuse it if there are too many."""
        if not self._slots.acquire(blocking=False):
            request.send(_BUSY)
            self.shutdown_request(request)
            return
        try:
            thread = start_worker("scrape", lambda: self._serve(request, client_address))
        except RuntimeError:  # cannot start a thread
            self._slots.release()
            raise
        self._threads = [*(one for one in self._threads if one.is_alive()), thread]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors of clients that disconnected."""

    def join(self, deadline: float) -> None:
        """Wait for current scrapes until `deadline`."""
        for thread in self._threads:
            stop_worker(thread, deadline)

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            self.handle_error(request, client_address)
        finally:
            self.shutdown_request(request)
            self._slots.release()


class MetricsServer:
    """Serves one app at one address; `address` is the actual one. Port 0 means any free port. Raises `OSError`."""

    def __init__(self, host: str, port: int, app: WsgiApp) -> None:
        self._http = _bind(host, port)
        self._http.set_app(app)
        self.address: tuple[str, int] = (self._http.server_name, self._http.server_port)
        self._waker, self._woken = socket.socketpair()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Accept connections; those made before have waited."""
        self._thread = start_worker("metrics-server", self._run)

    def close(self) -> None:
        """Stop listening, and wait briefly for current scrapes."""
        self._waker.close()  # wakes the thread
        now = time.monotonic()
        stop_worker(self._thread, now)
        self._http.join(now)
        self.abandon()

    def abandon(self) -> None:
        """Close the sockets only; in a forked child they are copies of the parent's."""
        for one in (self._http.socket, self._waker, self._woken):
            one.close()

    def _run(self) -> None:
        with _Selector() as selector:
            selector.register(self._http.socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while all(key.fileobj is not self._woken for key, _ in selector.select()):
                self._http.handle_request()


def _bind(host: str, port: int) -> _Http:
    """Listen on the first address of the host that this machine has, IPv4 before IPv6."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    problem = OSError("the host has no address")
    for family, _, _, _, address in sorted(found, key=lambda one: one[0] != socket.AF_INET):
        try:
            return _Http(family, address)
        except OSError as error:
            if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                raise  # if one address is taken, do not try the others
            problem = error
    raise problem
