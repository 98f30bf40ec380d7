"""One request after the other on one HTTP/1.1 connection.

In: a request's head and body. Out: the answer. State: whether the connection may be used again, owned by one `Http1`
for each `Wire`.

Answers are read by Python's own `http.client`; every byte comes through the wire, which knows the deadline, and goes on
sending meanwhile: a server may answer before it has heard everything.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from typing import Any

from telemetry.otlp.connection import Wire
from telemetry.otlp.outcome import LONGEST_ANSWER, CallError, HungUpError

_PIECE = 65536  # bytes read at once


@dataclass(frozen=True, slots=True)
class Answer:
    """What came for one request."""

    status: int
    reason: str
    headers: Mapping[str, str]  # by their names in small letters
    body: bytes


class Http1:
    """A connection over `wire`, which is open."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._usable = True
        self._fresh = True

    def is_usable(self) -> bool:
        """Say whether the connection takes another request: nobody has said anything since the last one."""
        try:
            return self._usable and not self._wire.arrived()
        except (CallError, OSError):
            return False

    def call(self, head: bytes, body: bytes) -> Answer:
        """Send a request and return its answer. Raises `CallError`, `HTTPException`, `OSError`."""
        fresh, self._fresh, self._usable = self._fresh, False, False
        self._wire.put(head + body)
        came = _Incoming(self._wire)
        try:
            return self._answer(came)
        except (HTTPException, HungUpError) as error:
            if not came.any and not fresh:  # as a server does that has no patience with an idle connection
                raise CallError("the connection was closed", unprocessed=True) from None
            if isinstance(error, RemoteDisconnected):  # nothing came; the wire knows why
                after = "it hung up after the TLS handshake" if self._wire.speaks_tls else "it hung up"
                raise HungUpError(f"{after} ({came.hung_up})") from None
            raise

    def _answer(self, came: "_Incoming") -> Answer:
        source: Any = _Source(came)
        interim: list[HTTPResponse] = []  # kept until the end: one that is collected closes what is read from
        while True:
            response = HTTPResponse(source, method="POST")
            response.begin()
            if not 101 < response.status < 200:
                break
            interim.append(response)
        body = bytearray()
        while len(body) <= LONGEST_ANSWER and (piece := response.read(_PIECE)):
            body += piece
        if len(body) > LONGEST_ANSWER:
            if response.status < 300:
                raise CallError("its answer is endless")
        elif response.length:
            raise HungUpError(f"it hung up amid its answer ({came.hung_up})")
        else:
            self._usable = not response.will_close and not self._wire.backlog
        return Answer(
            response.status,
            response.reason,
            {name.lower(): value for name, value in response.headers.items()},
            bytes(body),
        )


class _Incoming(io.RawIOBase):
    """What comes on a wire, as a file."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._rest = b""
        self.any = False
        self.hung_up = ""

    def readable(self) -> bool:
        """Say that this is a file for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait until something comes; return how much of it there is, 0 at the end."""
        while not self._rest:
            try:
                self._rest = self._wire.exchange()
            except HungUpError as error:
                self.hung_up = str(error)
                return 0
        self.any = True
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


class _Source:
    """What `http.client` takes for a socket."""

    def __init__(self, came: _Incoming) -> None:
        self._file = io.BufferedReader(came, _PIECE)

    def makefile(self, mode: str) -> Any:  # noqa: ARG002  the socket's own signature
        """Return the same file for every answer."""
        return self._file
