"""Addresses to listen on, and what to say when one cannot be had.

In: `HOST:PORT`. Out: the IP address that it means, and a bound socket; or `PortTakenError`, which names the port and,
where it can be found, its holder.
No state.
"""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass
from typing import Any

import psutil

from collector.local.errors import PortTakenError, SettingsError


def split_address(address: str, option: str) -> tuple[str, int]:
    """`HOST:PORT` (IPv6 in brackets) as host and port; `option` is named in the error."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise SettingsError(
            f"--{option} {address!r} is no address", "write HOST:PORT, such as 127.0.0.1:4317; port 0 takes a free one"
        )
    return host, int(port)


def join_address(host: str, port: int) -> str:
    """Host and port as `HOST:PORT`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class Place:
    """An address to listen on, as it was given and as it was resolved."""

    option: str
    given: str
    family: int
    where: tuple[Any, ...]

    @property
    def ip(self) -> str:
        """The IP address, which the socket is bound to whatever the host's name means later."""
        return str(self.where[0])


def resolve(address: str, option: str) -> Place:
    """Find out which IP address is meant.

    Raises:
        SettingsError: it is no address, or its host is not known.
    """
    host, port = split_address(address, option)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is no host name"
        raise SettingsError(f"--{option} {address!r}: the host is not known ({why})", "write 127.0.0.1") from error
    # "localhost" may be both: senders try IPv4 in any case, IPv6 not always.
    family, _, _, _, where = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return Place(option, address, family, where)


def bind(place: Place) -> socket.socket:
    """A socket that listens there.

    Raises:
        PortTakenError: it is in use, or not ours to use.
    """
    listening = socket.socket(place.family, socket.SOCK_STREAM)
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
            f"cannot listen on {address}: {os.strerror(error.errno or 0)}", f"choose another with --{option} HOST:PORT"
        )
    _, port = split_address(address, option)
    return PortTakenError(
        f"port {port} ({address}) is taken{_by(port)}",
        f"stop that program, or choose another port with --{option} HOST:PORT",
    )


def _by(port: int) -> str:
    """Who listens on a port, as far as this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            local = connection.laddr
            if connection.status == psutil.CONN_LISTEN and connection.pid and local and local.port == port:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return ""
