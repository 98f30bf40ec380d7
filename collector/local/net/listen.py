"""Addresses to listen on: parsed, resolved and bound; the error of a port in use names the process, if it is known."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass
from typing import Any

from collector.local.errors import PortTakenError, SettingsError
from collector.processes.ports import holder_of


def split_address(address: str, option: str) -> tuple[str, int]:
    """`HOST:PORT` (IPv6 in brackets) as host and port; the error names `option`."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise SettingsError(
            f"--{option} {address!r} is not an address",
            "write HOST:PORT, such as 127.0.0.1:4317; port 0 takes a free one",
        )
    return host, int(port)


def join_address(host: str, port: int) -> str:
    """Host and port as `HOST:PORT`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable(address: str) -> str:
    """An address that a browser on this machine can open, for one that may stand for all of the machine's."""
    host, _, port = address.rpartition(":")
    local = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 (it is replaced)
    return f"{local}:{port}"


@dataclass(frozen=True, slots=True)
class Place:
    """An address to listen on, as it was given and as it was resolved."""

    option: str
    given: str
    family: int
    where: tuple[Any, ...]

    @property
    def ip(self) -> str:
        """The IP address that the socket is bound to, even if the host's name is resolved to another later."""
        return str(self.where[0])


def resolve(address: str, option: str) -> Place:
    """Resolve an address.

    Raises:
        SettingsError: it is not an address, or its host is not known.
    """
    host, port = split_address(address, option)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not a host name"
        raise SettingsError(f"--{option} {address!r}: the host is not known ({why})", "write 127.0.0.1") from error
    # "localhost" may be both: senders always try IPv4, and not always IPv6.
    family, _, _, _, where = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return Place(option, address, family, where)


def bind(place: Place) -> socket.socket:
    """A socket that listens there.

    Raises:
        PortTakenError: it is in use, or not allowed.
    """
    # asyncio lets small answers leave at once (TCP_NODELAY) only where the protocol is named: else each takes 40 ms.
    listening = socket.socket(place.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place.where)
        listening.listen(128)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise taken(place.given, place.option, error) from error
    return listening


def taken(address: str, option: str, error: OSError) -> PortTakenError:
    """The error for an address that could not be bound."""
    if error.errno != errno.EADDRINUSE:
        return PortTakenError(
            f"cannot listen on {address}: {os.strerror(error.errno or 0)}", f"use another one: --{option} HOST:PORT"
        )
    _, port = split_address(address, option)
    return PortTakenError(
        f"port {port} ({address}) is taken{holder_of(port)}",
        f"stop that program, or use another port: --{option} HOST:PORT",
    )
