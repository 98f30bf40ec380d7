"""What tests of batching work with: a gate that holds a batch, and calls in threads."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any


async def settled() -> None:
    """Let all tasks run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


def started(fn: Callable[..., Any], *args: Any) -> "Future[Any]":
    """Call `fn` in a thread of its own."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(fn(*args))
        except BaseException as error:  # noqa: BLE001  it is the test's to look at
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


class Gate:
    """A function of items that notes its batches, and holds the first one until it is opened."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, items: Sequence[Any]) -> list[Any]:
        self.batches.append(list(items))
        if len(self.batches) == 1:
            self.entered.set()
            assert self.opened.wait(10)
        return [result_of(item) for item in items]


class AsyncGate:
    """The same for tasks."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, items: Sequence[Any]) -> list[Any]:
        self.batches.append(list(items))
        if len(self.batches) == 1:
            self.entered.set()
            await self.opened.wait()
        return [result_of(item) for item in items]


def result_of(item: Any) -> Any:
    """An exception fails alone; anything else is doubled."""
    return item if isinstance(item, Exception) else item * 2
