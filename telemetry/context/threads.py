"""A thread pool whose tasks run in the context of the caller."""

import concurrent.futures
import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from telemetry.recording.current import attach, detach

P = ParamSpec("P")
R = TypeVar("R")


class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """`concurrent.futures.ThreadPoolExecutor`, with the same arguments, that propagates the context of the request.

    Also for asyncio: `loop.run_in_executor(pool, work)`, `loop.set_default_executor(pool)`.
    """

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run `fn` in a thread of the pool, in the current context."""
        return super().submit(_run, otel_context.get_current(), fn, *args, **kwargs)

    def map(self, fn: Callable[..., R], *iterables: Iterable[Any], **options: Any) -> Iterator[R]:
        """Run `fn` on each item, in the current context, also on items that are submitted later."""
        return super().map(functools.partial(_run, otel_context.get_current(), fn), *iterables, **options)


def _run(context: Context, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> R:
    token = attach(context)
    try:
        return fn(*args, **kwargs)
    finally:
        detach(token, context)
        del context, fn, args, kwargs  # the traceback of an exception refers to this frame
