"""An event loop in its own thread, with servers that are stopped before it ends.

In: coroutines from any thread. Out: their results. Owns the thread, the loop and the list of servers.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
GRACE_S = 2
"""Seconds that a request may take at shutdown: long enough for a commit, not for a sender that stopped sending."""

Stopper = Callable[[float], Awaitable[None]]


class LoopThread:
    """Runs until `stop`."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._stoppers: list[Stopper] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Result], timeout_s: float | None = None) -> Result:
        """Run a coroutine on the loop from another thread; return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)

    def on_stop(self, stopper: Stopper) -> None:
        """Call `stopper(seconds)` before the loop ends; it waits that long at most for requests in progress."""
        self._stoppers.append(stopper)

    def stop(self, timeout_s: float) -> bool:
        """Stop all servers at once, then the loop; false if the timeout (seconds) was exceeded."""
        clean = True
        try:
            self.run(self._stop_servers(timeout_s), timeout_s + 1)
        except TimeoutError:
            clean = False
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(1)
        if not self._thread.is_alive():
            self._loop.close()
        return clean

    async def _stop_servers(self, timeout_s: float) -> None:
        await asyncio.gather(*(stopper(timeout_s) for stopper in self._stoppers))
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
