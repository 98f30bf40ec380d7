"""Keeps items until they are delivered: the same for spans and for log records.

In: items, one by one, on any thread, which is never made to wait. Out: requests of whatever waits, on our threads, each
item within the interval and the time that a request takes. State: a bounded queue and the books of its signal, owned by
one `BatchQueue` each.

One thread does it all while requests are short. Where they take long and many items wait meanwhile, others begin
requests beside it, and end when there is nothing to do for them. The more requests are under way, the more items wait
for the next one.

Every item ends up in the books exactly once. An item that finds no room is dropped; those in the queue stay.
"""

import contextlib
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

from telemetry.otlp.outcome import Outcome
from telemetry.pipeline.delivery import Delivery
from telemetry.pipeline.losses import Losses
from telemetry.pipeline.stats import Counts
from telemetry.pipeline.worker import run_uninstrumented, start_worker, stop_worker
from telemetry.recording.guard import guard

T = TypeVar("T")

_LARGEST: Final = 3 * 2**20  # bytes of a request; gRPC servers refuse 4 MiB by default
_COMPANY: Final = 512  # items that are sent without waiting for more, and that are encoded in one go
_WORKERS: Final = 4  # threads, and so requests under way
_IDLE: Final = 5.0  # seconds until a thread without work ends, if it is not the only one


@dataclass(frozen=True, slots=True)
class _Part:
    """Items of a request, encoded: `start` is the number of the first among all that were ever queued."""

    start: int
    items: int
    body: bytes


