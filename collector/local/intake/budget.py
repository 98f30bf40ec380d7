"""Bounds what is under way: bytes and exports that were received and are not stored yet.

In: `hold` and `grow` by front ends and decoders, `release` when an export is done. Out: `QueueFullError`.
Owns two counters.
"""

from __future__ import annotations

import threading

from collector.local.errors import QueueFullError
from collector.local.settings import CollectorSettings


class Budget:
    """What may be under way, all exports together."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()  # guards _bytes and _exports
        self._bytes = 0
        self._exports = 0

    def hold(self) -> Hold:
        """Admit one export, of no size yet.

        Raises:
            QueueFullError: too many are under way.
        """
        with self._lock:
            if self._exports >= self._settings.queue_exports:
                raise self._full(
                    f"{self._exports} exports are under way, queue_exports is {self._settings.queue_exports}"
                )
            self._exports += 1
        return Hold(self)

    def under_way(self) -> tuple[int, int]:
        """How many exports are under way, and their bytes."""
        with self._lock:
            return self._exports, self._bytes

    def grow(self, size: int) -> None:
        """Admit bytes; called by a `Hold`."""
        with self._lock:
            if self._bytes + size > self._settings.queue_bytes:
                raise self._full(
                    f"{self._bytes} bytes are under way, {size} more pass queue_bytes, {self._settings.queue_bytes}"
                )
            self._bytes += size

    def release(self, size: int) -> None:
        """Give one export and its bytes back; called by a `Hold`."""
        with self._lock:
            self._bytes -= size
            self._exports -= 1

    def _full(self, why: str) -> QueueFullError:
        return QueueFullError(f"the collector is busy: {why}", "send it again later", self._settings.retry_after_s)


class Hold:
    """The part of the budget that one export holds, from its first byte until it is answered."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.size = 0

    def grow(self, size: int) -> None:
        """Hold `size` bytes more.

        Raises:
            QueueFullError: that would be too much under way; what was held before still is.
        """
        self._budget.grow(size)
        self.size += size

    def release(self) -> None:
        """Give everything back; once."""
        self._budget.release(self.size)
