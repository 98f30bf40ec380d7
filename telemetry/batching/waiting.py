"""The items that wait for a batch, first come, first served.

In: calls. Out: parts of them, enough for one batch. State: the queue, owned by one batcher, which guards it;
it holds at most `max_queue` items.

A call with more items than a batch has room for is taken in parts: batches are full, and it ends no later than if it
had waited for a batch of its own.
"""

from collections import deque
from typing import NamedTuple

from telemetry.batching.call import Call
from telemetry.batching.errors import BatcherClosed, QueueFull


class Part(NamedTuple):
    """Some of a call's items: those from `start` to before `stop`."""

    call: Call
    start: int
    stop: int


class Waiting:
    """Arguments: the batcher's name, and how many items may wait."""

    def __init__(self, name: str, limit: int, *, closed: bool = False) -> None:
        self._name = name
        self._limit = limit
        self._calls: deque[Call] = deque()
        self.closed = closed
        self.length = 0  # items, of all calls

    def add(self, call: Call) -> None:
        """Let `call` wait. Raises BatcherClosed and QueueFull."""
        if self.closed:
            raise self.refusal()
        size = len(call.items)
        if self.length + size > self._limit:
            raise QueueFull(
                f"{self._name} has {self.length} items waiting and was given {size} more; max_queue is {self._limit}",
                "call again later, with fewer items at once, or raise max_queue",
            )
        self._calls.append(call)
        self.length += size

    def refusal(self) -> BatcherClosed:
        """Return what callers get once the batcher is closed."""
        return BatcherClosed(f"the batcher of {self._name} is closed", "call it before it is closed, or make a new one")

    def take(self, room: int) -> list[Part]:
        """Take the oldest items out, at most `room`."""
        parts = []
        while room and self._calls:
            call = self._calls[0]
            if call.done or call.gone:  # an earlier part of it has failed, or nobody waits for it
                self.remove(call)
                continue
            stop = min(call.taken + room, len(call.items))
            parts.append(Part(call, call.taken, stop))
            room -= stop - call.taken
            self.length -= stop - call.taken
            call.taken = stop
            if stop == len(call.items):
                self._calls.popleft()
        return parts

    def oldest(self) -> Call | None:
        """Return the call that has waited longest."""
        return self._calls[0] if self._calls else None

    @property
    def since(self) -> float:
        """When that call began to wait, by `time.monotonic`; 0 where none waits."""
        return self._calls[0].queued if self._calls else 0.0

    def remove(self, call: Call) -> None:
        """Take out what still waits of a call."""
        if call in self._calls:
            self._calls.remove(call)
            self.length -= len(call.items) - call.taken
            call.taken = len(call.items)

    def clear(self) -> list[Call]:
        """Take out everything, and return the calls that had items waiting."""
        calls = list(self._calls)
        self._calls.clear()
        self.length = 0
        return calls
