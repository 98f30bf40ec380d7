"""HTTP/2 with one request at a time on a connection.

`h2` keeps the protocol's state. It ends a connection at once when it sees GOAWAY, although a server that sends one
still answers the requests that it has started (RFC 9113, 6.8). So `h2` does not see GOAWAY frames: the bytes received
are split into frames here, and a GOAWAY only means that no new request is sent.
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

from telemetry.otlp.connection import Connection
from telemetry.otlp.outcome import MAX_RESPONSE_BYTES, CallError, ClosedError

Headers = list[tuple[str, str]]

_FRAME_HEAD = 9  # bytes before each frame: 3 of length, type, flags, 4 of stream
_SETTINGS, _GOAWAY = 4, 7  # types of frames
_MAX_UNSENT = 2**18  # bytes queued on the connection; more wait in the request
_STREAM_MASK = 2**31 - 1


@dataclass(slots=True)
class Response:
    """The response to one request; `reset` is the error code if the server reset the stream."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    trailers: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    reset: int | None = None


class _H2(H2Connection):
    MAX_CLOSED_STREAMS = 16  # those that it remembers; the default takes more memory than exports deserve


class Http2:
    """HTTP/2 on a connection that is open."""

    def __init__(self, connection: Connection) -> None:
        self.goaway_received = False
        self._connection = connection
        self._h2 = _H2(H2Configuration())
        self._buffer = bytearray()  # received, not yet a whole frame
        self._settings_received = False
        self._stream = 0  # of the current request
        self._response = Response()

    def handshake(self) -> None:
        """Exchange settings. No part of a request is sent to a server that does not speak HTTP/2."""
        self._h2.initiate_connection()
        self._h2.update_settings({SettingCodes.ENABLE_PUSH: 0})
        try:
            while not self._settings_received:
                self._exchange()
        except ClosedError as error:
            when = "after the TLS handshake" if self._connection.is_tls else "before the HTTP/2 handshake"
            raise CallError(f"connection closed {when} ({error})") from None

    def is_usable(self) -> bool:
        """Return whether the connection takes another request, after reading what has arrived since the last one."""
        try:
            while received := self._connection.receive():
                self._process(received)
        except (CallError, OSError):
            return False
        return not self.goaway_received

    def call(self, headers: Headers, body: bytes) -> Response:
        """Send a request and return its response. Raises `CallError`, `OSError`."""
        while self._h2.remote_settings.max_concurrent_streams < 1:
            self._exchange()
        self._response = response = Response()
        self._stream = stream = self._h2.get_next_available_stream_id()
        self._h2.send_headers(stream, headers)
        rest = memoryview(body)
        try:
            while not response.ended:
                rest = self._put(rest)
                self._exchange()
        except ClosedError as error:
            raise CallError(f"connection lost before the response ({error})") from None
        if rest and response.reset is None:  # the server responded without reading the whole body
            self._h2.reset_stream(stream, ErrorCodes.NO_ERROR)
            self._connection.put(self._h2.data_to_send())
            self._connection.send()
        self._stream = 0
        if response.reset == ErrorCodes.REFUSED_STREAM:
            raise CallError("it refused the stream", unprocessed=True)
        return response

    def _put(self, rest: memoryview) -> memoryview:
        """Queue as much of a body as flow control allows; return the rest."""
        h2 = self._h2
        while rest and self._connection.unsent < _MAX_UNSENT:
            size = min(len(rest), h2.local_flow_control_window(self._stream), h2.max_outbound_frame_size)
            if size <= 0:
                break
            h2.send_data(self._stream, rest[:size], end_stream=size == len(rest))
            rest = rest[size:]
            self._connection.put(h2.data_to_send())
        return rest

    def _exchange(self) -> None:
        self._connection.put(self._h2.data_to_send())
        self._process(self._connection.exchange())

    def _process(self, received: bytes) -> None:
        self._buffer += received
        if not self._settings_received and self._buffer:
            self._settings_received = self._starts_with_settings()
        try:
            for frame in self._frames():
                if frame[3] == _GOAWAY:
                    self._on_goaway(frame[_FRAME_HEAD:])
                else:
                    for event in self._h2.receive_data(frame):
                        self._on(event)
        except ProtocolError as error:
            raise CallError(f"HTTP/2 protocol error: {error}") from None

    def _frames(self) -> Iterator[bytes]:
        while self._settings_received and len(self._buffer) >= _FRAME_HEAD:
            size = int.from_bytes(self._buffer[:3], "big")
            if size > self._h2.max_inbound_frame_size:
                raise ProtocolError(f"a frame of {size} bytes")
            if len(self._buffer) < _FRAME_HEAD + size:
                return
            frame = bytes(self._buffer[: _FRAME_HEAD + size])
            del self._buffer[: _FRAME_HEAD + size]
            yield frame

    def _starts_with_settings(self) -> bool:
        """Return whether the first bytes received hold the head of a SETTINGS frame. Raises `CallError` for others."""
        first = bytes(self._buffer[:_FRAME_HEAD])
        if first.startswith((b"HTTP/", b"<")):
            raise CallError("it speaks HTTP/1, not gRPC")
        if first.startswith(b"\x15\x03"):
            raise CallError("it speaks TLS, not plain text")
        if len(first) > 3 and first[3] != _SETTINGS:
            raise CallError("it does not speak HTTP/2, which gRPC needs")
        return len(first) == _FRAME_HEAD

    def _on(self, event: Event) -> None:
        response = self._response
        if getattr(event, "stream_id", 0) != self._stream or not self._stream:
            return  # an event of the connection, which `h2` has handled
        if isinstance(event, ResponseReceived):
            response.headers = _headers(event.headers)
        elif isinstance(event, DataReceived):
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            response.body += event.data
            if len(response.body) > MAX_RESPONSE_BYTES:
                raise CallError("its response is longer than 4 MiB", "RESOURCE_EXHAUSTED")
        elif isinstance(event, TrailersReceived):
            response.trailers = _headers(event.headers)
        elif isinstance(event, StreamEnded):
            response.ended = True
        elif isinstance(event, StreamReset):
            response.ended, response.reset = True, int(event.error_code)

    def _on_goaway(self, payload: bytes) -> None:
        self.goaway_received = True
        last_stream = int.from_bytes(payload[:4], "big") & _STREAM_MASK
        if self._stream > last_stream:
            reason = payload[8:].decode("latin-1")
            raise CallError(f"it takes no more requests: GOAWAY {reason[:100]}".rstrip(), unprocessed=True)


def _headers(raw: Iterable[Any]) -> dict[str, str]:
    return {str(name, "latin-1"): str(value, "latin-1") for name, value in raw}
