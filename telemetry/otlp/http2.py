"""One request after the other on one HTTP/2 connection.

In: headers and a body. Out: the answer's headers, body and trailers. State: the connection's, kept by `h2`, owned by
one `Http2` for each `Wire`.

`h2` ends a connection at once when it sees GOAWAY, but a server that says it goes on answering what it has begun (RFC
9113, 6.8). So `h2` does not see them: what comes is taken apart into frames here, and a GOAWAY only ends the taking of
new requests.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

from telemetry.otlp.connection import Wire
from telemetry.otlp.outcome import LONGEST_ANSWER, CallError, HungUpError

Headers = list[tuple[str, str]]

_HEAD = 9  # bytes before each frame: 3 of length, type, flags, 4 of stream
_SETTINGS, _GOAWAY = 4, 7  # types of frames
_AHEAD = 2**18  # bytes given to the socket before it has sent them
_ANY_STREAM = 2**31 - 1


@dataclass(slots=True)
class Answer:
    """What came for one request; `reset` is the code that the server broke it off with, if it did."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    trailers: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    reset: int | None = None


class _Connection(H2Connection):
    MAX_CLOSED_STREAMS = 16  # it remembers them: by default more than a process should pay for


class Http2:
    """A connection over `wire`, which is open."""

    def __init__(self, wire: Wire) -> None:
        self.ending = False  # the server takes no more requests
        self._wire = wire
        self._connection = _Connection(H2Configuration())
        self._came = bytearray()
        self._greeted = False
        self._stream = 0  # of the request that is being sent
        self._answer = Answer()

    def greet(self) -> None:
        """Exchange settings: nothing of a request is told to somebody who does not speak HTTP/2."""
        self._connection.initiate_connection()
        self._connection.update_settings({SettingCodes.ENABLE_PUSH: 0})
        try:
            while not self._greeted:
                self._exchange()
        except HungUpError as error:
            when = "it hung up after the TLS handshake" if self._wire.speaks_tls else "Socket closed before HTTP/2 came"
            raise CallError(f"{when} ({error})") from None

    def is_usable(self) -> bool:
        """Say whether the connection takes another request, after what has come since the last one."""
        try:
            while came := self._wire.arrived():
                self._take(came)
        except (CallError, OSError):
            return False
        return not self.ending

    def call(self, headers: Headers, body: bytes) -> Answer:
        """Send a request and return its answer. Raises `CallError`, `OSError`."""
        while self._connection.remote_settings.max_concurrent_streams < 1:
            self._exchange()
        self._answer = answer = Answer()
        self._stream = stream = self._connection.get_next_available_stream_id()
        self._connection.send_headers(stream, headers)
        rest = memoryview(body)
        try:
            while not answer.ended:
                rest = self._put(rest)
                self._exchange()
        except HungUpError as error:
            raise CallError(f"the connection broke before the answer ({error})") from None
        if rest and answer.reset is None:  # it has heard enough
            self._connection.reset_stream(stream, ErrorCodes.NO_ERROR)
            self._wire.put(self._connection.data_to_send())
            self._wire.send()
        self._stream = 0
        if answer.reset == ErrorCodes.REFUSED_STREAM:
            raise CallError("it takes no further request on this connection", unprocessed=True)
        return answer

    def _put(self, rest: memoryview) -> memoryview:
        """Give as much of a body to the socket as the server lets us; return the rest."""
        connection = self._connection
        while rest and self._wire.backlog < _AHEAD:
            size = min(
                len(rest), connection.local_flow_control_window(self._stream), connection.max_outbound_frame_size
            )
            if size <= 0:
                break
            connection.send_data(self._stream, rest[:size], end_stream=size == len(rest))
            rest = rest[size:]
            self._wire.put(connection.data_to_send())
        return rest

    def _exchange(self) -> None:
        self._wire.put(self._connection.data_to_send())
        self._take(self._wire.exchange())

    def _take(self, came: bytes) -> None:
        self._came += came
        if not self._greeted and self._came:
            self._greeted = self._is_greeting()
        try:
            for frame in self._frames():
                if frame[3] == _GOAWAY:
                    self._go_away(frame[_HEAD:])
                else:
                    for event in self._connection.receive_data(frame):
                        self._on(event)
        except ProtocolError as error:
            raise CallError(f"it breaks the rules of HTTP/2: {error}") from None

    def _frames(self) -> Iterator[bytes]:
        while self._greeted and len(self._came) >= _HEAD:
            size = int.from_bytes(self._came[:3], "big")
            if size > self._connection.max_inbound_frame_size:
                raise ProtocolError(f"a frame of {size} bytes")
            if len(self._came) < _HEAD + size:
                return
            frame = bytes(self._came[: _HEAD + size])
            del self._came[: _HEAD + size]
            yield frame

    def _is_greeting(self) -> bool:
        """Look at the first bytes that ever came; say whether they are the whole head of a SETTINGS frame."""
        first = bytes(self._came[:_HEAD])
        if first.startswith((b"HTTP/", b"<")):
            raise CallError("it speaks HTTP/1, not gRPC")
        if first.startswith(b"\x15\x03"):
            raise CallError("it speaks TLS, not plain text")
        if len(first) > 3 and first[3] != _SETTINGS:
            raise CallError("it speaks no HTTP/2, and so no gRPC")
        return len(first) == _HEAD

    def _on(self, event: Event) -> None:
        answer = self._answer
        if getattr(event, "stream_id", 0) != self._stream or not self._stream:
            return  # the connection's affairs are `h2`'s
        if isinstance(event, ResponseReceived):
            answer.headers = _headers(event.headers)
        elif isinstance(event, DataReceived):
            self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            answer.body += event.data
            if len(answer.body) > LONGEST_ANSWER:
                raise CallError("its answer is endless", "RESOURCE_EXHAUSTED")
        elif isinstance(event, TrailersReceived):
            answer.trailers = _headers(event.headers)
        elif isinstance(event, StreamEnded):
            answer.ended = True
        elif isinstance(event, StreamReset):
            answer.ended, answer.reset = True, int(event.error_code)

    def _go_away(self, told: bytes) -> None:
        self.ending = True
        last = int.from_bytes(told[:4], "big") & _ANY_STREAM
        if self._stream > last:
            words = told[8:].decode("latin-1")
            raise CallError(f"it takes no further request: GOAWAY {words[:100]}".rstrip(), unprocessed=True)


def _headers(raw: Iterable[Any]) -> dict[str, str]:
    return {str(name, "latin-1"): str(value, "latin-1") for name, value in raw}
