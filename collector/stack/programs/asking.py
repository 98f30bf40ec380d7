"""Asks programs whether they are ready, within a second."""

import http.client
import socket
import struct
from typing import Final

_PATIENCE: Final = 1.0
"""Timeout in seconds: everything is on this machine."""

_API_VERSIONS: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""Kafka's request 18, ApiVersions, in its first version: length, key, version, correlation, no client name."""


def answers_http(address: str, path: str) -> bool:
    """Whether `GET path` returns 200."""
    connection = http.client.HTTPConnection(address, timeout=_PATIENCE)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def accepts(host: str, port: int) -> bool:
    """Whether a program accepts connections."""
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE):
            return True
    except OSError:
        return False


def answers_kafka(host: str, port: int) -> bool:
    """Whether a broker serves requests: it accepts connections long before."""
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE) as connection:
            connection.sendall(_API_VERSIONS)
            answer = connection.recv(10)  # length, correlation, error code
    except OSError:
        return False
    return len(answer) == 10 and struct.unpack(">iih", answer)[1:] == (1, 0)
