"""`Telemetry`, which `configure` returns: flush, shutdown and statistics.

In: the pipelines that `configure` made. Out: flushes, the shutdown, the statistics. State: whether it was shut down;
the pipelines own the rest.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from telemetry.config.settings import Settings
from telemetry.pipeline.stats import SignalStats, Stats
from telemetry.setup.added import Added


class Pipeline(Protocol):
    """The pipeline of a signal. Deadlines are times of `time.monotonic`."""

    def begin_flush(self) -> int:
        """Start to export everything, without waiting for it."""
        ...

    def finish_flush(self, target: int, deadline: float) -> bool:
        """Wait for the flush that `begin_flush` started; return whether nothing was lost."""
        ...

    def begin_close(self, deadline: float, *, patient: bool) -> None:
        """Accept no more items, and start to export the rest until `deadline`, without waiting for it.

        Unless `patient`, an unavailable collector is not waited for.
        """
        ...

    def finish_close(self, deadline: float) -> bool:
        """Wait for the close that `begin_close` started, and drop what is left; return whether nothing was lost."""
        ...

    def stats(self) -> SignalStats:
        """Return the statistics."""
        ...

    def start(self) -> None:
        """Start to work, after everything is built."""
        ...

    def renew(self) -> None:
        """Start again in a forked child, without using anything inherited."""
        ...

    def begin_again(self) -> None:
        """Accept items again after a close; do nothing while it runs."""
        ...


class Pull(Protocol):
    """The server of metrics for scraping."""

    def start(self) -> None:
        """Start to serve, after everything is built."""
        ...

    def close(self) -> None:
        """Free the port."""
        ...

    def reopen(self) -> None:
        """Serve again after `close`."""
        ...

    def renew(self) -> None:
        """Start again in a forked child, without the parent's port."""
        ...


class Telemetry:
    """The running telemetry of a process: flush it, shut it down, read its statistics.

    Each signal has its own thread, so all flush and shut down at the same time under one deadline.
    """

    def __init__(
        self,
        settings: Settings,
        pipelines: Mapping[str, Pipeline],
        adopted: frozenset[str] = frozenset(),
        attach_handlers: Callable[[Settings], Callable[[], None]] = lambda _: lambda: None,
        *,
        pull: Pull | None = None,
        rename: Callable[[Settings], None] = lambda _: None,
        added: Added | None = None,
    ) -> None:
        self.settings = settings
        self.pull = pull
        self._pipelines = dict(pipelines)
        self._adopted = adopted
        self._attach_handlers = attach_handlers
        self._rename = rename
        self._added = added or Added()
        self._detach_handlers = attach_handlers(settings)
        self._lock = threading.Lock()  # guards _ended: only one shutdown runs
        self._ended: bool | None = None

    def flush(self, timeout: float = 5.0) -> bool:
        """Export everything recorded so far, and wait for it at most `timeout` seconds.

        Processors and readers that other code added to our providers are flushed too.

        Returns whether all was exported: false if the time ran out, or if items were dropped since the last flush.
        """
        deadline = time.monotonic() + timeout
        begun = [(pipeline, pipeline.begin_flush()) for pipeline in self._pipelines.values()]
        finish_added = self._added.begin_flush(deadline)
        outcomes = [pipeline.finish_flush(target, deadline) for pipeline, target in begun]
        return finish_added() and all(outcomes)

    def shutdown(self, timeout: float = 5.0) -> bool:
        """Export the rest within `timeout` seconds, and stop; items recorded later count as dropped.

        Returns whether all was exported, as `flush` does. A second call does nothing, and returns the same.
        """
        finish_added = self._added.begin_flush(time.monotonic() + timeout)  # they may be needed again
        ended = self._end(timeout, patient=True)
        return finish_added() and ended

    def exit(self) -> bool:
        """Shut down at exit: within `exit_timeout`, and sooner if the collector is unavailable."""
        finish_added = self._added.begin_shutdown(time.monotonic() + self.settings.exit_timeout)
        ended = self._end(self.settings.exit_timeout, patient=False)
        return finish_added() and ended

    def _end(self, timeout: float, *, patient: bool) -> bool:
        with self._lock:
            if self._ended is None:
                self._detach_handlers()
                if self.pull is not None:
                    self.pull.close()
                deadline = time.monotonic() + timeout
                for pipeline in self._pipelines.values():
                    pipeline.begin_close(deadline, patient=patient)
                outcomes = [pipeline.finish_close(deadline) for pipeline in self._pipelines.values()]
                self._ended = all(outcomes)
            return self._ended

    def rename(self, settings: Settings) -> None:
        """Take the service's name and its like from `settings`: a forked child may have a role of its own."""
        with self._lock:
            self.settings = settings
            self._rename(settings)
            if self._ended is None:
                self._detach_handlers()
                self._detach_handlers = self._attach_handlers(settings)

    def begin_again(self) -> None:
        """Export again after a shutdown of ours or of the provider; do nothing while all runs."""
        with self._lock:
            for pipeline in self._pipelines.values():
                pipeline.begin_again()
            if self._ended is None:
                return
            self._detach_handlers = self._attach_handlers(self.settings)
            if self.pull is not None:
                self.pull.reopen()
            self._ended = None

    @property
    def stats(self) -> Stats:
        """The current statistics: a frozen snapshot."""
        return Stats(**{name: self._stats_of(name) for name in ("spans", "metrics", "logs")})

    @property
    def pipelines(self) -> Mapping[str, Pipeline]:
        """Our pipelines, by signal."""
        return self._pipelines

    def renew(self) -> None:
        """Start again in a forked child, without using anything inherited: a thread of the parent may hold the lock."""
        self._lock = threading.Lock()
        for pipeline in self._pipelines.values():
            pipeline.renew()
        if self.pull is not None:
            self.pull.renew()

    def _stats_of(self, name: str) -> SignalStats:
        pipeline = self._pipelines.get(name)
        return SignalStats(owned=name not in self._adopted) if pipeline is None else pipeline.stats()
