"""Limits the exports in progress: bodies that are arriving, and exports that are received and not stored yet.

In: front ends that read a body, on the ingest event loop; `begin` and `grow` by front ends and decoders, `release` when
an export is done. Out: a place with a time limit, so that slow senders do not block others; `QueueFullError`. Owns the
places, and two counters.

A body over gRPC is in memory before its size is known, so arriving bodies may take `receiving_exports` times
`max_request_bytes`. Bodies without a place wait in their connections, by back pressure.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from collector.local.errors import QueueFullError, TooSlowError
from collector.local.settings import CollectorSettings


class Budget:
    """The limit of all exports in progress."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()  # guards _bytes and _exports
        self._bytes = 0
        self._exports = 0

    def begin(self) -> None:
        """Admit one export, of no size yet; called by a `Hold`.

        Raises:
            QueueFullError: too many are in progress.
        """
        with self._lock:
            if self._exports >= self._settings.queue_exports:
                raise self._full(
                    f"{self._exports} exports are in progress, queue_exports is {self._settings.queue_exports}"
                )
            self._exports += 1

    def under_way(self) -> tuple[int, int]:
        """How many exports are in progress, and their bytes."""
        with self._lock:
            return self._exports, self._bytes

    def grow(self, size: int) -> None:
        """Admit bytes; called by a `Hold`."""
        with self._lock:
            if self._bytes + size > self._settings.queue_bytes:
                raise self._full(
                    f"{self._bytes} bytes are in progress, {size} more exceed queue_bytes, {self._settings.queue_bytes}"
                )
            self._bytes += size

    def release(self, size: int) -> None:
        """Release one export and its bytes; called by a `Hold`."""
        with self._lock:
            self._bytes -= size
            self._exports -= 1

    def _full(self, why: str) -> QueueFullError:
        return QueueFullError(f"the collector is busy: {why}", "send it again later", self._settings.retry_after_s)


class Hold:
    """The part of the budget that one export holds, from `begin` until it is answered."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._is_held = False
        self.size = 0

    def begin(self) -> None:
        """Hold an export of no size yet.

        Raises:
            QueueFullError: too many exports are in progress.
        """
        self._budget.begin()
        self._is_held = True

    def grow(self, size: int) -> None:
        """Hold `size` bytes more.

        Raises:
            QueueFullError: that would be too much; what was held before is kept.
        """
        self._budget.grow(size)
        self.size += size

    def release(self) -> None:
        """Release all of it."""
        if self._is_held:
            self._is_held = False
            self._budget.release(self.size)


class Receiving:
    """The places for arriving bodies, on one event loop."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self._free = asyncio.Semaphore(settings.receiving_exports)
        self._arriving: dict[asyncio.Timeout, float] = {}
        """Start of each arrival by the loop's clock, oldest first."""

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place while a body arrives.

        Raises:
            TooSlowError: it took too long, or longer than others could wait.
            QueueFullError: no place became free.
        """
        await self._wait()
        try:
            async with asyncio.timeout(self._settings.read_timeout_s) as limit:
                self._arriving[limit] = asyncio.get_running_loop().time()
                try:
                    yield
                finally:
                    del self._arriving[limit]
        except TimeoutError:
            raise self._too_slow() from None
        finally:
            self._free.release()

    def give_way(self) -> None:
        """Make room for others: refuse the body that has been arriving for longest, if it is slow."""
        now = asyncio.get_running_loop().time()
        for limit, since in self._arriving.items():
            if now - since < self._settings.slow_after_s:
                return  # those behind it are younger
            when = limit.when()
            if when is not None and when > now:  # not yet refused
                limit.reschedule(now)
                return

    async def _wait(self) -> None:
        settings = self._settings
        waited = 0.0
        while waited < settings.read_timeout_s:
            some = min(settings.slow_after_s, settings.read_timeout_s - waited)
            try:
                async with asyncio.timeout(some):
                    await self._free.acquire()
                return
            except TimeoutError:
                waited += some
                self.give_way()
        raise QueueFullError(
            f"the collector is busy: receiving_exports, {settings.receiving_exports}, are arriving",
            "send it again later",
            settings.retry_after_s,
        )

    def _too_slow(self) -> TooSlowError:
        settings = self._settings
        return TooSlowError(
            f"the body did not arrive within read_timeout_s, {settings.read_timeout_s:g} s, "
            f"or, while others waited, slow_after_s, {settings.slow_after_s:g} s",
            "send it faster",
        )
