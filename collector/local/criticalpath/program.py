"""The program `telemetry criticalpath` as one object.

In: spans by OTLP over gRPC, received and decoded as by the local collector. Out: metrics by OTLP, exported by the
library. State: the traces that wait. Owns the threads `criticalpath-ingest`, `collector-decode` and `collector-paths`.

An export is acknowledged once it is in the queue. If that is full the sender is asked to retry, so that a Collector
keeps in its own queue what comes too fast.
"""

from __future__ import annotations

import time
from functools import partial
from types import TracebackType
from typing import Self

from collector.analysis.counting import Counting
from collector.analysis.recording import Recorder
from collector.local.decode.signals import BY_PATH
from collector.local.errors import CollectorError, QueueFullError
from collector.local.intake.export import Export
from collector.local.intake.receiver import Receiver
from collector.local.intake.receiving import Budget
from collector.local.net.access import Access
from collector.local.net.listen import bind
from collector.local.net.log_limiter import LogLimiter
from collector.local.net.loop_thread import LoopThread
from collector.local.paths.follower import Follower
from collector.local.paths.spans import spans_of
from collector.local.server import Addresses, Ports, find_places
from collector.local.settings import CollectorSettings
from collector.local.stats import Counters
from telemetry.recording.metrics.own_metrics import OwnMetrics

SIGNALS = (BY_PATH["/v1/traces"],)


def require_free(grpc: str, access: Access) -> None:
    """Check that a program can listen on an address, before anything is started.

    Raises:
        PortTakenError, SettingsError: it cannot.
    """
    place = find_places(Addresses(grpc, None, None), access).grpc
    if place is not None:
        bind(place).close()


class CriticalPathProgram:
    """Counts critical paths of the traces that it is sent.

    Args:
        grpc: address of OTLP over gRPC, `HOST:PORT`; port 0 takes a free one.
        own: takes the metrics; somebody exports them.
        access: who may send; by default, only this machine.
    """

    def __init__(self, grpc: str, own: OwnMetrics, access: Access) -> None:
        self.address = grpc
        self.counting = Counting(Recorder(own).record)
        self._access = access
        self._settings = CollectorSettings()
        self._follower = Follower(self.counting)
        self._threads: list[LoopThread] = []
        self._receiver: Receiver | None = None

    def start(self) -> Self:
        """Open the port; when this returns, spans are accepted.

        Raises:
            PortTakenError, SettingsError: nothing is left open.
        """
        if self._receiver is not None:
            raise CollectorError("the program is already running", "start it once")
        places = find_places(Addresses(self.address, None, None), self._access)
        limiter = LogLimiter()
        self._receiver = Receiver(
            self, Budget(self._settings), Counters(), self._settings, access=self._access, limiter=limiter
        )
        self._follower.start()
        thread = LoopThread("criticalpath-ingest")
        self._threads.append(thread)
        try:
            ports = Ports(self._access, self._settings, limiter, SIGNALS)
            address, _ = ports.open_otlp(thread, self._receiver, places)
        except BaseException:
            self.stop(timeout_s=5)
            raise
        self.address = str(address)
        return self

    def expect(self, export: Export) -> None:
        """Nothing waits for exports here."""

    def put(self, export: Export) -> None:
        """Take a decoded export, and answer its sender; called by the receiver."""
        if self._follower.offer(export.decoded.records, partial(spans_of, export.decoded)):
            export.accept()
        else:
            why = "spans arrive faster than they are analysed"
            export.refuse(QueueFullError(why, "exporters retry by themselves", self._settings.retry_after_s))

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Accept nothing more, count what is complete, and end; false if the timeout (seconds) was exceeded."""
        if self._receiver is None:
            return True
        end = time.monotonic() + timeout_s
        stopped = [thread.stop(max(0.1, end - time.monotonic())) for thread in self._threads]
        self._threads.clear()
        self._receiver.close()
        stopped.append(self._follower.stop(max(0.1, end - time.monotonic())))
        self._receiver = None
        return all(stopped)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
