"""The registry of hooks that run at a fork, with their order, and the imports that a fork waits for.

In: hooks with their ranks, from any thread. Out: calls of the hooks, in a forked child by rank. State: the hooks, which
are never removed, and a lock.
"""

import os
import threading
import weakref
from bisect import insort
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum, auto
from functools import partial
from operator import itemgetter
from typing import TypeVar

from telemetry.recording.guard import guard

T = TypeVar("T")
Hook = Callable[[], object]
_LONGEST_IMPORT = 5.0  # seconds


class Rank(IntEnum):
    """The order of the hooks in a forked child, first to last."""

    GENERATION = auto()
    """Spans that are open belong to the parent."""
    BOUNDS = auto()
    """No attribute has a value yet."""
    SERIES = auto()
    """There are no series yet: they depend on `BOUNDS`."""
    CONFIGURATION = auto()
    """The lock of `configure` is free, and the child can be named."""
    SOURCES = auto()
    """No calls wait for a batch, and none for a thread."""
    CONNECTIONS = auto()
    """The parent's connections are closed, without a shutdown."""
    PIPELINES = auto()
    """Pipelines start again with new threads, after the SDK's own hooks, which set a new `service.instance.id`."""


class Importing:
    """A `with` block around an import on a thread of ours, which a fork waits for.

    A child that is forked in the middle of an import has a half-initialized module for ever, and an import of it
    waits for a thread of the parent.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def before(self) -> None:
        """Wait, in the thread that forks, until nothing is imported, but not for ever."""
        self._lock.acquire(timeout=_LONGEST_IMPORT)

    def after_in_parent(self) -> None:
        """Let others import again, unless `before` has given up."""
        with suppress(RuntimeError):
            self._lock.release()

    def after_in_child(self) -> None:
        """Let others import again."""
        self._lock = threading.RLock()


importing = Importing()
_in_child: list[tuple[Rank, Hook]] = []


def in_child(rank: Rank, hook: Hook) -> None:
    """Call `hook` in every forked child, in the order of `rank`."""
    if rank is Rank.PIPELINES:
        _register(after_in_child=partial(_call, hook))  # so it runs after the hooks that exist already
    else:
        insort(_in_child, (rank, hook), key=itemgetter(0))


def in_parent(hook: Hook) -> None:
    """Call `hook` in a process that has forked."""
    _register(after_in_parent=partial(_call, hook))


def weakly(hook: Callable[[T], object], owner: T) -> Hook:
    """Return a hook that calls `hook(owner)` while `owner` exists, and does not keep it alive."""
    weak = weakref.ref(owner)

    def call() -> None:
        alive = weak()
        if alive is not None:
            hook(alive)

    return call


def _call(hook: Hook) -> None:
    with guard:
        hook()


def _call_all() -> None:
    for _, hook in _in_child:
        _call(hook)


def _register(**hooks: Hook) -> None:
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(**hooks)


_register(after_in_child=_call_all)
_register(before=importing.before, after_in_parent=importing.after_in_parent, after_in_child=importing.after_in_child)
