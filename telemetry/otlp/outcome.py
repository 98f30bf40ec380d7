"""What it means to send one OTLP request.

In: an encoded request. Out: an `Outcome`. State: none; senders own their connections.
"""

import zlib
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

LONGEST_ANSWER: Final = 4 * 2**20
"""Bytes of an answer at most, as gRPC has it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the collector made of a request.

    `response` is its encoded answer where it took the request. Otherwise `problem` says why not, `retry` whether the
    same request may succeed later, and `wait` how many seconds the collector asked us to leave it alone.
    """

    response: bytes | None = None
    problem: str = ""
    retry: bool = False
    wait: float | None = None


class CallError(Exception):
    """A call came to nothing: `code` is gRPC's name for it; `unprocessed` says that nobody has seen the request."""

    def __init__(self, problem: str, code: str = "UNAVAILABLE", *, unprocessed: bool = False) -> None:
        super().__init__(problem)
        self.code = code
        self.unprocessed = unprocessed


class HungUpError(CallError):
    """The other side has closed the connection."""


class Sender(Protocol):
    """Sends requests of one signal, one at a time, on one thread."""

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Send and return within about `timeout` seconds. Never raises."""
        ...

    def close(self) -> None:
        """Break off what is being sent, from any thread. Nothing is sent afterwards."""
        ...


def is_here(endpoint: str) -> bool:
    """Say whether an endpoint, `URL` or `HOST:PORT`, is on this machine's loopback: no proxy leads there."""
    try:
        host = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}").hostname or ""
    except ValueError:
        return False
    return host in {"localhost", "::1"} or host.startswith("127.")


def unpacked(message: bytes) -> bytes:
    """Return what was packed by gzip or deflate; nothing where it cannot be read."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(message, LONGEST_ANSWER)
    except zlib.error:
        return b""
