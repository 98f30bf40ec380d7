"""The local collector as one object: store, writer, receiver and its three ports.

In: a path, addresses and access rules. Out: a running collector with its actual addresses, store and statistics. Owns
all threads: `collector-ingest` (event loop of both OTLP ports), `collector-decode`, `collector-writer`,
`collector-api`, `collector-retention`, `collector-paths` (critical paths of finished traces), and the process of these.
"""

from __future__ import annotations

import errno
import gc
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from collector.analysis.counting import Counting
from collector.analysis.recording import Recorder
from collector.local.api.app import Collector, create_app, error_json
from collector.local.decode.signals import ALL, Signal
from collector.local.errors import CollectorError
from collector.local.intake.export import Export
from collector.local.intake.otlp_grpc import grpc_server
from collector.local.intake.otlp_http import http_app, status_json
from collector.local.intake.receiver import Receiver
from collector.local.intake.receiving import Budget, Receiving
from collector.local.intake.retention import Retention
from collector.local.intake.writer import Writer
from collector.local.net.access import OPEN, Access
from collector.local.net.http_port import serve_http
from collector.local.net.listen import Place, bind, join_address, resolve, taken
from collector.local.net.log_limiter import LogLimiter
from collector.local.net.loop_thread import LoopThread
from collector.local.page.found import find_page
from collector.local.paths.follower import Follower
from collector.local.paths.follower_process import FollowerProcess
from collector.local.paths.own_metrics import OwnMetrics
from collector.local.paths.spans import spans_of
from collector.local.settings import CollectorSettings
from collector.local.stats import CollectorStats, Counters
from collector.local.store.store import Store, StoreSize

PATHS_REST = 2.0
"""Critical paths take at most a third of a core; spans for which that is too little are counted as lost."""


