"""Queues items until they are delivered: one class for spans and for log records.

In: items, one by one, on any thread, which never waits. Out: requests with all items that wait, on our threads, each
item within the interval and the time that a request takes. State: a bounded queue and the counts of its signal, owned
by one `BatchQueue` each.

A thread that puts an item takes no lock: it appends the item, and checks whether a worker must be woken. All else is
guarded by the lock of the counts. Threads that put items at the same moment may fill the queue beyond its size, by one
item each.

One worker thread is enough while requests are short. Where they take long and many items wait meanwhile, further
workers send requests beside it, and end when there is nothing to do for them. The more requests are under way, the more
items wait for the next one. One thread at a time encodes, in pieces.

Every item is counted exactly once. An item that finds no room is dropped; those in the queue stay.
"""

import contextlib
import sys
import threading
import time
from collections import deque
from functools import partial
from typing import Final, Generic, TypeVar

from telemetry.otlp.outcome import Outcome
from telemetry.pipeline.delivery import Delivery
from telemetry.pipeline.losses import Losses
from telemetry.pipeline.pieces import LARGEST, PIECE, Piece, Turn, encoded
from telemetry.pipeline.stats import Counts
from telemetry.pipeline.worker import run_uninstrumented, start_worker, stop_worker
from telemetry.recording.guard import guard

T = TypeVar("T")

_ENOUGH: Final = 1024  # items that are sent without waiting for more
_WORKERS: Final = 4  # threads, and so requests under way
_IDLE: Final = 5.0  # seconds until a thread without work ends, if it is not the only one
_NEVER: Final = sys.maxsize


