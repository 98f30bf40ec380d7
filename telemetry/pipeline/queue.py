"""Keeps items until they are delivered: the same for spans and for log records.

In: items, one by one, on any thread, which is never made to wait. Out: requests of many items, on our thread, each
item within the interval. State: a bounded queue and the books of its signal, owned by one `BatchQueue` each.

Every item ends up in the books exactly once. An item that finds no room is dropped; those in the queue stay.
"""

import contextlib
import sys
import threading
import time
from collections import deque
from typing import Generic, TypeVar

from telemetry.guard import guard
from telemetry.pipeline.counts import Counts
from telemetry.pipeline.delivery import Delivery
from telemetry.pipeline.sending import Outcome
from telemetry.pipeline.worker import run_unseen, start_worker, stop_worker

T = TypeVar("T")

_LARGEST = 3 * 2**20  # bytes of a request; gRPC servers refuse 4 MiB by default


class BatchQueue(Generic[T]):
    """A queue with its thread.

    Arguments: `delivery`, who sends; `counts`, the books; `size`, the items kept at most; `batch`, the items in one
    request at most; `interval`, the seconds an item waits for company.
    """

    def __init__(self, delivery: Delivery, counts: Counts, size: int, batch: int, interval: float) -> None:
        self._delivery = delivery
        self._counts = counts
        self._size = size
        self._batch = min(batch, size)
        self._interval = interval
        self._items: deque[T] = deque()
        self._accepted = 0  # items that were queued, ever
        self._settled = 0  # of these, the items whose end stands in the books; they are settled in order
        self._flushes = 0  # flushes that wait
        self._lost_before = counts.lost()  # losses that an earlier flush has told of
        self._closed = False
        self._changed = threading.Condition(counts.lock)  # the lock guards all of the above
        self._thread: threading.Thread | None = None

    @property
    def closed(self) -> bool:
        """Whether it takes nothing more."""
        return self._closed

    def push(self, item: T) -> None:
        """Keep `item` for delivery, or count it as dropped. Never waits."""
        if sys.is_finalizing():
            return  # too late for everything: even the lock may be held by a daemon thread that was frozen
        with self._changed:
            self._counts.recorded += 1
            if self._closed:
                self._counts.drop("after_shutdown", 1)
            elif len(self._items) >= self._size:
                self._counts.drop("queue_full", 1)
            else:
                self._items.append(item)
                self._accepted += 1
                if self._thread is None:
                    self._start()
                elif len(self._items) == self._batch:
                    self._changed.notify_all()

    def begin_flush(self) -> int:
        """Have everything delivered that is queued now, without waiting for it; return what `finish_flush` needs."""
        with self._changed:
            self._flushes += 1
            self._changed.notify_all()
            target = self._accepted
        self._delivery.hurry()
        return target

    def finish_flush(self, target: int, deadline: float) -> bool:
        """Wait for a flush until `deadline` (of `time.monotonic`); say whether nothing was lost since the last one."""
        with self._changed:
            done = self._changed.wait_for(lambda: self._settled >= target, max(0.0, deadline - time.monotonic()))
            self._flushes -= 1
            return done and self._nothing_lost()

    def begin_close(self, deadline: float, *, patient: bool = True) -> None:
        """Take nothing more, and deliver what is queued until `deadline` (of `time.monotonic`)."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._delivery.finish_by(deadline, patient=patient)

    def finish_close(self, deadline: float) -> bool:
        """Wait until `deadline`, then drop the rest; say whether nothing was lost since the last flush."""
        if self._thread is None:
            run_unseen(self._run)  # what was recorded when no thread could be started any more
        with self._changed:
            self._changed.wait_for(lambda: self._settled >= self._accepted, max(0.0, deadline - time.monotonic()))
            lost = self._accepted - self._settled
            self._counts.drop("deadline", lost)
            self._settled = self._accepted
            self._items.clear()
            self._changed.notify_all()
            nothing_lost = self._nothing_lost()
        self._delivery.close(lost=lost > 0)
        stop_worker(self._thread, deadline)
        return nothing_lost

    def _nothing_lost(self) -> bool:
        before, self._lost_before = self._lost_before, self._counts.lost()
        return before == self._lost_before

    def _start(self) -> None:
        # From Python 3.12 on none starts while the interpreter exits: `finish_close` delivers what comes then.
        with contextlib.suppress(RuntimeError):
            self._thread = start_worker(self._delivery.kind.name, self._run)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._is_due, self._interval)
                waiting = len(self._items)
                if self._closed and not waiting:
                    return
            while waiting > 0:
                batch = self._take()
                waiting -= self._batch
                self._deliver(batch)

    def _is_due(self) -> bool:
        return len(self._items) >= self._batch or self._closed or (self._flushes > 0 and bool(self._items))

    def _take(self) -> list[T]:
        with self._changed:
            return [self._items.popleft() for _ in range(min(self._batch, len(self._items)))]

    def _deliver(self, batch: list[T]) -> None:
        """Send a batch, in pieces where it is too large, and enter what became of it."""
        if not batch:
            return
        request: bytes | None = None
        outcome = Outcome(problem="it could not be encoded")
        with guard:  # an item that cannot be encoded must not end this thread
            request = self._delivery.kind.encode(batch)
            if len(request) <= _LARGEST or len(batch) == 1:
                outcome = self._delivery.deliver(request, retry=True)
        if (request is None or len(request) > _LARGEST) and len(batch) > 1:  # so that it costs no other item
            middle = len(batch) // 2
            self._deliver(batch[:middle])
            self._deliver(batch[middle:])
        else:
            self._settle(outcome, len(batch))

    def _settle(self, outcome: Outcome, items: int) -> None:
        rejected = min(self._delivery.rejected(outcome), items)
        with self._changed:
            if self._settled == self._accepted:
                return  # `finish_close` has given up on this batch, and counted it
            if outcome.response is not None:
                self._counts.export(items, rejected)
            else:
                self._counts.drop(self._delivery.reason(), items)
            self._settled += items
            self._changed.notify_all()
