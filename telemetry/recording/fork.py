"""What is put right at a fork, and in which order: the one registry of such hooks.

In: hooks, each with its rank; forks. Out: the hooks are called, in a forked child by rank. State: the hooks, which are
only ever added to.
"""

import os
import weakref
from bisect import insort
from collections.abc import Callable
from enum import IntEnum, auto
from functools import partial
from operator import itemgetter
from typing import TypeVar

from telemetry.recording.guard import guard

T = TypeVar("T")
Hook = Callable[[], object]


class Rank(IntEnum):
    """The order of the hooks in a forked child, first to last."""

    GENERATION = auto()
    """What began before the fork is the parent's."""
    BOUNDS = auto()
    """No attribute has taken a value."""
    SERIES = auto()
    """No series was recorded into: which there are depends on `BOUNDS`."""
    CONFIGURATION = auto()
    """The child can be named, and the lock of `configure` is free."""
    BATCHERS = auto()
    """No call waits for a batch."""
    CONNECTIONS = auto()
    """The parent's connections are closed here, and not shut down."""
    PIPELINES = auto()
    """Pipelines begin anew, and start their threads. After the SDK's hooks, which give a new `service.instance.id`."""


_in_child: list[tuple[Rank, Hook]] = []


def in_child(rank: Rank, hook: Hook) -> None:
    """Call `hook` in every forked child, when it is the turn of its `rank`."""
    if rank is Rank.PIPELINES:
        _register(after_in_child=partial(_call, hook))  # the system calls it after those that it already has
    else:
        insort(_in_child, (rank, hook), key=itemgetter(0))


def in_parent(hook: Hook) -> None:
    """Call `hook` in a process that has forked."""
    _register(after_in_parent=partial(_call, hook))


def weakly(hook: Callable[[T], object], owner: T) -> Hook:
    """Return what calls `hook(owner)` as long as there is the owner: hooks stay to the end of the process."""
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
