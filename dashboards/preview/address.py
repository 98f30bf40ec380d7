"""Addresses of the preview: the one it listens on, and Prometheus'.

In: what the command line says. Out: a bound socket, and a checked URL. State: none; the caller closes the socket.
"""

import errno
import os
import socket

import httpx

from dashboards.preview.errors import PreviewError

_WRITE_LISTEN = "Write HOST:PORT, such as 127.0.0.1:3001; port 0 takes a free one."


def split(address: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, with an IPv6 address in brackets.

    Raises:
        PreviewError: it is not an address.
    """
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise PreviewError(f"--listen {address!r} is not an address.", _WRITE_LISTEN)
    return host, int(port)


def bind(address: str) -> socket.socket:
    """Return a socket that listens on `HOST:PORT`.

    Raises:
        PreviewError: it is not an address, its host is not known, or its port is taken or not allowed.
    """
    host, port = split(address)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not a host name"
        raise PreviewError(f"--listen {address!r}: the host is not known ({why}).", _WRITE_LISTEN) from error
    family, _, _, _, where = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    # asyncio lets small answers leave at once (TCP_NODELAY) only where the protocol is named: else each takes 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise _not_bound(address, port, error) from error
    return listening


def _not_bound(address: str, port: int, error: OSError) -> PreviewError:
    if error.errno == errno.EADDRINUSE:
        return PreviewError(
            f"Port {port} ({address}) is taken.", "Use another one: --listen 127.0.0.1:0 takes a free one."
        )
    return PreviewError(f"The page cannot listen on {address}: {os.strerror(error.errno or 0)}.", _WRITE_LISTEN)


def url_of(listening: socket.socket) -> str:
    """Return the address of the page, for a browser on this machine."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (every address, as it was bound)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def base_url(text: str, option: str = "--prometheus", product: str = "Prometheus", port: int = 9090) -> httpx.URL:
    """Return the URL of a Prometheus, or of what speaks its API, or of another product, without a slash at its end.

    Args:
        text: the URL.
        option: by which it was given.
        product: what it is of.
        port: that of an example.

    Raises:
        PreviewError: it is not one.
    """
    try:
        url = httpx.URL(text.rstrip("/"))
    except (httpx.InvalidURL, UnicodeError):
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.fragment:
        hint = f"Write http://HOST:PORT, such as http://127.0.0.1:{port}."
        raise PreviewError(f"{option} {text!r} is not the URL of a {product}.", hint)
    return url


def shown(url: httpx.URL) -> str:
    """Return a URL without user and password."""
    return str(url.copy_with(username=None, password=None))
