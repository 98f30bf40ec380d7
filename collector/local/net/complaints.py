"""Says what strangers do wrong, at most once a minute for each kind: a log that anyone could flood helps nobody.

In: kinds and messages, from any thread. Out: log lines. Owns when each kind was told last, and how many were not told.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

EVERY_S = 60.0
_log = logging.getLogger("collector.local")


class Complaints:
    """What the ports tell the person who runs the collector."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, write: Callable[[str], object] = _log.warning
    ) -> None:
        self._clock = clock
        self._write = write
        self._lock = threading.Lock()  # guards _told and _untold
        self._told: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def tell(self, kind: str, message: str) -> None:
        """Log `message`, unless its `kind`, one of a fixed few, was logged within the last minute: then count it."""
        with self._lock:
            now = self._clock()
            if kind in self._told and now - self._told[kind] < EVERY_S:
                self._untold[kind] = self._untold.get(kind, 0) + 1
                return
            self._told[kind] = now
            untold = self._untold.pop(kind, 0)
        more = f" ({untold} more like it since the last such line)" if untold else ""
        self._write(f"{message}{more}")
