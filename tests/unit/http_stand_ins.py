"""Servers for tests of the HTTP sender: each answers a connection as a test asks, byte for byte."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.http import HttpSender
from telemetry.otlp.outcome import Outcome
from tests.unit.grpc_stand_ins import PATIENCE, listening

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@contextmanager
def sender(address: Any, **settings: Any) -> Iterator[HttpSender]:
    """A sender to an address, or to an endpoint, closed at the end."""
    endpoint = address if isinstance(address, str) else f"http://{address[0]}:{address[1]}/v1/traces"
    made = HttpSender(ExporterSettings(endpoint=endpoint, **settings))
    try:
        yield made
    finally:
        made.close()


def request(connection: socket.socket) -> tuple[str, dict[str, str], bytes]:
    """Read one request: its line, its headers in small letters, its body."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        came = connection.recv(1)
        assert came, "the client hung up"
        head += came
    line, *rest = head.decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest)}
    body = b""
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return line, headers, body


def answering(*answers: bytes, got: "list[tuple[str, dict[str, str], bytes]] | None" = None) -> Callable[..., None]:
    """Serve a connection: an answer for each request."""

    def serve(connection: socket.socket) -> None:
        for answer in answers:
            one = request(connection)
            if got is not None:
                got.append(one)
            connection.sendall(answer)
        with contextlib.suppress(OSError):
            connection.recv(1)

    return serve


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def sent(serve: Callable[[socket.socket], Any], timeout: float = PATIENCE, **settings: Any) -> Outcome:
    """Send one request to somebody who serves it so."""
    with listening(serve) as where, sender(where, **settings) as made:
        return made.send(b"a request", timeout)


def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the variables that name proxies, which a machine may have."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
