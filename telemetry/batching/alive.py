"""All batchers of the process, for what concerns them all: forks, and the length of their queues.

In: batchers, once each. Out: in a forked child, batchers begun anew; when metrics are collected, how many items wait.
State: the batchers, weakly held.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol
from weakref import WeakSet

from telemetry import conventions as c
from telemetry.recording.bounds import bounds
from telemetry.recording.instruments import watch


class Queueing(Protocol):
    """What is asked of every batcher."""

    @property
    def name(self) -> str:
        """What it is called in traces and metrics."""

    @property
    def length(self) -> int:
        """Items that wait."""

    def renew(self) -> None:
        """Begin anew, in a forked child: with no items, and no lock, thread or event loop of the parent's."""


_batchers: Final[WeakSet[Any]] = WeakSet()
_unused: Final[WeakSet[Any]] = WeakSet()


def enlist(batcher: Queueing) -> None:
    """Look after `batcher` as long as there is one."""
    _batchers.add(batcher)
    bounds.declare(c.SEARCH_STAGE, batcher.name)


def watch_lengths(batcher: Queueing) -> None:
    """Have the lengths of all queues measured, that of `batcher`, which is being used, among them.

    They are read where they stand, so none can be left behind.
    """
    _unused.discard(batcher)
    watch(c.QUEUE_LENGTH, _lengths)


def forget() -> None:
    """Measure no queue until its batcher is used again, so that a test does not see those of an earlier one."""
    _unused.update(_batchers)


def _lengths() -> Iterator[tuple[float, Mapping[str, str | bool | int]]]:
    lengths: Counter[str | bool | int] = Counter()
    for batcher in set(_batchers) - set(_unused):
        lengths[bounds.bounded(c.SEARCH_STAGE, batcher.name, count=False)] += batcher.length
    for name, length in lengths.items():
        yield length, {c.SEARCH_STAGE.name: name}


def _renew_all() -> None:
    for batcher in tuple(_batchers):
        batcher.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
