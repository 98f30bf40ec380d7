"""Bytes to and from a collector: over TCP or a socket file, through a proxy, by TLS.

In: bytes to send, from the one thread that sends. Out: bytes that came. State: one socket, owned by one `Wire` for each
connection; OpenSSL's, owned by its `Tls`.

The socket never blocks. All waiting is in `_wait`, for a moment at a time, so that a deadline holds for everything
together, and any thread may interrupt it. A forked child closes its copy of the socket and sends nothing on it: whoever
uses a connection up shuts it down, which the copies in children cannot keep from reaching the collector.

TLS works in memory, since OpenSSL must not touch the socket: its write would end a host that lets SIGPIPE end it, and
the child of a fork would have to be kept from closing TLS on its parent's connection.
"""

import contextlib
import encodings.idna  # noqa: F401  Python imports it for its first name: not then, when a fork may come in the middle
import errno
import os
import select
import socket
import ssl
import time
import weakref
from typing import Any

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.outcome import CallError, HungUpError
from telemetry.otlp.target import Proxy, Target, address
from telemetry.recording.fork import Rank, in_child

_PIECE = 65536  # bytes taken at once


class Tls:
    """The client's side, which expects the certificate of `host`, and says that it `speaks` h2 or http/1.1."""

    def __init__(self, settings: ExporterSettings, host: str, speaks: str) -> None:
        self.agreed = False
        self.ended = False  # the other side has said goodbye
        self._from_socket, self._to_socket = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = _context(settings, speaks).wrap_bio(self._from_socket, self._to_socket, server_hostname=host)

    def shake_hands(self, came: bytes) -> bytes:
        """Go on with the handshake; return what to send. Raises `ssl.SSLError`."""
        self._from_socket.write(came)
        try:
            self._object.do_handshake()
            self.agreed = True
        except ssl.SSLWantReadError:
            pass
        return self._to_socket.read()

    def encrypt(self, data: bytes) -> bytes:
        """Return what to send for `data`."""
        if data:
            self._object.write(data)
        return self._to_socket.read()

    def decrypt(self, came: bytes) -> bytes:
        """Return what was meant by what came, as far as it is whole. Raises `ssl.SSLError`."""
        self._from_socket.write(came)
        plain = bytearray()
        try:
            while piece := self._object.read(_PIECE):
                plain += piece
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return bytes(plain)


def _context(settings: ExporterSettings, speaks: str) -> ssl.SSLContext:
    """Read the certificates, anew for each connection: they may have been renewed."""
    path = settings.certificate
    try:
        is_folder = path is not None and path.is_dir()
        context = ssl.create_default_context(cafile=None if is_folder else path, capath=path if is_folder else None)
        path = settings.client_certificate
        if path is not None:
            context.load_cert_chain(path, settings.client_key, password="")  # never asked for on a terminal
    except OSError as error:
        raise CallError(f"the PEM file {path or 'of the system'} cannot be used: {error}") from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13 refuses many a private authority for its form
    context.set_alpn_protocols([speaks])
    return context


_MOMENT = 0.1  # seconds
_LONGEST_HEAD = 16384  # bytes of a proxy's answer
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)  # a host may die of SIGPIPE, as a command in a pipe should


