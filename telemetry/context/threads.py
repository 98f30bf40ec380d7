"""A thread pool whose tasks run in the context of the caller, and that measures how full it is.

In: tasks, from any thread. Out: their futures; the wait of each task; what waits and works, and the limit, whenever
metrics are collected. State: the tasks of one pool that wait and work, owned by its `_Usage`. It has no lock, which
could be held at a fork: single operations on a set are atomic.
"""

import concurrent.futures
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context

from telemetry import conventions as c
from telemetry.errors import TelemetryError
from telemetry.recording import providers
from telemetry.recording.clock import clock
from telemetry.recording.current import attach, detach
from telemetry.recording.guard import guard
from telemetry.recording.metrics.instruments import record_of
from telemetry.recording.metrics.saturation import measure, register
from telemetry.recording.request.baggage import operation_of

P = ParamSpec("P")
R = TypeVar("R")


class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """`concurrent.futures.ThreadPoolExecutor`, with the same arguments, that propagates the context of the request.

    Also for asyncio: `loop.run_in_executor(pool, work)`, `loop.set_default_executor(pool)`.

    With `stage`, the name of the stage that it serves, it is measured: `search.stage.active`, `search.stage.limit`,
    `search.queue.length` and `search.queue.wait.duration`. Pools of one stage add up. Raises TelemetryError for a
    `stage` that is not a name.
    """

    def __init__(self, *args: Any, stage: str | None = None, **kwargs: Any) -> None:
        if stage is not None and (not isinstance(stage, str) or not stage):
            raise TelemetryError(f"stage={stage!r:.80} is not a non-empty string", 'write stage="preprocess"')
        super().__init__(*args, **kwargs)
        self._usage = None if stage is None else _Usage(stage, self._max_workers)

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run `fn` in a thread of the pool, in the current context."""
        if self._usage is None or not providers.recording():
            return super().submit(_run, otel_context.get_current(), fn, *args, **kwargs)
        measure(self._usage)
        task = _Task(self._usage, otel_context.get_current())
        try:
            future = super().submit(_run_measured, task, fn, *args, **kwargs)
        except BaseException:  # it was shut down
            task.leave()
            raise
        future.add_done_callback(task.leave)  # it may be cancelled while it waits
        return future

    def map(self, fn: Callable[..., R], *iterables: Iterable[Any], **options: Any) -> Iterator[R]:
        """Run `fn` on each item, in the current context, also on items that are submitted later."""
        return super().map(functools.partial(_run, otel_context.get_current(), fn), *iterables, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Refuse further tasks, as the standard pool does; once the last has ended, the pool has no limit any more."""
        if self._usage is not None:
            self._usage.closed = True
        super().shutdown(wait, cancel_futures=cancel_futures)


class _Usage:
    """What of a pool waits and works. Arguments: the stage that it serves, and its most threads."""

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.closed = False
        self.measured_in: object = None
        self._limit = limit
        self.renew()
        register(self)
        measure(self)

    def renew(self) -> None:
        """Start over in a forked child, which does not have the threads of its parent."""
        self.waiting: set[_Task] = set()
        self.active: set[_Task] = set()

    def readings(self) -> Mapping[c.Metric, int]:
        """Return the current values of its metrics; none once it is shut down and idle."""
        waiting, active = len(self.waiting), len(self.active)
        if self.closed and not waiting and not active:
            return {}
        return {c.QUEUE_LENGTH: waiting, c.STAGE_ACTIVE: active, c.STAGE_LIMIT: self._limit}


class _Task:
    """One task of a measured pool: it waits from now on."""

    __slots__ = ("_context", "_queued", "_usage")

    def __init__(self, usage: _Usage, context: Context) -> None:
        self._context: Context | None = context
        self._usage = usage
        self._queued = clock.steady()
        usage.waiting.add(self)

    def begin(self) -> Context:
        """Begin to work, in a thread of the pool; return the context, which the future must not keep."""
        self._usage.active.add(self)
        self.leave()
        waited = max(0, clock.steady() - self._queued) / 1e9
        context, self._context = self._context or Context(), None
        with guard:
            record = record_of(c.QUEUE_WAIT_DURATION, operation_of(context), self._usage.name)
            if record is not None:
                record(waited, trace.get_current_span(context))
        return context

    def end(self) -> None:
        """Stop to work."""
        self._usage.active.discard(self)

    def leave(self, _: object = None) -> None:
        """Stop to wait."""
        self._usage.waiting.discard(self)


def _run(context: Context, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> R:
    token = attach(context)
    try:
        return fn(*args, **kwargs)
    finally:
        detach(token, context)
        del context, fn, args, kwargs  # the traceback of an exception refers to this frame


def _run_measured(task: _Task, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> R:
    context = task.begin()
    try:
        return _run(context, fn, *args, **kwargs)
    finally:
        task.end()
        del context, fn, args, kwargs  # as above
