"""The local collector as one object: store, writer, receiver and its three ports.

In: a path and addresses. Out: a running collector, its real addresses, its store and figures. Owns every thread:
`collector-ingest` (event loop of both OTLP ports), `collector-decode` (two), `collector-writer`, `collector-api`.
"""

from __future__ import annotations

import errno
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from collector.local.budget import Budget
from collector.local.errors import CollectorError
from collector.local.listen import bind, join_address, split_address, taken
from collector.local.loop_thread import LoopThread, serve_http
from collector.local.otlp_grpc import grpc_server
from collector.local.otlp_http import http_app
from collector.local.receiver import Receiver
from collector.local.settings import CollectorSettings
from collector.local.stats import CollectorStats, Counters
from collector.local.store import Store
from collector.local.writer import Writer


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the collector listens, as `HOST:PORT` with the real port; None where it does not."""

    grpc: str | None
    http: str | None
    api: str | None


class LocalCollector:
    """Receives OTLP, stores it, answers queries; in this process, in threads of its own.

    Args:
        store: the DuckDB file, made where missing; None keeps everything in memory.
        grpc: address of OTLP over gRPC, `HOST:PORT`; port 0 takes a free one; None: do not listen.
        http: address of OTLP over HTTP.
        api: address of the query API.
        settings: limits.
    """

    def __init__(
        self,
        store: Path | None,
        grpc: str | None = "127.0.0.1:4317",
        http: str | None = "127.0.0.1:4318",
        api: str | None = "127.0.0.1:4319",
        settings: CollectorSettings | None = None,
    ) -> None:
        self.settings = settings or CollectorSettings()
        self.addresses = Addresses(grpc, http, api)
        self._path = store
        self._store: Store | None = None
        self._counters = Counters()
        self._budget = Budget(self.settings)
        self._threads: list[LoopThread] = []

    @property
    def store(self) -> Store:
        """The open store."""
        if self._store is None:
            raise CollectorError("the collector is not running", "call start() first")
        return self._store

    def stats(self) -> CollectorStats:
        """The figures now: what came in and what became of it."""
        exports, size = self._budget.under_way()
        return CollectorStats(self._counters.snapshot(), exports, size, self._writer.commits, self._writer.problem)

    def start(self) -> Self:
        """Open the store and the ports; when this returns, exports are taken.

        Raises:
            StoreError, PortTakenError, SettingsError: with nothing left open.
        """
        if self._store is not None:
            raise CollectorError("the collector is already running", "call stop() first")
        wanted = self.addresses
        self._store = Store.open(self._path, settings=self.settings)
        self._writer = Writer(self._store, self._counters, self.settings)
        self._receiver = Receiver(self._writer, self._budget, self._counters, self.settings)
        self._writer.start()
        try:
            self._open_ports(wanted)
        except BaseException:
            self.addresses = wanted
            self.stop(timeout_s=5)
            raise
        return self

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Take nothing more, store what was taken, close the file; false when the timeout (seconds) was not enough."""
        if self._store is None:
            return True
        end = time.monotonic() + timeout_s
        self._store.changed.close()
        stopped = [thread.stop(max(0.1, end - time.monotonic())) for thread in self._threads]
        self._threads.clear()
        self._receiver.close()
        stopped.append(self._writer.stop(max(0.1, end - time.monotonic())))
        self._store.close()
        self._store = None
        return all(stopped)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _open_ports(self, wanted: Addresses) -> None:
        with ExitStack() as sockets:  # closes them when one cannot be had
            http = sockets.enter_context(bind(wanted.http, "http")) if wanted.http else None
            api = sockets.enter_context(bind(wanted.api, "api")) if wanted.api else None
            ingest = self._loop_thread("collector-ingest")
            grpc = ingest.run(self._start_grpc(ingest, wanted.grpc)) if wanted.grpc else None
            sockets.pop_all()
        if http:
            ingest.run(serve_http(ingest, http_app(self._receiver, self.settings), http))
        if api:
            from collector.local.api import create_app  # here, since the API is built on this class

            thread = self._loop_thread("collector-api")
            thread.run(serve_http(thread, create_app(self), api))
        self.addresses = Addresses(grpc, _address_of(http), _address_of(api))

    def _loop_thread(self, name: str) -> LoopThread:
        thread = LoopThread(name)
        self._threads.append(thread)
        return thread

    async def _start_grpc(self, ingest: LoopThread, address: str) -> str:
        probe = bind(address, "grpc")  # gRPC itself does not say why a port cannot be had
        host = probe.getsockname()[0]
        probe.close()
        _, port = split_address(address, "grpc")
        server = grpc_server(self._receiver, self.settings)
        try:
            port = server.add_insecure_port(join_address(host, port))
        except RuntimeError as error:
            raise taken(address, "grpc", OSError(errno.EADDRINUSE, str(error))) from error
        await server.start()
        ingest.on_stop(server.stop)
        return join_address(host, port)


def _address_of(listening: socket.socket | None) -> str | None:
    return join_address(*listening.getsockname()[:2]) if listening else None