class Wire:
    """A connection's bytes. `deadline` is of `time.monotonic`, `awaited` what to say was awaited when it passes."""

    def __init__(self) -> None:
        self.deadline = 0.0
        self.awaited = "a connection"
        self._socket: socket.socket | None = None
        self._tls: list[Tls] = []  # the proxy's first, where it speaks TLS, and inside of it the collector's
        self._outgoing = bytearray()
        self._early = b""  # came with a proxy's answer, after it
        self._hung_up = ""  # why nothing comes any more
        self._broken_off = False
        _wires.add(self)

    def open(self, target: Target, proxy: Proxy | None, settings: ExporterSettings) -> None:
        """Connect. Raises `CallError`, `OSError`."""
        if target.file:
            self._connect(socket.AF_UNIX, target.file, self.deadline)
        elif proxy is not None:
            self._connect_by_name(proxy.host, proxy.port)
            if proxy.tls:
                self._shake_hands(Tls(settings, proxy.host, "http/1.1"), address(proxy.host, proxy.port))
            if proxy.tunnels:
                self._tunnel(target, proxy)
        else:
            self._connect_by_name(target.host, target.port)
        if target.tls:
            self._shake_hands(Tls(settings, target.host, target.speaks), target.name)

    @property
    def speaks_tls(self) -> bool:
        """Whether TLS was agreed on."""
        return bool(self._tls)

    @property
    def backlog(self) -> int:
        """How many bytes are still to be sent."""
        return len(self._outgoing)

    def put(self, data: bytes) -> None:
        """Have `data` sent by the next exchanges."""
        for tls in reversed(self._tls):
            data = tls.encrypt(data)
        self._outgoing += data

    def send(self) -> int:
        """Send what the socket takes. Where the other side has hung up, what it said before is still to be read."""
        if not self._outgoing:
            return 0
        try:
            sent = self._held().send(self._outgoing, _NO_SIGNAL)
        except BlockingIOError:
            return 0
        except OSError:
            sent = len(self._outgoing)
        del self._outgoing[:sent]
        return sent

    def exchange(self) -> bytes:
        """Send what can be sent and return what has come, perhaps nothing; wait a moment where neither is possible."""
        sent = self.send()
        came = self.arrived()
        if not came and not sent:
            self._wait(select.POLLIN | (select.POLLOUT if self._outgoing else 0))
        return came

    def arrived(self) -> bytes:
        """Return what has come, without waiting. Raises `HungUpError` where nothing will come any more."""
        self._check()
        came = bytearray(self._decrypted(b""))  # the handshake may have left some
        while len(came) < _PIECE and (data := self._receive()):
            came += self._decrypted(data)
        if self._hung_up and not came:
            raise HungUpError(self._hung_up)
        return bytes(came)

    def break_off(self) -> None:
        """End whatever is going on, from any thread."""
        self._broken_off = True
        if self._socket is not None:
            _shut_down(self._socket)

    def close(self) -> None:
        """Close the connection, on the thread that uses it."""
        held, self._socket = self._socket, None
        if held is not None:
            _shut_down(held)
            held.close()

    def abandon(self) -> None:
        """Let go of a connection that is a parent's."""
        self._broken_off = True
        if self._socket is not None:
            self._socket.close()

    def _connect_by_name(self, host: str, port: int) -> None:
        """Try the addresses of a name one after the other, and leave time for all of them."""
        self.awaited = f"a connection to {address(host, port)}"
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise CallError(f"the name {host} is not known here ({error})") from None
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
                    raise TimeoutError(errno.ETIMEDOUT, "no connection in time")
            code = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))

    def _tunnel(self, target: Target, proxy: Proxy) -> None:
        where = address(proxy.host, proxy.port)
        self.awaited = f"a tunnel through the proxy {where}"
        credentials = f"Proxy-Authorization: {proxy.credentials}\r\n" if proxy.credentials else ""
        self.put(f"CONNECT {target.name} HTTP/1.1\r\nHost: {target.name}\r\n{credentials}\r\n".encode())
        head, end = b"", b""
        while not end:
            head += self.exchange()
            if len(head) > _LONGEST_HEAD:
                raise CallError(f"the proxy {where} answers, but not as a proxy does")
            told, end, self._early = head.partition(b"\r\n\r\n")
        status = told.partition(b"\r\n")[0].decode("latin-1")
        if not status.startswith("HTTP/1.") or status.split(" ")[1:2] != ["200"]:
            raise CallError(f"the proxy {where} opens no tunnel to {target.name}: {status[:100]}")

    def _shake_hands(self, tls: Tls, name: str) -> None:
        self.awaited = f"a TLS handshake with {name}"
        came = b""
        try:
            while not tls.agreed:
                self.put(tls.shake_hands(came))
                came = b"" if tls.agreed else self.exchange()
        except HungUpError as error:
            raise CallError(f"{error} in the TLS handshake") from None
        except ssl.SSLError:
            self.put(tls.encrypt(b""))  # the alert, by which the other side's log knows who would not go on
            self.send()
            raise
        self._tls.append(tls)

    def _wait(self, events: int) -> bool:
        """Wait for the socket for a moment; say whether it is ready."""
        self._check()
        polled = select.poll()
        polled.register(self._held(), events)
        left = min(_MOMENT, self.deadline - time.monotonic())
        return bool(polled.poll(max(0.0, left) * 1000))

    def _check(self) -> None:
        if self._broken_off:
            raise CallError("broken off", "CANCELLED")
        if time.monotonic() >= self.deadline:
            raise CallError(f"waited in vain for {self.awaited}", "DEADLINE_EXCEEDED")

    def _held(self) -> socket.socket:
        if self._socket is None:
            raise HungUpError("the connection is closed")
        return self._socket

    def _receive(self) -> bytes:
        """Return what the socket has, or nothing."""
        early, self._early = self._early, b""
        if early or self._hung_up:
            return early
        try:
            data = self._held().recv(_PIECE)
        except BlockingIOError:
            return b""
        except OSError as error:
            data, self._hung_up = b"", error.strerror or str(error)
        if not data:
            self._hung_up = self._hung_up or "it hung up"
        return data

    def _decrypted(self, data: bytes) -> bytes:
        for tls in self._tls:
            data = tls.decrypt(data)
            if tls.ended:
                self._hung_up = "it hung up"
        self.put(b"")  # TLS's own affairs, such as new keys
        return data


_wires: "weakref.WeakSet[Wire]" = weakref.WeakSet()


def _abandon_all() -> None:
    for wire in tuple(_wires):
        wire.abandon()
    _wires.clear()


in_child(Rank.CONNECTIONS, _abandon_all)


def _shut_down(held: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is not connected any more, or not yet
        held.shutdown(socket.SHUT_RDWR)
