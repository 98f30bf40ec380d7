"""Spans that wait for the thread of a follower.

In: the spans of exports, from any thread, which never waits. Out: the same spans, on the follower's thread. State:
those that wait, a bounded number, and how many found no room.
"""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from collector.analysis.seen import Seen

MOST_SPANS: Final = 20_000
"""Spans in exports that wait to be looked at; about 2 KB each."""
Read = Callable[[], Mapping[str, Sequence[Seen]]]
"""Reads the spans of an export, by trace."""


class SpanQueue:
    """A bounded queue of exports, counted by their spans."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[int, Read] | None] = queue.SimpleQueue()
        self._queued = 0
        self._lost = 0
        self._lock = threading.Lock()  # guards the two above

    def offer(self, records: int, read: Read) -> bool:
        """Hand over so many spans, which are read on the thread; False if the queue is full. Returns at once."""
        with self._lock:
            if self._queued and self._queued + records > MOST_SPANS:
                return False
            self._queued += records
        self._queue.put((records, read))
        return True

    def take(self, records: int, read: Read) -> None:
        """Hand over so many spans, which are lost and counted if the queue is full. Returns at once."""
        if not self.offer(records, read):
            self.lose(records)

    def lose(self, records: int) -> None:
        """Count so many spans that were not handed over."""
        with self._lock:
            self._lost += records

    def _end(self) -> None:
        """Let `_next` return None once all is taken out."""
        self._queue.put(None)

    def _next(self, timeout_s: float | None = None) -> tuple[int, Read] | None:
        """Wait for an export and take it out; None at the end. Raises `queue.Empty` after the timeout."""
        item = self._queue.get(timeout=timeout_s)
        if item is not None:
            with self._lock:
                self._queued -= item[0]
        return item

    def _take_lost(self) -> int:
        """Return how many spans were lost since the last call."""
        with self._lock:
            lost, self._lost = self._lost, 0
        return lost
