"""How full the queues, batches and thread pools of stages are, read whenever metrics are collected.

In: sources, each of them serving one stage. Out: the sums of their readings by stage. State: weak references to all
sources of the process, so that one that is gone leaves its series; in a forked child none is in use.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final, Protocol
from weakref import WeakSet

from telemetry import conventions as c
from telemetry.recording.clock import metrics_generation
from telemetry.recording.fork import Rank, in_child
from telemetry.recording.metrics.instruments import watch
from telemetry.recording.request.bounds import bounds

_METRICS: Final = (c.STAGE_ACTIVE, c.STAGE_LIMIT, c.BATCH_LIMIT, c.QUEUE_LENGTH)


class Source(Protocol):
    """A batcher or a thread pool."""

    measured_in: object
    """The generation of metrics in which it was last measured; None before. `measure` sets it."""

    @property
    def name(self) -> str:
        """The stage that it serves."""

    def readings(self) -> Mapping[c.Metric, int]:
        """Return the current value of each metric that it has; none once it is closed and idle."""

    def renew(self) -> None:
        """Start over in a forked child, without what waits and runs in the parent, and without its locks."""


_sources: Final[WeakSet[Any]] = WeakSet()
_unused: Final[WeakSet[Any]] = WeakSet()
_watching: list[object] = []  # the generation of metrics in which sources are read


def register(source: Source) -> None:
    """Include `source` in metrics once it is used, and in fork handling, as long as it exists."""
    _sources.add(source)
    _unused.add(source)
    bounds.declare(c.SEARCH_STAGE, source.name)


def measure(source: Source) -> None:
    """Read all sources in use, from now on also `source`, at each collection of metrics. To be called at each use."""
    now = metrics_generation.current
    if source.measured_in is now:
        return
    source.measured_in = now
    _unused.discard(source)
    if now not in _watching:
        _watching[:] = [now]
        for metric in _METRICS:
            watch(metric, partial(_read, metric))


def forget_unused() -> None:
    """Stop reading each source until it is used again: a test must not see the queues of an earlier one."""
    for source in tuple(_sources):
        source.measured_in = None
    _unused.update(_sources)


def _read(metric: c.Metric) -> Iterator[tuple[float, Mapping[str, str | bool | int]]]:
    totals: Counter[str | bool | int] = Counter()
    for source in set(_sources) - set(_unused):
        value = source.readings().get(metric)
        if value is not None:
            totals[bounds.bounded(c.SEARCH_STAGE, source.name, count=False)] += value
    for name, total in totals.items():
        yield total, {c.SEARCH_STAGE.name: name}


def _renew_all() -> None:
    forget_unused()
    for source in tuple(_sources):
        source.renew()


in_child(Rank.SOURCES, _renew_all)