def tune_interpreter() -> None:
    """Set Python up for a process that is a collector and nothing else.

    - It looks for garbage in cycles less often: exports are many small objects without cycles, and looking for these
      takes a quarter of the time of decoding.
    - A thread keeps the interpreter lock for a tenth of the usual 5 ms while another wants it. A question waits for the
      lock some twenty times, each time that DuckDB gives it a result, and the threads that decode rarely let go of it.
    """
    gc.set_threshold(20_000, 20, 20)
    sys.setswitchinterval(0.0005)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the collector listens, as `HOST:PORT` with the actual port; None where it does not listen."""

    grpc: str | None
    http: str | None
    api: str | None


@dataclass(frozen=True, slots=True)
class Places:
    """The same, as resolved."""

    grpc: Place | None
    http: Place | None
    api: Place | None


def find_places(wanted: Addresses, access: Access) -> Places:
    """Resolve the addresses and check that each is allowed.

    Raises:
        SettingsError: one is not an address, or is reachable from other machines without access control.
    """
    places = Places(
        *(resolve(address, option) if address else None
          for option, address in (("grpc", wanted.grpc), ("http", wanted.http), ("api", wanted.api)))
    )  # fmt: skip
    all_places = (place for place in (places.grpc, places.http, places.api) if place)
    access.allow((place.option, place.given, place.ip) for place in all_places)
    return places


class Ports:
    """Opens the ports of a collector; over gRPC it takes `signals`."""

    def __init__(
        self, access: Access, settings: CollectorSettings, limiter: LogLimiter, signals: Sequence[Signal] = ALL
    ) -> None:
        self._access = access
        self._settings = settings
        self._limiter = limiter
        self._signals = signals
        tls = access.tls.context() if access.tls else None
        self._shared: dict[str, Any] = {"settings": settings, "tls": tls, "limiter": self._limiter}

    def open_otlp(self, ingest: LoopThread, receiver: Receiver, places: Places) -> tuple[str | None, str | None]:
        """Listen for OTLP; return the actual addresses of gRPC and HTTP.

        Raises:
            PortTakenError: nothing is left open.
        """
        with ExitStack() as sockets:  # closes HTTP's if gRPC's cannot be opened
            http = sockets.enter_context(bind(places.http)) if places.http else None
            receiving = ingest.run(self._receiving())
            grpc = ingest.run(self._start_grpc(ingest, receiver, receiving, places.grpc)) if places.grpc else None
            sockets.pop_all()
        if http is None:
            return grpc, None
        address = _address_of(http)
        app = http_app(receiver, self._settings, receiving, self._access.origins, self._limiter)
        ingest.run(serve_http(ingest, app, http, **self._shared, error_json=status_json))
        return grpc, address

    def open_api(
        self, thread: LoopThread, collector: Collector, listening: socket.socket, source: str = "collector"
    ) -> str:
        """Answer queries on a bound socket, and serve the page; return its actual address."""
        address = _address_of(listening)
        app = create_app(collector, self._access, find_page(), source)
        thread.run(serve_http(thread, app, listening, **self._shared, error_json=error_json))
        return address

    async def _receiving(self) -> Receiving:
        return Receiving(self._settings)

    async def _start_grpc(self, ingest: LoopThread, receiver: Receiver, receiving: Receiving, place: Place) -> str:
        bind(place).close()  # gRPC does not report why it cannot bind
        server, stop = grpc_server(receiver, self._settings, receiving, self._limiter, self._signals)
        wanted = join_address(place.ip, int(place.where[1]))
        try:
            if self._access.tls:
                port = server.add_secure_port(wanted, self._access.tls.grpc_credentials())
            else:
                port = server.add_insecure_port(wanted)
        except RuntimeError as error:
            raise taken(place.given, place.option, OSError(errno.EADDRINUSE, str(error))) from error
        if not port:
            raise CollectorError(f"gRPC does not listen on {place.given}", "choose another with --grpc HOST:PORT")
        await server.start()
        ingest.on_stop(stop)
        return join_address(place.ip, port)


def _address_of(listening: socket.socket) -> str:
    return join_address(*listening.getsockname()[:2])


class LocalCollector:
    """Receives OTLP, stores it and answers queries, in threads of this process.

    Args:
        store: the DuckDB file, created if missing; None keeps everything in memory.
        grpc: address of OTLP over gRPC, `HOST:PORT`; port 0 takes a free one; None: do not listen.
        http: address of OTLP over HTTP.
        api: address of the query API.
        settings: limits.
        access: tokens and TLS of all three ports; without them, only this machine may call.
        paths_in_process: count critical paths in a process of their own, which leaves the interpreter of this one to
            those that send and ask.
    """

    def __init__(
        self,
        store: Path | None,
        grpc: str | None = "127.0.0.1:4317",
        http: str | None = "127.0.0.1:4318",
        api: str | None = "127.0.0.1:4319",
        settings: CollectorSettings | None = None,
        *,
        access: Access = OPEN,
        paths_in_process: bool = False,
    ) -> None:
        self.access = access
        self._paths_in_process = paths_in_process
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

    @property
    def problem(self) -> str:
        """Why the store cannot write now; empty when it can."""
        return self._writer.problem

    def stats(self) -> CollectorStats:
        """The statistics now."""
        exports, size = self._budget.under_way()
        return CollectorStats(
            signals=self._counters.snapshot(),
            queue_exports=exports,
            queue_bytes=size,
            commits=self._writer.commits,
            store_problem=self.problem,
            store=self._store_size(),
            retention_s=self.settings.retention_s,
            max_store_bytes=self.settings.max_store_bytes,
        )

    def receives(self) -> tuple[str, str]:
        """The addresses of OTLP over gRPC and HTTP; empty where it does not listen."""
        return self.addresses.grpc or "", self.addresses.http or ""

    def suspect(self) -> None:
        """Let the writer read the whole store between two commits; if it is damaged, it is renamed and replaced."""
        self._writer.do(self.store.read_all)

    def start(self) -> Self:
        """Open the store and the ports; when this returns, the collector accepts exports.

        Raises:
            StoreError, PortTakenError, SettingsError: nothing is left open.
        """
        if self._store is not None:
            raise CollectorError("the collector is already running", "call stop() first")
        wanted = self.addresses
        places = find_places(wanted, self.access)
        limiter = LogLimiter()
        ports = Ports(self.access, self.settings, limiter)
        self._store = Store.open_or_start_afresh(self._path, self.settings)
        self._writer = Writer(self._store, self.settings, self._follow)
        own = OwnMetrics(self._store, self._writer.do)
        record = Recorder(own.values).record
        self._follower: Follower | FollowerProcess = (
            FollowerProcess(record, own.report, own.recent_traces)
            if self._paths_in_process
            else Follower(Counting(record), own.report, own.recent_traces(), rest=PATHS_REST)
        )
        self._receiver = Receiver(
            self._writer, self._budget, self._counters, self.settings, access=self.access, limiter=limiter
        )
        self._retention = Retention(self._store, self._writer, self._counters, self.settings)
        self._writer.start()
        self._follower.start()
        self._retention.start()
        try:
            self._open_ports(ports, places)
        except BaseException:
            self.addresses = wanted
            self.stop(timeout_s=5)
            raise
        return self

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Accept nothing more, store what was accepted, close the file; false if the timeout (seconds) was exceeded."""
        if self._store is None:
            return True
        end = time.monotonic() + timeout_s
        self._store.changed.close()
        stopped = [thread.stop(max(0.1, end - time.monotonic())) for thread in self._threads]
        self._threads.clear()
        self._receiver.close()
        stopped.append(self._retention.stop(max(0.1, end - time.monotonic())))
        stopped.append(self._writer.idle(max(0.1, end - time.monotonic())))  # all that was accepted has been followed
        stopped.append(self._follower.stop(max(0.1, end - time.monotonic())))
        stopped.append(self._writer.stop(max(0.1, end - time.monotonic())))
        self._store.close()
        self._store = None
        return all(stopped)

    def _follow(self, export: Export) -> None:
        if export.signal.name == "traces":
            self._follower.take(export.decoded.records, partial(spans_of, export.decoded))

    def _store_size(self) -> StoreSize | None:
        try:
            return self._store.size() if self._store else None
        except duckdb.Error:  # the disk is full, or the file is damaged: see `store_problem`
            return None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _open_ports(self, ports: Ports, places: Places) -> None:
        with ExitStack() as sockets:  # closes the API's if another cannot be opened
            api = sockets.enter_context(bind(places.api)) if places.api else None
            grpc, http = ports.open_otlp(self._loop_thread("collector-ingest"), self._receiver, places)
            sockets.pop_all()
        address = ports.open_api(self._loop_thread("collector-api"), self, api) if api else None
        self.addresses = Addresses(grpc, http, address)

    def _loop_thread(self, name: str) -> LoopThread:
        thread = LoopThread(name)
        self._threads.append(thread)
        return thread
