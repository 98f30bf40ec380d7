"""A connection to a collector: over TCP or a Unix socket, through a proxy, with TLS.

Each `Connection` has one socket, used by the one thread that sends; any thread may cancel it.

The socket never blocks. All waiting is in `_wait`, for at most 0.1 s at a time, so one deadline covers all steps and
another thread can interrupt them. A forked child closes its copy of the socket and sends nothing on it. `close` shuts
the socket down, so the collector notices even while children still hold copies.

TLS is loaded by the first connection that needs it.
"""

import contextlib
import encodings.idna  # noqa: F401  else Python imports it at the first host name, perhaps in the middle of a fork
import errno
import os
import select
import socket
import time
import weakref
from typing import TYPE_CHECKING, Any

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.outcome import CallError, ClosedError
from telemetry.otlp.target import Proxy, Target, address
from telemetry.recording.fork import Rank, importing, in_child

if TYPE_CHECKING:
    from telemetry.otlp.tls import Tls

_CHUNK = 65536  # bytes read at once
_POLL_S = 0.1
_MAX_PROXY_HEAD = 16384  # bytes of a proxy's response
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)  # SIGPIPE would end a host that does not ignore it


class Connection:
    """One connection. `deadline` is by `time.monotonic`; `phase` is named in the error when the deadline passes."""

    def __init__(self) -> None:
        self.deadline = 0.0
        self.phase = "connection"
        self._socket: socket.socket | None = None
        self._tls: list[Tls] = []  # outermost first: an https:// proxy's, then the collector's
        self._outgoing = bytearray()
        self._early = b""  # bytes that came together with the head of a proxy's response
        self._closed_why = ""  # why no more bytes will come; empty while they may
        self._cancelled = False
        _connections.add(self)

    def open(self, target: Target, proxy: Proxy | None, settings: ExporterSettings) -> None:
        """Connect to `target`, through `proxy` if there is one. Raises `CallError`, `OSError`."""
        if target.file:
            self._connect(socket.AF_UNIX, target.file, self.deadline)
        elif proxy is not None:
            self._connect_by_name(proxy.host, proxy.port)
            if proxy.tls:
                self._handshake(_tls(settings, proxy.host, "http/1.1"), address(proxy.host, proxy.port))
            if proxy.tunnels:
                self._tunnel(target, proxy)
        else:
            self._connect_by_name(target.host, target.port)
        if target.tls:
            self._handshake(_tls(settings, target.host, target.alpn), target.name)

    @property
    def is_tls(self) -> bool:
        """Whether TLS is established."""
        return bool(self._tls)

    @property
    def unsent(self) -> int:
        """How many bytes are still to be sent."""
        return len(self._outgoing)

    def put(self, data: bytes) -> None:
        """Queue `data`; the next calls of `exchange` send it."""
        for tls in reversed(self._tls):
            data = tls.encrypt(data)
        self._outgoing += data

    def send(self) -> int:
        """Send what the socket takes. If the other side has closed, ignore it: its last bytes are still to be read."""
        if not self._outgoing:
            return 0
        try:
            sent = self._open_socket().send(self._outgoing, _NO_SIGNAL)
        except BlockingIOError:
            return 0
        except OSError:
            sent = len(self._outgoing)
        del self._outgoing[:sent]
        return sent

    def exchange(self) -> bytes:
        """Send and receive what is possible now; return what was received. If nothing is possible, wait up to 0.1 s."""
        sent = self.send()
        received = self.receive()
        if not received and not sent:
            self._wait(select.POLLIN | (select.POLLOUT if self._outgoing else 0))
        return received

    def receive(self) -> bytes:
        """Return what has been received, without waiting. Raises `ClosedError` once there is nothing more to come."""
        self._check()
        received = bytearray(self._decrypt(b""))  # the handshake may have left some
        while len(received) < _CHUNK and (data := self._read_socket()):
            received += self._decrypt(data)
        if self._closed_why and not received:
            raise ClosedError(self._closed_why)
        return bytes(received)

    def cancel(self) -> None:
        """Make the current operation fail, from any thread."""
        self._cancelled = True
        if self._socket is not None:
            _shut_down(self._socket)

    def close(self) -> None:
        """Close the connection, on the thread that uses it."""
        closing, self._socket = self._socket, None
        if closing is not None:
            _shut_down(closing)
            closing.close()

    def abandon(self) -> None:
        """Close the copy of a parent's socket in a forked child, without shutting the connection down."""
        self._cancelled = True
        if self._socket is not None:
            self._socket.close()

    def _connect_by_name(self, host: str, port: int) -> None:
        """Try all addresses of a name, one after the other, each with its share of the time left."""
        self.phase = f"connection to {address(host, port)}"
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise CallError(f"cannot resolve the host name {host} ({error})") from None
        for tried, (family, _, _, _, where) in enumerate(found, 1):
            now = time.monotonic()
            try:
                return self._connect(family, where, now + (self.deadline - now) / (len(found) + 1 - tried))
            except OSError as error:
                self.close()
                problem = f"{address(str(where[0]), port)}: {error.strerror or error}"
        raise CallError(problem)

    def _connect(self, family: int, where: Any, until: float) -> None:
        self._socket = connecting = socket.socket(family, socket.SOCK_STREAM)
        connecting.setblocking(False)
        if family != socket.AF_UNIX:
            connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = connecting.connect_ex(where)
        if code == errno.EINPROGRESS:
            while not self._wait(select.POLLOUT):
                if time.monotonic() >= until:
                    raise TimeoutError(errno.ETIMEDOUT, "connection timed out")
            code = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))

    def _tunnel(self, target: Target, proxy: Proxy) -> None:
        where = address(proxy.host, proxy.port)
        self.phase = f"tunnel through the proxy {where}"
        credentials = f"Proxy-Authorization: {proxy.credentials}\r\n" if proxy.credentials else ""
        self.put(f"CONNECT {target.name} HTTP/1.1\r\nHost: {target.name}\r\n{credentials}\r\n".encode())
        head, end = b"", b""
        while not end:
            head += self.exchange()
            if len(head) > _MAX_PROXY_HEAD:
                raise CallError(f"the proxy {where} sent no valid response to CONNECT")
            response, end, self._early = head.partition(b"\r\n\r\n")
        status = response.partition(b"\r\n")[0].decode("latin-1")
        if not status.startswith("HTTP/1.") or status.split(" ")[1:2] != ["200"]:
            raise CallError(f"the proxy {where} refused a tunnel to {target.name}: {status[:100]}")

    def _handshake(self, tls: "Tls", name: str) -> None:
        self.phase = f"TLS handshake with {name}"
        received = b""
        try:
            while not tls.established:
                self.put(tls.handshake(received))
                received = b"" if tls.established else self.exchange()
        except ClosedError as error:
            raise CallError(f"connection closed in the TLS handshake ({error})") from None
        except tls.Error:
            self.put(tls.encrypt(b""))  # the alert, which gives the reason in the other side's log
            self.send()
            raise
        self._tls.append(tls)

    def _wait(self, events: int) -> bool:
        """Wait up to 0.1 s for the socket; return whether it is ready."""
        self._check()
        polled = select.poll()
        polled.register(self._open_socket(), events)
        timeout = min(_POLL_S, self.deadline - time.monotonic())
        return bool(polled.poll(max(0.0, timeout) * 1000))

    def _check(self) -> None:
        if self._cancelled:
            raise CallError("cancelled by a shutdown", "CANCELLED")
        if time.monotonic() >= self.deadline:
            raise CallError(f"no {self.phase} in time", "DEADLINE_EXCEEDED")

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise ClosedError("the connection is closed")
        return self._socket

    def _read_socket(self) -> bytes:
        """Return what the socket has received; empty if there is nothing now."""
        early, self._early = self._early, b""
        if early or self._closed_why:
            return early
        try:
            data = self._open_socket().recv(_CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            data, self._closed_why = b"", error.strerror or str(error)
        if not data:
            self._closed_why = self._closed_why or "EOF"
        return data

    def _decrypt(self, data: bytes) -> bytes:
        for tls in self._tls:
            data = tls.decrypt(data)
            if tls.closed:
                self._closed_why = "EOF"
        self.put(b"")  # sends TLS's own records, such as key updates
        return data


def _tls(settings: ExporterSettings, host: str, alpn: str) -> "Tls":
    with importing:
        from telemetry.otlp.tls import Tls
    return Tls(settings, host, alpn)


_connections: "weakref.WeakSet[Connection]" = weakref.WeakSet()


def _abandon_all() -> None:
    for connection in tuple(_connections):
        connection.abandon()
    _connections.clear()


in_child(Rank.CONNECTIONS, _abandon_all)


def _shut_down(open_socket: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is not connected any more, or not yet
        open_socket.shutdown(socket.SHUT_RDWR)
