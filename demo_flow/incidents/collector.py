"""Cuts this process off from its collector, as if that were away.

In: the endpoints that telemetry is sent to. Out: connections of Python's sockets to them end, and new ones are refused.
State: `connect_ex` of `socket.socket`, replaced while the block runs; the exporters connect by it.
"""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

_OPEN_FILES: Final = Path("/dev/fd")


@contextlib.contextmanager
def cut_off(endpoints: Iterable[str]) -> Iterator[None]:
    """Let the collector be away in this block. A proxy before it, and a Unix socket, are not cut."""
    places = {place for endpoint in endpoints for place in _places(endpoint)}
    connect = socket.socket.connect_ex

    def refuse(self: socket.socket, address: Any) -> int:
        return errno.ECONNREFUSED if tuple(address[:2]) in places else connect(self, address)

    setattr(socket.socket, "connect_ex", refuse)  # noqa: B010 (mypy takes no assignment to a method)
    _end_connections(places)
    try:
        yield
    finally:
        delattr(socket.socket, "connect_ex")  # its own again, which it inherits


def _places(endpoint: str) -> set[tuple[str, int]]:
    """Return the addresses and ports of an endpoint such as `http://localhost:4317` or `localhost:4317`."""
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    port = parts.port or (80 if parts.scheme == "http" else 443)
    with contextlib.suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        return {(str(where[0]), port) for *_, where in found}
    return set()


def _end_connections(places: set[tuple[str, int]]) -> None:
    for entry in list(_OPEN_FILES.iterdir()):
        with contextlib.suppress(OSError):  # closed meanwhile, or not connected
            if not stat.S_ISSOCK(os.fstat(int(entry.name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(entry.name))) as same:
                if tuple(same.getpeername()[:2]) in places:
                    same.shutdown(socket.SHUT_RDWR)
