"""A small HTTP server for scrapes.

In: connections. Out: what an app answers. State: the listening socket, one thread that accepts, one for each scrape.

prometheus_client's own server starts a thread for every connection and waits for ever for a client that says nothing;
this one serves a few at once, each for a limited time. All threads are daemons; a close takes no longer than a wake-up.
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

_CONNECTIONS: Final = 8  # at once; further ones are told to come again
_SILENCE: Final = 10.0  # seconds that a client may say nothing, or read nothing
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)  # holds no file that a fork would copy
_BUSY: Final = (
    b"HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    b"# too many connections at once; try again\n"
)


class _Handler(WSGIRequestHandler):
    timeout = _SILENCE

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Log nothing: a scrape every few seconds is no news."""

    def get_stderr(self) -> io.StringIO:
        """Print nothing of a client that reads too slowly."""
        return io.StringIO()


class _Http(WSGIServer):
    request_queue_size = 16
    allow_reuse_port = False  # two processes at one port would each get half of the scrapes

    def __init__(self, family: socket.AddressFamily, address: tuple[Any, ...]) -> None:
        self.address_family = family
        self._slots = threading.BoundedSemaphore(_CONNECTIONS)
        self._threads: list[threading.Thread] = []  # changed on the thread that accepts
        super().__init__(address, _Handler)
        self.socket.setblocking(False)  # a client that is gone again must not make `accept` wait

    def server_bind(self) -> None:
        """Bind, without the base class's search for the host's full name, which may ask a name server for seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection on a thread of its own, where there is one left."""
        if not self._slots.acquire(blocking=False):
            request.send(_BUSY)
            self.shutdown_request(request)
            return
        try:
            thread = start_worker("scrape", lambda: self._serve(request, client_address))
        except RuntimeError:  # no thread can be had
            self._slots.release()
            raise
        self._threads = [*(one for one in self._threads if one.is_alive()), thread]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""

    def join(self, deadline: float) -> None:
        """See off scrapes that are on their way."""
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
    """Serves one app at one address.

    Raises `OSError` where the address cannot be had; port 0 is any that is free. `address` is what it got.
    """

    def __init__(self, host: str, port: int, app: WsgiApp) -> None:
        self._http = _bind(host, port)
        self._http.set_app(app)
        self.address: tuple[str, int] = (self._http.server_name, self._http.server_port)
        self._waker, self._woken = socket.socketpair()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Accept connections; until now they wait."""
        self._thread = start_worker("metrics-server", self._run)

    def close(self) -> None:
        """Free the port, and wait shortly for what is on its way."""
        self._waker.close()  # which wakes the thread
        now = time.monotonic()
        stop_worker(self._thread, now)
        self._http.join(now)
        self.abandon()

    def abandon(self) -> None:
        """Close the sockets and touch nothing else: in a forked child they are copies of the parent's."""
        for one in (self._http.socket, self._waker, self._woken):
            one.close()

    def _run(self) -> None:
        with _Selector() as selector:
            selector.register(self._http.socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while all(key.fileobj is not self._woken for key, _ in selector.select()):
                self._http.handle_request()


def _bind(host: str, port: int) -> _Http:
    """Listen at the first address of the host that this machine has, IPv4 before IPv6."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    problem = OSError("the host has no address")
    for family, _, _, _, address in sorted(found, key=lambda one: one[0] != socket.AF_INET):
        try:
            return _Http(family, address)
        except OSError as error:
            if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                raise  # one that is taken is taken, whatever else the host has
            problem = error
    raise problem
