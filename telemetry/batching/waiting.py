"""The calls of a batched function, from their arrival to their results.

In: the items of each call; what batches make of them. Out: parts of calls, enough for one batch, first come, first
served; the results or the exception, to the caller; in the caller's trace the links to the batches, its wait and its
share. In a forked child, batchers begun anew; when metrics are collected, how many items wait. State: that of a call,
owned by its caller and, while a batch holds some of its items, written by that batch alone; the queue of at most
`max_queue` items, owned by one batcher, which guards it; all batchers of the process, weakly held.

The caller itself writes on its span, in its own thread or task: the span cannot have ended yet. A call with more items
than a batch has room for is taken in parts: batches are full, and it ends no later than if it had waited for a batch of
its own.
"""

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol
from weakref import WeakSet

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanContext

from telemetry import conventions as c
from telemetry.batching.errors import BatcherClosed, QueueFull, for_one_caller
from telemetry.recording import providers
from telemetry.recording.bounds import bounds
from telemetry.recording.clock import clock
from telemetry.recording.fork import Rank, in_child
from telemetry.recording.guard import guard
from telemetry.recording.instruments import observe, watch


@dataclass(slots=True)
class Visit:
    """What a call had from one batch: when that began, its span, and the call's share of its seconds."""

    began: int
    span: SpanContext
    share: float = 0.0


def listed(items: Any, name: str) -> list[Any]:
    """Return the items of a call; one text is no list of letters. Raises TypeError."""
    if not isinstance(items, Iterable) or isinstance(items, str | bytes | Mapping):
        raise TypeError(f"{name} takes a list of items, not one {type(items).__name__}: write {name}([item])")
    return list(items)


class Call:
    """Arguments: the call's items. Subclasses say how the caller is woken."""

    __slots__ = ("_left", "context", "error", "items", "queued", "results", "since", "taken", "visits", "within")

    def __init__(self, items: list[Any], within: tuple[Any, ...]) -> None:
        self.items = items
        self.results: list[Any] = [None] * len(items)
        self.taken = 0  # items that went into batches
        self._left = len(items)  # items without a result
        self.error: Exception | None = None
        self.within = within  # the batches that the call is made from
        self.visits: list[Visit] = []
        self.context = otel_context.get_current() if providers.recording() else None
        self.since = 0 if self.context is None else clock.steady()
        self.queued = time.monotonic()  # by the real clock, also where a test has put another in our clock's place

    @property
    def done(self) -> bool:
        """Whether the caller has its answer."""
        return not self._left or self.error is not None

    @property
    def waits(self) -> bool:
        """Whether some of its items are in no batch yet."""
        return self.taken < len(self.items)

    @property
    def gone(self) -> bool:
        """Whether the caller waits no more."""
        return False

    def wake(self) -> None:
        """Tell the caller to look at its call again."""
        raise NotImplementedError

    def receive(self, start: int, results: list[Any]) -> None:
        """Take the results of the items from `start` on."""
        self.results[start : start + len(results)] = results
        self._left -= len(results)
        if self.done:
            self.wake()

    def fail(self, error: Exception) -> None:
        """End with `error`."""
        self.error = error if self.error is None else self.error
        self.wake()

    def outcome(self, name: str) -> list[Any]:
        """Return the results; raise what the batch raised, else the first exception among the results."""
        error = self.error
        if error is None:
            error = next((r for r in self.results if issubclass(type(r), BaseException)), None)
        if error is None:
            return self.results
        try:
            raise for_one_caller(error, name)
        finally:
            del error  # its traceback holds this frame
            self.error = None
            self.results = []

    def tell(self, name: str) -> None:
        """Write wait, share and links on the span that is current where the call was made. Never raises."""
        if self.context is None or not self.visits:
            return
        with guard:
            waited = max(0, self.visits[0].began - self.since) / 1e9
            observe(c.QUEUE_WAIT_DURATION, waited, {c.SEARCH_STAGE.name: name}, self.context)
            span = trace.get_current_span(self.context)
            if span.is_recording():
                span.set_attribute(c.SEARCH_BATCH_QUEUE_WAIT.name, waited)
                span.set_attribute(c.SEARCH_BATCH_SHARE.name, sum(visit.share for visit in self.visits))
                for visit in self.visits:
                    if visit.span.trace_flags.sampled:
                        span.add_link(visit.span)


class Part(NamedTuple):
    """Some of a call's items: those from `start` to before `stop`."""

    call: Call
    start: int
    stop: int


class Waiting:
    """Arguments: the batcher's name, and how many items may wait."""

    def __init__(self, name: str, limit: int, *, closed: bool = False) -> None:
        self._name = name
        self._limit = limit
        self._calls: deque[Call] = deque()
        self.closed = closed
        self.length = 0  # items, of all calls

    def add(self, call: Call) -> None:
        """Let `call` wait. Raises BatcherClosed and QueueFull."""
        if self.closed:
            raise self.refusal()
        size = len(call.items)
        if self.length + size > self._limit:
            raise QueueFull(
                f"{self._name} has {self.length} items waiting and was given {size} more; max_queue is {self._limit}",
                "call again later, with fewer items at once, or raise max_queue",
            )
        self._calls.append(call)
        self.length += size

    def refusal(self) -> BatcherClosed:
        """Return what callers get once the batcher is closed."""
        return BatcherClosed(f"the batcher of {self._name} is closed", "call it before it is closed, or make a new one")

    def take(self, room: int) -> list[Part]:
        """Take the oldest items out, at most `room`."""
        parts = []
        while room and self._calls:
            call = self._calls[0]
            if call.done or call.gone:  # an earlier part of it has failed, or nobody waits for it
                self.remove(call)
                continue
            stop = min(call.taken + room, len(call.items))
            parts.append(Part(call, call.taken, stop))
            room -= stop - call.taken
            self.length -= stop - call.taken
            call.taken = stop
            if stop == len(call.items):
                self._calls.popleft()
        return parts

    def oldest(self) -> Call | None:
        """Return the call that has waited longest."""
        return self._calls[0] if self._calls else None

    @property
    def since(self) -> float:
        """When that call began to wait, by `time.monotonic`; 0 where none waits."""
        return self._calls[0].queued if self._calls else 0.0

    def remove(self, call: Call) -> None:
        """Take out what still waits of a call."""
        if call in self._calls:
            self._calls.remove(call)
            self.length -= len(call.items) - call.taken
            call.taken = len(call.items)

    def clear(self) -> list[Call]:
        """Take out everything, and return the calls that had items waiting."""
        calls = list(self._calls)
        self._calls.clear()
        self.length = 0
        return calls


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


def forget_unused() -> None:
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


in_child(Rank.BATCHERS, _renew_all)
