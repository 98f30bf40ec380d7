"""Batches calls that come from threads.

In: calls, each blocking its thread. Out: results. State: the queue and who leads, owned by one `Batcher`.

There is no thread of its own. Of the callers that wait, one leads: it runs batches in its own thread until its own call
is answered, and then hands over to the caller that has waited longest. A lone call so runs at once where it is; nothing
is left to be stopped at the exit of the process, or missing after a fork.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from telemetry.batching.batch import Batch, batches_around, one_for_each
from telemetry.batching.limits import Limits, is_async, name_of
from telemetry.batching.waiting import Call, Waiting, enlist, listed, watch_lengths
from telemetry.errors import TelemetryError
from telemetry.recording.outcome import is_a

T = TypeVar("T")
R = TypeVar("R")


class _Call(Call):
    """A call whose thread sleeps until it is answered, or is to lead; `woken` is None where it leads from the start."""

    __slots__ = ("woken",)

    def __init__(self, items: list[Any], within: tuple[Any, ...]) -> None:
        super().__init__(items, within)
        self.woken: threading.Event | None = None

    def wake(self) -> None:
        if self.woken is not None:
            self.woken.set()


class Batcher(Generic[T, R]):
    """A function whose simultaneous calls share their runs.

    Arguments: `fn` takes a list of items and returns one result for each, in their order, an exception in place of an
    item that failed; `max_size`, items in a run; `max_wait`, seconds that the first of them may wait for others while
    nothing runs; `max_queue`, items that may wait: a call beyond that is refused; `name` in traces and metrics
    (default: the function's). Raises TelemetryError with every mistake.
    """

    def __init__(
        self,
        fn: Callable[[list[T]], Iterable[R | Exception]],
        *,
        max_size: int = 32,
        max_wait: float = 0.0,
        max_queue: int = 1024,
        name: str | None = None,
    ) -> None:
        self._limits = Limits(max_size, max_wait, max_queue)
        if is_async(fn):
            raise TelemetryError(f"{name_of(fn, name)} is a coroutine function", "use AsyncBatcher and await it")
        self._fn = fn
        self.name = name_of(fn, name)
        self._begin(closed=False)
        enlist(self)

    def _begin(self, *, closed: bool) -> None:
        self._waiting = Waiting(self.name, self._limits.max_queue, closed=closed)
        self._leader: Call | None = None
        self._changed = threading.Condition(threading.Lock())  # guards the two above

    def renew(self) -> None:
        """Begin anew in a forked child: who waited and who led are threads of the parent."""
        self._begin(closed=self._waiting.closed)

    @property
    def length(self) -> int:
        """Items that wait, those that run not among them."""
        return self._waiting.length

    def __call__(self, items: Sequence[T]) -> list[R]:
        """Return the results of `items`, those of one request, in their order.

        Blocks until they are there. Called from within the function itself, it runs the function at once. Raises what
        the function raises, or the first exception that it returned in place of one of these items; QueueFull,
        BatcherClosed, WrongResults, BatchBroken.
        """
        within = batches_around()
        call = _Call(listed(items, self.name), within)
        if any(batch.owner is self for batch in within):
            call.results = one_for_each(self._fn(call.items), len(call.items), self.name)
        elif call.items:
            watch_lengths(self)
            self._answer(call)
        return call.outcome(self.name)

    def close(self, timeout: float = 5.0) -> bool:
        """Refuse further calls, and wait at most `timeout` seconds until those that wait are answered.

        Those still waiting then fail with BatcherClosed; the batch that runs goes on. Returns whether all were
        answered.
        """
        with self._changed:
            self._waiting.closed = True
            self._changed.notify_all()
            drained = self._changed.wait_for(lambda: self._leader is None, timeout)
            for call in self._waiting.clear():
                call.fail(self._waiting.refusal())
        return drained

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _answer(self, call: _Call) -> None:
        """Have `call` answered. An interrupt can come at any point: it must leave no item and no lead behind."""
        try:
            with self._changed:
                self._waiting.add(call)
                if self._leader is None:
                    self._leader = call
                else:
                    call.woken = threading.Event()
                    self._changed.notify_all()  # the leader may be waiting for companions
            if call.woken is not None:
                call.woken.wait()
            while not call.done:
                self._lead()
        finally:
            if self._leader is call or call.waits:
                self._leave(call)
            call.tell(self.name)

    def _lead(self) -> None:
        with self._changed:
            self._await_companions()
            batch = Batch(self, self.name, self._waiting.take(self._limits.max_size))
        if batch.items:  # else closed in a hurry
            Context().run(self._run, batch)

    def _await_companions(self) -> None:
        until = self._waiting.since + self._limits.max_wait
        while self._waiting.length < self._limits.max_size and not self._waiting.closed:
            left = until - time.monotonic()
            if left <= 0:
                return
            self._changed.wait(left)

    def _run(self, batch: Batch) -> None:
        try:
            with batch.run():
                results = one_for_each(self._fn(batch.items), len(batch.items), self.name)
        except BaseException as error:
            batch.fail(error)
            if not is_a(error, Exception):
                raise
        else:
            batch.finish(results)

    def _leave(self, call: _Call) -> None:
        """Take out what is left of a call that was broken off; hand over to the caller that has waited longest."""
        with self._changed:
            self._waiting.remove(call)
            if self._leader is call:
                self._leader = self._waiting.oldest()
                if self._leader is None:
                    self._changed.notify_all()  # `close` may be waiting
                else:
                    self._leader.wake()
