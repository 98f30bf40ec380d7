"""Batches calls that come from threads.

In: calls, each blocking its thread. Out: results. State: the queue and the leader, owned by one `Batcher`.

There is no extra thread. One of the waiting callers is the leader: it runs batches in its own thread until its own call
is done, and then hands over to the caller that has waited longest. So a single call runs at once in its own thread, and
there is no thread to stop at the exit of the process, or to miss after a fork.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from telemetry import conventions as c
from telemetry.batching.batch import Batch, enclosing_batches, result_list
from telemetry.batching.limits import Limits, is_async, name_of
from telemetry.batching.waiting import Call, CallQueue, item_list, readings
from telemetry.errors import TelemetryError
from telemetry.recording.metrics.saturation import measure, register
from telemetry.recording.runs.outcome import is_a

T = TypeVar("T")
R = TypeVar("R")


class _Call(Call):
    """A call whose thread sleeps until it is done or becomes the leader; `woken` is None if it leads from the start."""

    __slots__ = ("woken",)

    def __init__(self, items: list[Any], within: tuple[Any, ...]) -> None:
        super().__init__(items, within)
        self.woken: threading.Event | None = None

    def wake(self) -> None:
        if self.woken is not None:
            self.woken.set()


class Batcher(Generic[T, R]):
    """A function whose simultaneous calls share their runs.

    Arguments:
        fn: takes a list of items and returns one result for each, in their order; for an item that failed, an
            exception as its result.
        max_size: most items in a run.
        max_wait: seconds that the first item may wait for others while nothing runs.
        max_queue: most items that may wait; a call that exceeds it is refused.
        name: the name in traces and metrics; default: the function's.

    Raises:
        TelemetryError: with all mistakes in the arguments.
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
        self.measured_in: object = None
        self.name = name_of(fn, name)
        self._reset(closed=False)
        register(self)

    def _reset(self, *, closed: bool) -> None:
        self._calls = CallQueue(self.name, self._limits.max_queue, closed=closed)
        self._leader: Call | None = None
        self._changed = threading.Condition(threading.Lock())  # guards the two above

    def readings(self) -> Mapping[c.Metric, int]:
        """Return the current values of its metrics; none once it is closed and empty."""
        return readings(self.length, self._limits, closed=self._calls.closed)

    def renew(self) -> None:
        """Start over in a forked child, which does not have the threads of its parent."""
        self._reset(closed=self._calls.closed)

    @property
    def length(self) -> int:
        """How many items wait, without those in the current batch."""
        return self._calls.length

    def __call__(self, items: Sequence[T]) -> list[R]:
        """Wait for and return the results of `items`, those of one request, in their order.

        A call from within the function itself runs at once. Raises what the function raises, or the first exception
        that it returned for one of these items; also QueueFull, BatcherClosed, WrongResults and BatchBroken.
        """
        within = enclosing_batches()
        call = _Call(item_list(items, self.name), within)
        if any(batch.owner is self for batch in within):
            call.results = result_list(self._fn(call.items), len(call.items), self.name)
        elif call.items:
            measure(self)
            self._serve(call)
        return call.outcome(self.name)

    def close(self, timeout: float = 5.0) -> bool:
        """Refuse further calls, and wait at most `timeout` seconds for those that wait.

        Calls that still wait then fail with BatcherClosed; the current batch goes on. Returns whether all were served.
        """
        with self._changed:
            self._calls.closed = True
            self._changed.notify_all()
            drained = self._changed.wait_for(lambda: self._leader is None, timeout)
            for call in self._calls.clear():
                call.fail(self._calls.closed_error())
        return drained

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _serve(self, call: _Call) -> None:
        """Serve `call`. An interrupt can happen anywhere, and must leave neither queued items nor a leader behind."""
        try:
            with self._changed:
                self._calls.add(call)
                if self._leader is None:
                    self._leader = call
                else:
                    call.woken = threading.Event()
                    self._changed.notify_all()  # the leader may be waiting for more items
            if call.woken is not None:
                call.woken.wait()
            while not call.done:
                self._lead()
        finally:
            if self._leader is call or call.waits:
                self._withdraw(call)
            call.record(self.name)

    def _lead(self) -> None:
        with self._changed:
            self._wait_for_more()
            batch = Batch(self, self.name, self._calls.take(self._limits.max_size))
        if batch.items:  # none if `close` timed out
            Context().run(self._run, batch)

    def _wait_for_more(self) -> None:
        until = self._calls.since + self._limits.max_wait
        while self._calls.length < self._limits.max_size and not self._calls.closed:
            timeout = until - time.monotonic()
            if timeout <= 0:
                return
            self._changed.wait(timeout)

    def _run(self, batch: Batch) -> None:
        try:
            with batch:
                results = result_list(self._fn(batch.items), len(batch.items), self.name)
        except BaseException as error:
            batch.fail(error)
            if not is_a(error, Exception):
                raise
        else:
            batch.finish(results)

    def _withdraw(self, call: _Call) -> None:
        """Remove the items of an interrupted call; if it led, make the oldest waiting call the leader."""
        with self._changed:
            self._calls.remove(call)
            if self._leader is call:
                self._leader = self._calls.oldest()
                if self._leader is None:
                    self._changed.notify_all()  # `close` may be waiting
                else:
                    self._leader.wake()
