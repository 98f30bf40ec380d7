"""Reports losses: the first one when it happens, and their number when it is over.

In: the counts, looked at on our threads. Out: two lines in the log, at most one such pair a minute. State: what was
reported, owned by one `Losses` for each queue.

A host's thread that finds the queue full only counts: to write a log line there would make it wait.
"""

import logging
import math
import threading
import time

from telemetry.pipeline.stats import Counts

_log = logging.getLogger("search_telemetry.export")
_QUIET = 60.0  # seconds after a report: a queue that overflows now and then makes no more than one in that time


class Losses:
    """The losses of one signal. Arguments: its `name`; `where` its collector listens; `counts`, its statistics."""

    def __init__(self, name: str, where: str, counts: Counts) -> None:
        self._name = name
        self._where = where
        self._counts = counts
        self._lock = threading.Lock()  # guards all below
        self._reported = self.count()  # losses whose end was reported
        self._since: float | None = None  # of time.monotonic: the beginning that was reported, while it lasts
        self._quiet_until = -math.inf  # of time.monotonic
        self._hushed = False

    def count(self) -> int:
        """Return how many items were lost so far, but for those that came after the end."""
        return self._counts.lost("queue_full", "export_failed")

    def look(self) -> None:
        """Report that items are being lost, once until that is over."""
        with self._lock:
            now, lost = time.monotonic(), self.count() - self._reported
            if not lost or self._hushed or self._since is not None or now < self._quiet_until:
                return
            self._since, self._quiet_until = now, now + _QUIET
        _log.warning(
            "%s are being dropped, %d so far: %s refuses them, is away or takes them too slowly; "
            "the number follows at the end",
            self._name,
            lost,
            self._where,
        )

    def over(self, before: int) -> None:
        """Report how many were lost, if they were no more than `before` a request began that has succeeded by now."""
        if before == self.count():
            self._report("%s are not dropped any more: %d were lost within %.1f s")

    def shut_down(self) -> None:
        """Report how many were lost, if that lasts until the shutdown."""
        self._report("%s were dropped until the shutdown: %d were lost within %.1f s")

    def _report(self, words: str) -> None:
        with self._lock:
            if self._since is None:
                return
            lost = self.count()
            seconds, number = time.monotonic() - self._since, lost - self._reported
            self._since, self._reported = None, lost
        _log.warning(words, self._name, number, seconds)

    def hush(self) -> None:
        """Report no further beginning: the process exits."""
        self._hushed = True