class BatchQueue(Generic[T]):
    """A queue with its threads.

    Arguments: `delivery`, who sends; `counts`, the books; `size`, the items kept at most; `batch`, the items in one
    request at most; `interval`, the seconds an item waits for company.
    """

    def __init__(self, delivery: Delivery, counts: Counts, size: int, batch: int, interval: float) -> None:
        self._delivery = delivery
        self._counts = counts
        self._losses = Losses(delivery.kind.name, delivery.where, counts)
        self._size = size
        self._batch = min(batch, size)
        self._interval = interval
        self._company = min(_COMPANY, self._batch, max(1, size // 2))
        self._items: deque[T] = deque()
        self._ready: deque[_Part] = deque()  # encoded, and left over by a request that was full
        self._accepted = 0  # items that were queued, ever
        self._taken = 0  # of these, the items that left the queue
        self._unsettled: dict[
            int, int
        ] = {}  # of these, the items whose end is not in the books: numbers by their start
        self._requests = 0  # under way, or being encoded
        self._encoding = False  # one thread at a time encodes: the host waits for no more of them
        self._flushes = 0  # flushes that wait
        self._lost_before = counts.lost()  # losses that an earlier flush has told of
        self._closed = False
        self._changed = threading.Condition(counts.lock)  # the lock guards all of the above
        self._workers: dict[int, threading.Thread] = {}
        self._idle: set[int] = set()  # of these, who has nothing to do; the first of them is next

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
                if not self._workers:
                    self._start(0)
                elif len(self._items) % self._company == 0:
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
            done = self._changed.wait_for(lambda: self._settled() >= target, max(0.0, deadline - time.monotonic()))
            self._flushes -= 1
            return done and self._nothing_lost()

    def begin_close(self, deadline: float, *, patient: bool = True) -> None:
        """Take nothing more, and deliver what is queued until `deadline` (of `time.monotonic`)."""
        if not patient:
            self._losses.silence()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._delivery.finish_by(deadline, patient=patient)

    def finish_close(self, deadline: float) -> bool:
        """Wait until `deadline`, then drop the rest; say whether nothing was lost since the last flush."""
        if not self._workers:
            run_uninstrumented(partial(self._run, 0))  # what was recorded when no thread could be started any more
        with self._changed:
            self._changed.wait_for(lambda: self._settled() >= self._accepted, max(0.0, deadline - time.monotonic()))
            lost = self._accepted - self._taken + sum(self._unsettled.values())
            self._counts.drop("deadline", lost)
            self._taken = self._accepted
            self._items.clear()
            self._ready.clear()
            self._unsettled.clear()
            self._changed.notify_all()
            nothing_lost = self._nothing_lost()
            workers = tuple(self._workers.values())
        self._delivery.close(lost=lost > 0)
        self._losses.shut_down()
        for worker in workers:
            stop_worker(worker, deadline)
        return nothing_lost

    def _nothing_lost(self) -> bool:
        before, self._lost_before = self._lost_before, self._counts.lost()
        return before == self._lost_before

    def _settled(self) -> int:
        """Return how many items are all in the books, counted from the first."""
        return min(self._unsettled, default=self._taken)

    def _start(self, worker: int) -> None:
        # From Python 3.12 on none starts while the interpreter exits: `finish_close` delivers what comes then.
        with contextlib.suppress(RuntimeError):
            self._workers[worker] = start_worker(self._delivery.kind.name, partial(self._run, worker))

    def _run(self, worker: int) -> None:
        while self._goes_on(worker):
            if parts := self._request():
                self._deliver(parts)

    def _goes_on(self, worker: int) -> bool:
        """Wait until there may be something to do, and begin with it; say false where there never will be."""
        with self._changed:
            while True:
                self._idle.add(worker)
                due = self._changed.wait_for(partial(self._is_due, worker), _IDLE if worker else self._interval)
                self._idle.discard(worker)
                self._changed.notify_all()  # another one is the first now
                if self._closed and not (self._items or self._ready):
                    return False
                if due or not (worker or self._encoding or self._is_held_back()):
                    self._encoding = True
                    self._requests += 1
                    return True
                if worker:
                    del self._workers[worker]
                    break
        self._delivery.trim()
        return False

    def _is_due(self, worker: int) -> bool:
        """Say whether a thread should begin a request."""
        if self._encoding or worker > min(self._idle):
            return False
        waiting = len(self._items)
        if self._closed:
            return True
        if self._is_held_back():
            return False
        many = min(self._company << self._requests, max(self._company, self._size // 2))
        return bool(self._ready) or waiting >= many or (self._flushes > 0 and waiting > 0)

    def _is_held_back(self) -> bool:
        """Say whether the collector is away: one request after the other finds out about that."""
        return self._requests > 0 and self._delivery.failing and not self._closed

    def _request(self) -> list[_Part]:
        """Take and encode whatever waits, as far as it fits into one request; have somebody look after the rest."""
        parts: list[_Part] = []
        items = size = 0
        try:
            while items < self._batch and (part := self._part(self._batch - items)) is not None:
                if parts and (items + part.items > self._batch or size + len(part.body) > _LARGEST):
                    self._ready.appendleft(part)
                    break
                parts.append(part)
                items += part.items
                size += len(part.body)
            more = self._items or self._ready or not self._closed
            if more and items >= self._company and not self._idle and len(self._workers) < _WORKERS:
                self._start(min(set(range(_WORKERS)) - self._workers.keys()))
        finally:
            with self._changed:
                self._encoding = False
                if not parts:
                    self._requests -= 1
                self._changed.notify_all()
        return parts

    def _part(self, most: int) -> _Part | None:
        """Return a part of a request, of `most` items where it is not left over; None where nothing waits."""
        while True:
            with self._changed:
                if self._ready:
                    return self._ready.popleft()
                items = [self._items.popleft() for _ in range(min(_COMPANY, most, len(self._items)))]
                if not items:
                    return None
                start = self._taken
                self._taken += len(items)
                self._unsettled[start] = len(items)
            self._ready.extend(self._encoded(items, start))

    def _encoded(self, items: list[T], start: int) -> list[_Part]:
        """Encode items, in pieces where they are too large; what cannot be encoded is lost alone."""
        body: bytes | None = None
        with guard:  # an item that cannot be encoded must not end this thread
            body = self._delivery.kind.encode(items)
        if len(items) > 1 and (body is None or len(body) > _LARGEST):
            middle = len(items) // 2
            with self._changed:
                if start in self._unsettled:  # else `finish_close` has given up on them
                    self._unsettled[start] = middle
                    self._unsettled[start + middle] = len(items) - middle
            return self._encoded(items[:middle], start) + self._encoded(items[middle:], start + middle)
        if body is None:
            self._settle([_Part(start, len(items), b"")], Outcome(problem="it could not be encoded"))
            return []
        return [_Part(start, len(items), body)]

    def _deliver(self, parts: list[_Part]) -> None:
        """Send a request, and enter what became of it."""
        outcome = Outcome(problem="it could not be sent")
        before = self._losses.count()
        try:
            with guard:
                request = b"".join(part.body for part in parts)
                outcome = self._delivery.deliver(request, retry=True, meanwhile=self._losses.check)
        finally:
            with self._changed:
                self._requests -= 1
            self._settle(parts, outcome)
        self._losses.check()
        if outcome.response is not None:
            self._losses.over(before)

    def _settle(self, parts: list[_Part], outcome: Outcome) -> None:
        items = sum(part.items for part in parts)
        rejected = min(self._delivery.rejected(outcome), items)
        with self._changed:
            known = [self._unsettled.pop(part.start) for part in parts if part.start in self._unsettled]
            if known and outcome.response is not None:  # else `finish_close` has given up on them, and counted them
                self._counts.export(items, rejected)
            elif known:
                self._counts.drop(self._delivery.reason(), items)
            self._changed.notify_all()
