"""Batches calls that come from asyncio's tasks.

In: awaited calls. Out: results. State: for each event loop a queue and the batch that runs, owned by one
`AsyncBatcher`.

There is a task only while there is a batch. A call starts one where none runs; whatever is called before the event loop
comes round to it goes along, and the end of each batch starts the next.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from weakref import WeakKeyDictionary

from telemetry.batching.batch import Batch, batches_around, one_for_each
from telemetry.batching.limits import Limits, name_of
from telemetry.batching.limits import is_async as is_coroutine_function
from telemetry.batching.waiting import Call, Waiting, enlist, listed, watch_lengths
from telemetry.errors import TelemetryError
from telemetry.recording.outcome import is_a

T = TypeVar("T")
R = TypeVar("R")


class _Call(Call):
    """A call whose task awaits a future."""

    __slots__ = ("future",)

    def __init__(self, items: list[Any], within: tuple[Any, ...]) -> None:
        super().__init__(items, within)
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def gone(self) -> bool:
        return self.future.cancelled()

    def wake(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class _Lane:
    """The calls of one event loop. Holds no event loop but while something waits or runs."""

    def __init__(self, fn: Callable[..., Any], name: str, limits: Limits) -> None:
        self._fn = fn
        self._name = name
        self._limits = limits
        self._batch: Batch | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.owner: object = None
        self.waiting = Waiting(name, limits.max_queue)
        self.task: asyncio.Task[None] | None = None  # runs a batch

    def start(self) -> None:
        """Start a batch, unless one runs, or there is nothing to do, or others may come."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.task is not None or not self.waiting.length:
            return
        left = self.waiting.since + self._limits.max_wait - time.monotonic()
        full = self.waiting.closed or self.waiting.length >= self._limits.max_size
        loop = asyncio.get_running_loop()
        if left <= 0 or full:
            self.task = loop.create_task(self._run(), context=Context())
            self.task.add_done_callback(self._ended, context=Context())  # a caller's would live as long as the chain
        else:
            self._timer = loop.call_later(left, self.start, context=Context())

    def withdraw(self, call: _Call) -> None:
        """Forget a call that was cancelled, and the batch that runs where nobody waits for any of it."""
        self.waiting.remove(call)
        if self.task is not None and self._batch is not None and self._batch.deserted:
            self.task.cancel()

    async def drain(self, until: float) -> bool:
        """Wait until nothing waits or runs, and fail what waits at `until`. Returns whether nothing did."""
        self.start()
        while self.task is not None and (left := until - time.monotonic()) > 0:
            await asyncio.wait({self.task}, timeout=left)
        for call in (calls := self.waiting.clear()):
            call.fail(self.waiting.refusal())
        return self.task is None and not calls

    async def _run(self) -> None:
        batch = self._batch = Batch(self.owner, self._name, self.waiting.take(self._limits.max_size))
        if not batch.items:  # all of them were cancelled
            return
        try:
            with batch.run():
                results = one_for_each(await self._fn(batch.items), len(batch.items), self._name)
        except BaseException as error:
            batch.fail(error)
            if not is_a(error, Exception):
                raise
        else:
            batch.finish(results)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # said to the callers
        self.task = self._batch = None
        self.start()


class AsyncBatcher(Generic[T, R]):
    """A coroutine function whose simultaneous calls share their runs.

    Arguments: as those of `Batcher`; `fn` is awaited, in a task of its own. Calls from several event loops have a queue
    for each, since a coroutine belongs to its loop.
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
        if not is_coroutine_function(fn):
            raise TelemetryError(f"{name_of(fn, name)} is no coroutine function", "use Batcher, or write async def")
        self._fn = fn
        self._closed = False
        self.name = name_of(fn, name)
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lane] = WeakKeyDictionary()
        enlist(self)

    def renew(self) -> None:
        """Begin anew in a forked child: the event loops are the parent's."""
        self._lanes = WeakKeyDictionary()

    @property
    def length(self) -> int:
        """Items that wait, those that run not among them."""
        return sum(lane.waiting.length for lane in tuple(self._lanes.values()))

    async def __call__(self, items: Sequence[T]) -> list[R]:
        """Return the results of `items`, those of one request, in their order.

        Called from within the function itself, it runs the function at once. Where the caller is cancelled, items
        that still wait are forgotten, and a batch goes on as long as anybody waits for a part of it. Raises what the
        function raises, or the first exception that it returned in place of one of these items; QueueFull,
        BatcherClosed, WrongResults, BatchBroken.
        """
        within = batches_around()
        call = _Call(listed(items, self.name), within)
        if any(batch.owner is self for batch in within):
            call.results = one_for_each(await self._fn(call.items), len(call.items), self.name)
        elif call.items:
            watch_lengths(self)
            await self._answer(call)
        return call.outcome(self.name)

    async def close(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109  what still waits then is told so
        """Refuse further calls, and wait at most `timeout` seconds until those of this event loop are answered.

        Those still waiting then fail with BatcherClosed; the batch that runs goes on. Returns whether all were
        answered.
        """
        self._closed = True
        for lane in tuple(self._lanes.values()):
            lane.waiting.closed = True
        return await self._lane().drain(time.monotonic() + timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    async def _answer(self, call: _Call) -> None:
        lane = self._lane()
        lane.waiting.add(call)
        lane.start()
        try:
            await call.future
        except BaseException:  # cancelled, or closed by hand
            lane.withdraw(call)
            raise
        finally:
            call.tell(self.name)

    def _lane(self) -> _Lane:
        loop = asyncio.get_running_loop()
        lane = self._lanes.get(loop)
        if lane is None:
            for other in tuple(self._lanes):
                if other.is_closed():
                    self._lanes.pop(other, None)
            lane = self._lanes[loop] = _Lane(self._fn, self.name, self._limits)
            lane.owner, lane.waiting.closed = self, self._closed
        return lane
