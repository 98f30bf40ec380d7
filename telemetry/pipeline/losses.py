"""Logs losses: when the first item is dropped, and the total when no more are.

In: the counts, read on our threads. Out: two log lines, at most one pair a minute. State: what was logged, owned by one
`Losses` per queue.

A host's thread that finds the queue full only counts the loss: writing a log line would make it wait.
"""

import logging
import math
import threading
import time

from telemetry.pipeline.stats import Counts

_log = logging.getLogger("search_telemetry.export")
_INTERVAL = 60.0  # seconds between two reports


class Losses:
    """The losses of one signal. Arguments: its `name`; `where`, the collector's address; `counts` of the signal."""

    def __init__(self, name: str, where: str, counts: Counts) -> None:
        self._name = name
        self._where = where
        self._counts = counts
        self._lock = threading.Lock()  # guards all below
        self._reported = self.count()  # losses whose end has been logged
        self._since: float | None = None  # by time.monotonic: when the current losses were first logged
        self._next_report = -math.inf  # by time.monotonic
        self._silenced = False

    def count(self) -> int:
        """Return how many items were lost so far, without those recorded after the shutdown."""
        return self._counts.lost("queue_full", "export_failed")

    def check(self) -> None:
        """Log that items are being lost, once until it stops."""
        with self._lock:
            now, lost = time.monotonic(), self.count() - self._reported
            if not lost or self._silenced or self._since is not None or now < self._next_report:
                return
            self._since, self._next_report = now, now + _INTERVAL
        _log.warning(
            "%s are being dropped, %d so far: %s rejects them, is unavailable or too slow; "
            "the total will be logged when it stops",
            self._name,
            lost,
            self._where,
        )

    def over(self, before: int) -> None:
        """Log the total if nothing was lost since a count of `before`, taken before a request that has succeeded."""
        if before == self.count():
            self._report("%s are no longer dropped: %d were lost within %.1f s")

    def shut_down(self) -> None:
        """Log the total if items were still being lost at the shutdown."""
        self._report("%s were dropped until the shutdown: %d were lost within %.1f s")

    def _report(self, message: str) -> None:
        with self._lock:
            if self._since is None:
                return
            lost = self.count()
            seconds, number = time.monotonic() - self._since, lost - self._reported
            self._since, self._reported = None, lost
        _log.warning(message, self._name, number, seconds)

    def silence(self) -> None:
        """Log no new losses: the process exits."""
        self._silenced = True
