"""Telemetry while it runs.

In: the pipelines that `configure` made. Out: flushes, the shutdown, the books. State: whether it was shut down; the
pipelines own the rest.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from telemetry.config.settings import Settings
from telemetry.pipeline.stats import SignalStats, Stats


class Pipeline(Protocol):
    """What is asked of the pipeline of any signal. Times are of `time.monotonic`."""

    def begin_flush(self) -> int:
        """Have everything exported, without waiting for it."""
        ...

    def finish_flush(self, target: int, deadline: float) -> bool:
        """Wait for what `begin_flush` began; say whether nothing was lost."""
        ...

    def begin_close(self, deadline: float, *, patient: bool) -> None:
        """Take nothing more, and export until `deadline`, without waiting for it.

        Where not `patient`, a collector that is away is not waited for.
        """
        ...

    def finish_close(self, deadline: float) -> bool:
        """Wait for what `begin_close` began, and give up what is left; say whether nothing was lost."""
        ...

    def stats(self) -> SignalStats:
        """Return the books."""
        ...

    def start(self) -> None:
        """Begin to work, once everything is built."""
        ...

    def renew(self) -> None:
        """Begin anew in a forked child, and touch nothing that was inherited."""
        ...

    def begin_again(self) -> None:
        """Take items again where it was closed; do nothing while it runs."""
        ...


class Pull(Protocol):
    """What is asked of who lets metrics be pulled."""

    def start(self) -> None:
        """Begin to serve, once everything is built."""
        ...

    def close(self) -> None:
        """Free the port."""
        ...

    def reopen(self) -> None:
        """Serve again after `close`."""
        ...

    def renew(self) -> None:
        """Begin anew in a forked child, without the parent's port."""
        ...


class Telemetry:
    """What `configure` returns: the way to flush and to end, and the books.

    Every signal has a thread of its own, so all of them flush and end at the same time under one deadline.
    """

    def __init__(
        self,
        settings: Settings,
        pipelines: Mapping[str, Pipeline],
        adopted: frozenset[str] = frozenset(),
        listen: Callable[[Settings], Callable[[], None]] | None = None,
        *,
        pull: Pull | None = None,
        rename: Callable[[Settings], None] | None = None,
    ) -> None:
        self.settings = settings
        self.pull = pull
        self._pipelines = dict(pipelines)
        self._adopted = adopted
        self._listen = listen
        self._rename = rename
        self._at_shutdown = None if listen is None else listen(settings)
        self._lock = threading.Lock()  # guards _ended: only one shutdown runs
        self._ended: bool | None = None

    def flush(self, timeout: float = 5.0) -> bool:
        """Have everything exported that was recorded before, and wait for it at most `timeout` seconds.

        Returns whether all of it was: false where time ran out, or anything was dropped since the flush before.
        """
        deadline = time.monotonic() + timeout
        begun = [(pipeline, pipeline.begin_flush()) for pipeline in self._pipelines.values()]
        outcomes = [pipeline.finish_flush(target, deadline) for pipeline, target in begun]
        return all(outcomes)

    def shutdown(self, timeout: float = 5.0) -> bool:
        """Export what is left within `timeout` seconds, and end; what is recorded later counts as dropped.

        Returns whether all was exported, as `flush` does. A second call changes nothing and returns the same.
        """
        return self._end(timeout, patient=True)

    def exit(self) -> bool:
        """Shut down with the process: within the time set for it, and sooner where the collector is away."""
        return self._end(self.settings.exit_timeout, patient=False)

    def _end(self, timeout: float, *, patient: bool) -> bool:
        with self._lock:
            if self._ended is None:
                if self._at_shutdown is not None:
                    self._at_shutdown()
                if self.pull is not None:
                    self.pull.close()
                deadline = time.monotonic() + timeout
                for pipeline in self._pipelines.values():
                    pipeline.begin_close(deadline, patient=patient)
                outcomes = [pipeline.finish_close(deadline) for pipeline in self._pipelines.values()]
                self._ended = all(outcomes)
            return self._ended

    def rename(self, settings: Settings) -> None:
        """Go on under the names that `settings` give, as a forked child may that has a role of its own."""
        with self._lock:
            self.settings = settings
            if self._rename is not None:
                self._rename(settings)
            if self._at_shutdown is not None and self._listen is not None and self._ended is None:
                self._at_shutdown()
                self._at_shutdown = self._listen(settings)

    def begin_again(self) -> None:
        """Export again after a shutdown, of ours or of the provider. Does nothing while all is running."""
        with self._lock:
            for pipeline in self._pipelines.values():
                pipeline.begin_again()
            if self._ended is None:
                return
            if self._listen is not None:
                self._at_shutdown = self._listen(self.settings)
            if self.pull is not None:
                self.pull.reopen()
            self._ended = None

    @property
    def stats(self) -> Stats:
        """The books as they stand: a frozen snapshot."""
        return Stats(**{name: self._stats_of(name) for name in ("spans", "metrics", "logs")})

    @property
    def pipelines(self) -> Mapping[str, Pipeline]:
        """The pipelines that are ours, by signal."""
        return self._pipelines

    def forked(self) -> None:
        """Make what only one process may hold anew, in a forked child."""
        self._lock = threading.Lock()

    def _stats_of(self, name: str) -> SignalStats:
        pipeline = self._pipelines.get(name)
        return SignalStats(owned=name not in self._adopted) if pipeline is None else pipeline.stats()
