"""One HTTP port: accepts connections within limits, with TLS or without, and serves an ASGI application.

In: a bound socket, an application. Out: its responses. Owns the connections, on the loop of one `LoopThread`.

uvicorn implements HTTP. This module adds what uvicorn leaves to a reverse proxy: a limit of connections, timeouts for
the TLS handshake and for the head of a request, and a clear error for plain text sent to a TLS port, TLS sent to a
plain port, and anything that is not HTTP.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from collector.local.net.listen import join_address
from collector.local.net.log_limiter import HANDSHAKE_FAILED, LogLimiter
from collector.local.net.loop_thread import GRACE_S, LoopThread
from collector.local.settings import CollectorSettings
from telemetry.otlp.tls_reasons import client_problem

ErrorJson = Callable[[int, str, str, str], dict[str, Any]]
"""Makes the application's JSON of an error from HTTP status, code, message and hint."""

TLS_HELLO = b"\x16"
"""The first byte of a TLS connection (RFC 8446, section 5.1): the type of the record, a handshake."""
PLAIN_TO_TLS = "this port speaks TLS, and was called in plain text"
NOT_HTTP = "this is not an HTTP request, or its head is larger than max_header_bytes, {}"


async def serve_http(
    thread: LoopThread,
    app: Any,
    listening: socket.socket,
    *,
    settings: CollectorSettings,
    error_json: ErrorJson,
    tls: ssl.SSLContext | None,
    limiter: LogLimiter,
) -> None:
    """Serve an ASGI application on a bound socket, on the loop of `thread`, until the thread is stopped."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=int(settings.idle_timeout_s) or 1,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=settings.max_header_bytes,
    )
    server = _Server(config, listening, settings=settings, error_json=error_json, tls=tls, limiter=limiter)
    serving = asyncio.ensure_future(server.serve())

    async def stop(timeout_s: float) -> None:
        server.should_exit = True
        await asyncio.wait([serving], timeout=timeout_s)
        for connection in list(server.server_state.connections):
            connection.transport.close()

    thread.on_stop(stop)


class _Server(uvicorn.Server):
    """uvicorn's server, with an acceptor of connections of our own."""

    def __init__(
        self,
        config: uvicorn.Config,
        listening: socket.socket,
        *,
        settings: CollectorSettings,
        error_json: ErrorJson,
        tls: ssl.SSLContext | None,
        limiter: LogLimiter,
    ) -> None:
        super().__init__(config)
        self.listening = listening
        self.settings = settings
        self.error_json = error_json
        self.tls = tls
        self.limiter = limiter
        self.name = join_address(*listening.getsockname()[:2])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        del sockets
        acceptor = _Acceptor(self)
        acceptor.open()
        self.servers = [acceptor]  # type: ignore[list-item]  # it is closed and awaited as asyncio's servers are
        self.started = True

    def error(self, status: int, code: str, message: str, hint: str) -> bytes:
        """An error as a complete HTTP response, for a connection whose request cannot be parsed."""
        body = json.dumps(self.error_json(status, code, message, hint)).encode()
        head = f"HTTP/1.1 {status} Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"
        return head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class _Acceptor:
    """Accepts connections and creates a protocol for each."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._accepting: asyncio.Task[None] | None = None
        self._handshakes: dict[asyncio.Task[None], socket.socket] = {}  # oldest first

    def open(self) -> None:
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        for task in (self._accepting, *self._handshakes):
            if task is not None:
                task.cancel()
        self._server.listening.close()

    async def wait_closed(self) -> None:
        tasks = [task for task in (self._accepting, *self._handshakes) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self) -> None:
        while True:
            try:
                connection, _ = await self._loop.sock_accept(self._server.listening)
            except OSError as error:  # out of file descriptors, or the caller has already left
                self._server.limiter.warn("accept", f"cannot accept connections on {self._server.name}: {error}")
                await asyncio.sleep(0.1)
                continue
            connection.setblocking(False)
            if not self._make_room():
                connection.close()
                continue
            task = self._loop.create_task(self._shake_hands(connection))
            self._handshakes[task] = connection
            task.add_done_callback(self._end_handshake)

    def _end_handshake(self, task: asyncio.Task[None]) -> None:
        connection = self._handshakes.pop(task)
        if task.cancelled():  # perhaps before its first step, so that it did not close the connection
            connection.close()

    def _make_room(self) -> bool:
        """If there are too many, close the one that has been idle for longest; false if all are busy."""
        limit = self._server.settings.max_connections
        connections = [c for c in self._server.server_state.connections if not c.transport.is_closing()]
        # A task that is done has made one of `connections`; the accepting task may run before its callback.
        handshakes = [task for task in self._handshakes if not task.done() and not task.cancelling()]
        if len(connections) + len(handshakes) < limit:
            return True
        message = f"{self._server.name} has max_connections, {limit}, open: idle ones are closed for new ones"
        self._server.limiter.warn("connections", message)
        idle = [c for c in connections if isinstance(c, _Protocol) and c.is_idle]
        if idle:
            min(idle, key=lambda connection: connection.since).transport.abort()
        elif handshakes:
            handshakes[0].cancel()
        return bool(idle or handshakes)

    async def _shake_hands(self, connection: socket.socket) -> None:
        server = self._server
        try:
            async with asyncio.timeout(server.settings.handshake_timeout_s):
                if server.tls is not None and await self._first_byte(connection) not in {TLS_HELLO, b""}:
                    server.limiter.warn("plain", f"{server.name}: {PLAIN_TO_TLS}; callers must use https://")
                    await self._refuse(connection)
                    return
                await self._loop.connect_accepted_socket(self._protocol, connection, ssl=server.tls)
        except ssl.SSLError as error:
            server.limiter.warn(
                "tls", f"{server.name}: {HANDSHAKE_FAILED}: {client_problem(error.reason or str(error))}"
            )
        except (OSError, TimeoutError):
            connection.close()
        except BaseException:
            connection.close()
            raise

    def _protocol(self) -> _Protocol:
        return _Protocol(self._server)

    async def _first_byte(self, connection: socket.socket) -> bytes:
        """The first byte that the caller sends; it is not consumed."""
        readable: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(connection, _set, readable)
        try:
            await readable
        finally:
            self._loop.remove_reader(connection)
        return connection.recv(1, socket.MSG_PEEK)

    async def _refuse(self, connection: socket.socket) -> None:
        """Respond in plain text, which the caller understands."""
        text = self._server.error(400, "tls_required", PLAIN_TO_TLS, "use https://")
        with connection:
            connection.recv(65_536)  # else closing resets the connection, and the response is lost
            await self._loop.sock_sendall(connection, text)
            connection.shutdown(socket.SHUT_WR)
            await self._loop.sock_recv(connection, 65_536)


class _Protocol(H11Protocol):
    """uvicorn's HTTP protocol, with a timeout for the head of a request, and errors in the application's shape."""

    def __init__(self, server: _Server) -> None:
        super().__init__(server.config, server.server_state, {})
        self._port = server
        self._head_limit: asyncio.TimerHandle | None = None
        self._is_new = True
        self.since = self.loop.time()
        """The time since which it has been idle."""

    @property
    def is_idle(self) -> bool:
        """Whether no request is in progress."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_new and data[:1] == TLS_HELLO and self.scheme == "http":
            message = f"{self._port.name} speaks plain text, and was called with TLS; callers must use http://"
            self._port.limiter.warn("not_tls", message)
            # In plain text: the caller's TLS then reports "wrong version number" instead of a lost connection.
            self.transport.write(self._port.error(400, "not_tls", "this port speaks plain text", "use http://"))
            self.transport.close()
            return
        self._is_new = False
        super().data_received(data)
        if self.is_idle:
            self._await_head()
        else:
            self._have_head()

    def on_response_complete(self) -> None:
        self.since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """What was received is not HTTP."""
        del msg
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE} and self.is_idle:
            text = NOT_HTTP.format(self._port.settings.max_header_bytes)
            self.transport.write(self._port.error(400, "bad_request", text, "send HTTP/1.1"))
        self.transport.close()

    def _await_head(self) -> None:
        if self._head_limit is None:
            self._head_limit = self.loop.call_later(self._port.settings.header_timeout_s, self._give_up)

    def _have_head(self) -> None:
        if self._head_limit is not None:
            self._head_limit.cancel()
            self._head_limit = None

    def _give_up(self) -> None:
        """The head of a request did not arrive in time."""
        limit = self._port.settings.header_timeout_s
        if self.cycle is None and not self.transport.is_closing() and self.conn.trailing_data[0]:
            text = f"the head of the request did not arrive within header_timeout_s, {limit:g} s"
            self.transport.write(self._port.error(408, "too_slow", text, "send it faster"))
        self.transport.close()


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
