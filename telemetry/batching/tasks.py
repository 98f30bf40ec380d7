"""Batches calls that come from asyncio's tasks.

In: awaited calls. Out: results. State: for each event loop a queue and the current batch, owned by one `AsyncBatcher`.

A task exists only while a batch does. A call starts one if none runs; calls that are made before the event loop runs
the task join its batch, and the end of each batch starts the next.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import Context
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from weakref import WeakKeyDictionary

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
    """A call whose task awaits a future."""

    __slots__ = ("future",)

    def __init__(self, items: list[Any], within: tuple[Any, ...]) -> None:
        super().__init__(items, within)
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def abandoned(self) -> bool:
        return self.future.cancelled()

    def wake(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class _LoopQueue:
    """The queue and the current batch of one event loop. It refers to the loop only while something waits or runs."""

    def __init__(self, fn: Callable[..., Any], name: str, limits: Limits) -> None:
        self._fn = fn
        self._name = name
        self._limits = limits
        self._batch: Batch | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.owner: object = None
        self.calls = CallQueue(name, limits.max_queue)
        self.task: asyncio.Task[None] | None = None  # runs a batch

    def start(self) -> None:
        """Start a batch, unless one runs, nothing waits, or `max_wait` for more items has not passed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.task is not None or not self.calls.length:
            return
        wait = self.calls.since + self._limits.max_wait - time.monotonic()
        full = self.calls.closed or self.calls.length >= self._limits.max_size
        loop = asyncio.get_running_loop()
        if wait <= 0 or full:
            self.task = loop.create_task(self._run(), context=Context())
            self.task.add_done_callback(self._ended, context=Context())  # not the caller's, which would be kept
        else:
            self._timer = loop.call_later(wait, self.start, context=Context())

    def withdraw(self, call: _Call) -> None:
        """Remove a call that was cancelled; cancel the current batch if no caller waits for it any more."""
        self.calls.remove(call)
        if self.task is not None and self._batch is not None and self._batch.abandoned:
            self.task.cancel()

    async def drain(self, until: float) -> bool:
        """Wait until nothing waits or runs. Calls that still wait at `until` fail. Returns whether all were served."""
        self.start()
        while self.task is not None and (timeout := until - time.monotonic()) > 0:
            await asyncio.wait({self.task}, timeout=timeout)
        for call in (calls := self.calls.clear()):
            call.fail(self.calls.closed_error())
        return self.task is None and not calls

    async def _run(self) -> None:
        batch = self._batch = Batch(self.owner, self._name, self.calls.take(self._limits.max_size))
        if not batch.items:  # all of them were cancelled
            return
        try:
            with batch:
                results = result_list(await self._fn(batch.items), len(batch.items), self._name)
        except BaseException as error:
            batch.fail(error)
            if not is_a(error, Exception):
                raise
        else:
            batch.finish(results)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # marks it as retrieved: the callers have it
        self.task = self._batch = None
        self.start()


class AsyncBatcher(Generic[T, R]):
    """A coroutine function whose simultaneous calls share their runs.

    The arguments are those of `Batcher`; `fn` is awaited, in a task of its own. Each event loop that calls has its own
    queue, since a coroutine belongs to one loop.
    """

    def __init__(
        self,
        fn: Callable[[list[T]], Awaitable[Iterable[R | Exception]]],
        *,
        max_size: int = 32,
        max_wait: float = 0.0,
        max_queue: int = 1024,
        name: str | None = None,
    ) -> None:
        self._limits = Limits(max_size, max_wait, max_queue)
        if not is_async(fn):
            raise TelemetryError(f"{name_of(fn, name)} is not a coroutine function", "use Batcher, or write async def")
        self._fn = fn
        self._closed = False
        self.measured_in: object = None
        self.name = name_of(fn, name)
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopQueue] = WeakKeyDictionary()
        register(self)

    def readings(self) -> Mapping[c.Metric, int]:
        """Return the current values of its metrics; none once it is closed and empty."""
        return readings(self.length, self._limits, closed=self._closed)

    def renew(self) -> None:
        """Start over in a forked child, which does not have the event loops of its parent."""
        self._queues = WeakKeyDictionary()

    @property
    def length(self) -> int:
        """How many items wait, without those in the current batch."""
        return sum(queue.calls.length for queue in tuple(self._queues.values()))

    async def __call__(self, items: Sequence[T]) -> list[R]:
        """Return the results of `items`, those of one request, in their order.

        A call from within the function itself runs at once. If the caller is cancelled, its waiting items are removed;
        a batch is cancelled once all its callers are. Raises what the function raises, or the first exception that it
        returned for one of these items; also QueueFull, BatcherClosed, WrongResults and BatchBroken.
        """
        within = enclosing_batches()
        call = _Call(item_list(items, self.name), within)
        if any(batch.owner is self for batch in within):
            call.results = result_list(await self._fn(call.items), len(call.items), self.name)
        elif call.items:
            measure(self)
            await self._serve(call)
        return call.outcome(self.name)

    async def close(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109  calls that still wait then fail
        """Refuse further calls, and wait at most `timeout` seconds for those of this event loop.

        Calls that still wait then fail with BatcherClosed; the current batch goes on. Returns whether all were served.
        """
        self._closed = True
        for queue in tuple(self._queues.values()):
            queue.calls.closed = True
        return await self._queue().drain(time.monotonic() + timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    async def _serve(self, call: _Call) -> None:
        queue = self._queue()
        queue.calls.add(call)
        queue.start()
        try:
            await call.future
        except BaseException:  # cancelled, or the coroutine was closed
            queue.withdraw(call)
            raise
        finally:
            call.record(self.name)

    def _queue(self) -> _LoopQueue:
        loop = asyncio.get_running_loop()
        queue = self._queues.get(loop)
        if queue is None:
            for other in tuple(self._queues):
                if other.is_closed():
                    self._queues.pop(other, None)
            queue = self._queues[loop] = _LoopQueue(self._fn, self.name, self._limits)
            queue.owner, queue.calls.closed = self, self._closed
        return queue
