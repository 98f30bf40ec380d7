"""Runs blocking work in threads, in the request's own context."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import ParamSpec, TypeVar

from telemetry.context import ThreadPoolExecutor

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def in_pool(pool: ThreadPoolExecutor, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
    """Start `function` in a thread of `pool` at once and return its future.

    The pool keeps the context: what the thread traces or logs belongs to the request.
    """
    return asyncio.get_running_loop().run_in_executor(pool, partial(function, *args, **kwargs))


def one_ahead(start: Callable[[T], Awaitable[R]], items: Iterable[T]) -> Iterator[asyncio.Future[R]]:
    """Yield the future of each item, the next item's work being started first: it goes on beside the caller's.

    What was started ahead is cancelled, and its failure let go, where the caller leaves early.
    """
    futures = (asyncio.ensure_future(start(item)) for item in items)
    current = next(futures, None)
    while current is not None:
        following = next(futures, None)
        try:
            yield current
        except GeneratorExit:
            if following is not None:
                following.cancel()
                following.add_done_callback(lambda future: future.cancelled() or future.exception())
            raise
        current = following