class BatchQueue(Generic[T]):
    """A queue with its threads.

    Arguments: `delivery`, which sends; `counts` of the signal; `size`, the items kept at most; `batch`, the items in
    one request at most; `interval`, the seconds that an item waits for others.
    """

    def __init__(self, delivery: Delivery, counts: Counts, size: int, batch: int, interval: float) -> None:
        self._delivery = delivery
        self._counts = counts
        self._losses = Losses(delivery.kind.name, delivery.where, counts)
        self._size = size
        self._batch = min(batch, size)
        self._interval = interval
        self._enough = min(_ENOUGH, self._batch, max(1, size // 2))
        self._items: deque[T] = deque()
        self._room = size  # for items; 0 once closed
        self._wake_at = 1  # items, of which the last one wakes a thread; these three are used without the lock
        self._encoded: deque[Piece] = deque()  # left over by a request that was full
        self._taken = 0  # items that have left the queue, ever
        self._uncounted: dict[int, int] = {}  # items taken and not counted yet, by the number of the first, ascending
        self._requests = 0  # under way, or being encoded
        self._encoding = False  # one thread at a time encodes, so that the host waits for one at most
        self._flushes = 0  # flushes that wait
        self._lost_before = counts.lost()  # losses that an earlier flush has reported
        self._ended = False  # nothing is delivered any more: what is in the queue came too late
        self._changed = threading.Condition(counts.lock)  # the lock guards all of the above
        self._workers: dict[int, threading.Thread] = {}
        self._idle: set[int] = set()  # of these, the ones without work; the first of them is next
        with counts.lock:
            counts.waiting, counts.ended = self._items, False

    @property
    def closed(self) -> bool:
        """Whether it takes nothing more."""
        return not self._room

    def push(self, item: T) -> bool:
        """Queue `item`, or count it as dropped; return False if the queue is closed. Never waits."""
        items = self._items
        if len(items) < self._room:
            items.append(item)
            if len(items) >= self._wake_at:
                self._wake()
            return True
        if self._room:
            self._counts.full.add()
            return True
        self._counts.late.add()
        return False

    def begin_flush(self) -> int:
        """Have everything delivered that is queued now, without waiting for it; return what `finish_flush` needs."""
        with self._changed:
            self._flushes += 1
            self._changed.notify_all()
            target = self._taken + len(self._items)
        self._delivery.hurry()
        return target

    def finish_flush(self, target: int, deadline: float) -> bool:
        """Wait for a flush until `deadline` (of `time.monotonic`); return whether nothing was lost."""
        with self._changed:
            done = self._changed.wait_for(lambda: self._counted() >= target, max(0.0, deadline - time.monotonic()))
            self._flushes -= 1
            return done and self._nothing_lost()

    def begin_close(self, deadline: float, *, patient: bool = True) -> None:
        """Take nothing more, and deliver what is queued until `deadline` (of `time.monotonic`)."""
        if not patient:
            self._losses.silence()
        with self._changed:
            self._room = self._wake_at = 0  # a thread that is about to append an item looks at `_wake_at` afterwards
            self._changed.notify_all()
        self._delivery.finish_by(deadline, patient=patient)

    def finish_close(self, deadline: float) -> bool:
        """Wait until `deadline`, then drop the rest; return whether nothing was lost since the last flush."""
        if not self._workers:
            run_uninstrumented(partial(self._run, 0))  # what was recorded when no thread could be started any more
        with self._changed:
            self._changed.wait_for(self._is_empty, max(0.0, deadline - time.monotonic()))
            waiting = 0 if self._ended else self._discard()
            lost = waiting + sum(self._uncounted.values())
            self._taken += waiting
            self._counts.recorded += waiting
            self._counts.drop("deadline", lost)
            self._encoded.clear()
            self._uncounted.clear()
            self._end()
            nothing_lost = self._nothing_lost()
            workers = tuple(self._workers.values())
        self._delivery.close(lost=lost > 0)
        self._losses.shut_down()
        for worker in workers:
            stop_worker(worker, deadline)
        return nothing_lost

    def _wake(self) -> None:
        """Wake a worker; if the queue has ended, count what came too late."""
        if sys.is_finalizing():
            return  # too late for everything: even the lock may be held by a daemon thread that was frozen
        with self._changed:
            if self._ended:
                late = self._discard()
                self._counts.recorded += late
                self._counts.drop("after_shutdown", late)
            elif self._workers:
                self._wake_at = _NEVER if self._room else 0
                self._changed.notify_all()
            elif self._room:  # else `finish_close` delivers it
                self._start(0)

    def _discard(self) -> int:
        """Empty the queue; return how many items it had."""
        count = 0
        with contextlib.suppress(IndexError):
            while True:
                self._items.popleft()
                count += 1
        return count

    def _end(self) -> None:
        """Deliver nothing any more: what is in the queue from now on came too late."""
        self._ended = True
        if self._counts.waiting is self._items:  # else another queue has begun after this one
            self._counts.ended = True
        self._changed.notify_all()

    def _nothing_lost(self) -> bool:
        before, self._lost_before = self._lost_before, self._counts.lost()
        return before == self._lost_before

    def _counted(self) -> int:
        """Return the number of the first item that is not counted yet."""
        return next(iter(self._uncounted), self._taken)

    def _is_empty(self) -> bool:
        return not self._uncounted and (self._ended or not self._items)

    def _start(self, worker: int) -> None:
        # From Python 3.12 on none starts while the interpreter exits: `finish_close` delivers what comes then.
        with contextlib.suppress(RuntimeError):
            self._workers[worker] = start_worker(self._delivery.kind.name, partial(self._run, worker))

    def _run(self, worker: int) -> None:
        with guard:
            self._delivery.prepare()
        while self._wait_for_work(worker):
            if pieces := self._request():
                self._deliver(pieces)

    def _wait_for_work(self, worker: int) -> bool:
        """Wait until there is a request to encode, and claim it; return False if there never will be one."""
        with self._changed:
            while True:
                self._idle.add(worker)
                due = self._changed.wait_for(partial(self._is_due, worker), _IDLE if worker else self._interval)
                self._idle.discard(worker)
                self._changed.notify_all()  # another one is the first now
                if self.closed and not (self._items or self._encoded or self._encoding):
                    self._end()
                if self._ended:
                    return False
                if due or not (worker or self._encoding or self._is_held_back()):
                    self._encoding = True
                    self._wake_at = _NEVER if self._room else 0
                    self._requests += 1
                    return True
                if worker:
                    del self._workers[worker]
                    break
        self._delivery.trim()
        return False

    def _is_due(self, worker: int) -> bool:
        """Return whether this worker should begin a request; if not, it is woken once enough items wait."""
        if self._ended:
            return True
        if self._encoding or worker > min(self._idle):
            return False
        if self.closed:
            return True
        if self._is_held_back():
            return False
        enough = min(self._enough << self._requests, max(self._enough, self._size // 2))
        self._wake_at = enough  # before the queue is read: who fills it meanwhile sees this, or its item is seen
        waiting = len(self._items)
        return bool(self._encoded) or waiting >= enough or (self._flushes > 0 and waiting > 0)

    def _is_held_back(self) -> bool:
        """Return whether the collector is unavailable: then one request is tried at a time."""
        return self._requests > 0 and self._delivery.failing and not self.closed

    def _request(self) -> list[Piece]:
        """Encode what waits, as far as it fits into one request; start another worker for the rest."""
        pieces: list[Piece] = []
        items = size = 0
        turn = Turn()
        try:
            while items < self._batch and (piece := self._piece(self._batch - items)) is not None:
                if pieces and (items + piece.items > self._batch or size + len(piece.body or b"") > LARGEST):
                    self._encoded.appendleft(piece)
                    break
                pieces.append(piece)
                items += piece.items
                size += len(piece.body or b"")
                turn.pause()
            more = self._items or self._encoded or not self.closed
            if more and items >= self._enough and not self._idle and len(self._workers) < _WORKERS:
                self._start(min(set(range(_WORKERS)) - self._workers.keys()))
        finally:
            with self._changed:
                self._encoding = False
                if not pieces:
                    self._requests -= 1
                self._changed.notify_all()
        return pieces

    def _piece(self, most: int) -> Piece | None:
        """Return a piece that is left over, else one of at most `most` items; None if nothing waits."""
        while True:
            with self._changed:
                if self._encoded:
                    return self._encoded.popleft()
                items = [self._items.popleft() for _ in range(min(PIECE, most, len(self._items)))]
                if not items:
                    return None
                start = self._taken
                self._taken += len(items)
                self._counts.recorded += len(items)
                self._uncounted[start] = len(items)
            for piece in encoded(self._delivery.kind.encode, items, start):
                if piece.body is None:
                    self._count_outcome([piece], Outcome(problem="it could not be encoded"))
                else:
                    self._encoded.append(piece)

    def _deliver(self, pieces: list[Piece]) -> None:
        """Send a request, and count its outcome."""
        outcome = Outcome(problem="it could not be sent")
        before = self._losses.count()
        try:
            with guard:
                request = b"".join(piece.body or b"" for piece in pieces)
                outcome = self._delivery.deliver(request, retry=True, meanwhile=self._losses.check)
        finally:
            with self._changed:
                self._requests -= 1
            self._count_outcome(pieces, outcome)
        self._losses.check()
        if outcome.response is not None:
            self._losses.over(before)

    def _count_outcome(self, pieces: list[Piece], outcome: Outcome) -> None:
        rejected = min(self._delivery.rejected(outcome), sum(piece.items for piece in pieces))
        with self._changed:
            known = [piece for piece in pieces if piece.start in self._uncounted]
            items = sum(piece.items for piece in known)  # `finish_close` gives up on all, and counts them
            for piece in known:
                self._uncounted[piece.start] -= piece.items
                if not self._uncounted[piece.start]:
                    del self._uncounted[piece.start]
            if items and outcome.response is not None:
                self._counts.export(items, rejected)
            elif items:
                self._counts.drop(self._delivery.reason(), items)
            self._changed.notify_all()
