"""What may listen where a collector is expected: anything, as a test writes it, on a socket of its own.

In: a function that is given each connection. Out: an endpoint. A failure of the function is the test's.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived, StreamEnded
from h2.settings import SettingCodes
from hyperframe.frame import Frame, GoAwayFrame

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.grpc import GrpcSender
from telemetry.otlp.outcome import Outcome

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PATIENCE = 10.0
Serve = Callable[[socket.socket], Any]


@contextmanager
def listening(*serve: Serve, family: int = socket.AF_INET, where: Any = ("127.0.0.1", 0)) -> Iterator[Any]:
    """Serve connections, the first by the first function, and so on; yield the address that is listened on."""
    with socket.socket(family, socket.SOCK_STREAM) as listener, ThreadPoolExecutor(1) as pool:
        listener.bind(where)
        listener.listen()
        listener.settimeout(PATIENCE)

        def run() -> None:
            for one in serve:
                connection, _ = listener.accept()
                connection.settimeout(PATIENCE)
                with connection:
                    one(connection)

        served: Future[None] = pool.submit(run)
        yield listener.getsockname()
        served.result(PATIENCE)


@contextmanager
def sender(endpoint: str, **settings: Any) -> Iterator[GrpcSender]:
    """A sender, closed at the end."""
    made = GrpcSender(ExporterSettings(endpoint=endpoint, **settings), METHOD)
    try:
        yield made
    finally:
        made.close()


def sent(address: Any, request: bytes = b"request", timeout: float = PATIENCE, **settings: Any) -> Outcome:
    """Send one request in plain text."""
    with sender(f"http://{address[0]}:{address[1]}", **settings) as made:
        return made.send(request, timeout)


class Peer:
    """The server's side of one HTTP/2 connection."""

    def __init__(self, connection: "socket.socket | ssl.SSLSocket", **changed: int) -> None:
        self.socket = connection
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        for name, value in changed.items():
            self.h2.local_settings[SettingCodes[name]] = value
        self.h2.local_settings.acknowledge()
        self.h2.initiate_connection()
        self.events: list[Event] = []
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def frame(self, frame: Frame) -> None:
        """Send a frame that `h2` would not."""
        self.socket.sendall(frame.serialize())

    def go_away(self, last: int, words: bytes = b"") -> None:
        self.frame(GoAwayFrame(0, last_stream_id=last, error_code=0, additional_data=words))

    def until(self, kind: type[Event] | tuple[type[Event], ...]) -> Any:
        """Read until an event of a kind comes; return it. Others are kept."""
        while True:
            for event in self.events:
                if isinstance(event, kind):
                    self.events.remove(event)
                    return event
            data = self.socket.recv(65536)
            assert data, f"the client hung up before {kind}"
            self.events += self.h2.receive_data(data)
            self.flush()

    def request(self) -> tuple[int, dict[str, str], bytes]:
        """Wait for a whole request; return its stream, headers and body."""
        asked = self.until(RequestReceived)
        body = b""
        while True:
            event = self.until((DataReceived, StreamEnded))
            if isinstance(event, StreamEnded):
                return asked.stream_id, dict(asked.headers), body
            body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, asked.stream_id)
            self.flush()

    def take(self, response: bytes = b"", **trailers: str) -> tuple[dict[str, str], bytes]:
        """Answer one request; return its headers and body."""
        stream, headers, body = self.request()
        self.answer(stream, response, **trailers)
        return headers, body

    def answer(self, stream: int, response: bytes = b"", **trailers: str) -> None:
        """Say that a request was taken."""
        self.h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        self.h2.send_data(stream, b"\0" + len(response).to_bytes(4, "big") + response)
        trailer = {"grpc_status": "0"} | trailers
        self.h2.send_headers(
            stream, [(name.replace("_", "-"), value) for name, value in trailer.items()], end_stream=True
        )
        self.flush()

    def refuse(self, *headers: tuple[str, str], status: str = "200", body: bytes = b"") -> None:
        """Answer one request with headers alone, or with a `body` as a web server has."""
        stream, _, _ = self.request()
        self.h2.send_headers(stream, [(":status", status), *headers], end_stream=not body)
        if body:
            self.h2.send_data(stream, body, end_stream=True)
        self.flush()

    def until_hung_up(self) -> bytes:
        """Read to the end; return what came."""
        came = b""
        while data := self.socket.recv(65536):
            came += data
        return came


class Taking:
    """Serves a connection, taking `count` requests and then whatever `then` does; `taken` holds headers and bodies."""

    def __init__(self, count: int, then: Callable[[Peer], Any] | None = None, **settings: int) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self._count, self._then, self._settings = count, then, settings

    def __call__(self, connection: socket.socket) -> None:
        peer = Peer(connection, **self._settings)
        for _ in range(self._count):
            self.taken.append(peer.take())
        if self._then is not None:
            self._then(peer)
