"""How fast a program works: as fast as it can, or at a rate.

In: a rate, or none. Out: `next()` returns when the next operation is due. State: the schedule, shared by the program's
threads and tasks.
"""

import itertools
import threading
import time

_BEHIND = 0.5  # seconds; a program that is further behind begins its schedule anew, instead of hurrying


class Pace:
    """Counts operations and returns when the next one is due."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the schedule
        self._gap = 0.0
        self._due = 0.0
        self._counter = itertools.count()
        self.done = 0

    def at(self, rate: float) -> None:
        """Go on at `rate` operations a second, of all threads together; 0 as fast as they can."""
        with self._lock:
            self._gap = 1 / rate if rate else 0.0
            self._due = time.monotonic()

    def wait_for_next(self) -> float:
        """Count one operation; return the seconds to wait before it."""
        self.done = next(self._counter)
        if not self._gap:
            return 0.0
        with self._lock:
            now = time.monotonic()
            if now - self._due > _BEHIND:
                self._due = now
            wait = max(0.0, self._due - now)
            self._due += self._gap
            return wait
