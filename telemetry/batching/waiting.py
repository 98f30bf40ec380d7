"""The calls of a batched function, from their arrival to their results.

In: the items of each call; the results of batches. Out: parts of calls for the next batch, in order of arrival; to the
caller its results or an exception; on the caller's span the wait, its share of the batches, and links to them. State:
each call's, owned by its caller, and written only by a batch while that holds some of its items; a queue of at most
`max_queue` items, owned and locked by one batcher.

The caller writes on its span in its own thread or task, so the span cannot have ended. A call with more items than fit
into a batch is split: batches are full, and the call ends no later than if it had waited for a batch of its own.
"""

import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanContext

from telemetry import conventions as c
from telemetry.batching.errors import BatcherClosed, QueueFull, for_one_caller
from telemetry.batching.limits import Limits
from telemetry.recording import providers
from telemetry.recording.clock import clock
from telemetry.recording.guard import guard
from telemetry.recording.metrics.instruments import record_of
from telemetry.recording.request.baggage import operation_of


@dataclass(slots=True)
class BatchLink:
    """A batch that served a call: when it started, its span, and the call's share of its seconds."""

    start: int
    span: SpanContext
    share: float = 0.0


def item_list(items: Any, name: str) -> list[Any]:
    """Return the items of a call. Raises TypeError, also for a string: it is one item."""
    if not isinstance(items, Iterable) or isinstance(items, str | bytes | Mapping):
        raise TypeError(f"{name} takes a list of items, not one {type(items).__name__}: write {name}([item])")
    return list(items)


class Call:
    """Arguments: the items, and the enclosing batches. Subclasses wake the caller."""

    __slots__ = ("_missing", "context", "error", "items", "links", "queued", "results", "start", "taken", "within")

    def __init__(self, items: list[Any], within: tuple[Any, ...]) -> None:
        self.items = items
        self.results: list[Any] = [None] * len(items)
        self.taken = 0  # number of items that are in batches
        self._missing = len(items)  # number of items without a result
        self.error: Exception | None = None
        self.within = within
        self.links: list[BatchLink] = []
        self.context = otel_context.get_current() if providers.recording() else None
        self.start = 0 if self.context is None else clock.steady()
        self.queued = time.monotonic()  # not `clock`, which tests replace

    @property
    def done(self) -> bool:
        """Whether the caller has all its results, or an exception."""
        return not self._missing or self.error is not None

    @property
    def waits(self) -> bool:
        """Whether some items are not in a batch yet."""
        return self.taken < len(self.items)

    @property
    def abandoned(self) -> bool:
        """Whether the caller has stopped waiting."""
        return False

    def wake(self) -> None:
        """Wake the caller, to check whether it is done, or must run the next batch."""
        raise NotImplementedError

    def receive(self, start: int, results: list[Any]) -> None:
        """Store the results of the items from `start` on."""
        self.results[start : start + len(results)] = results
        self._missing -= len(results)
        if self.done:
            self.wake()

    def fail(self, error: Exception) -> None:
        """End with `error`, unless the call has failed already."""
        self.error = error if self.error is None else self.error
        self.wake()

    def outcome(self, name: str) -> list[Any]:
        """Return the results. Raises the exception of a batch, else the first exception among the results."""
        error = self.error
        if error is None:
            error = next((r for r in self.results if issubclass(type(r), BaseException)), None)
        if error is None:
            return self.results
        try:
            raise for_one_caller(error, name)
        finally:
            del error  # its traceback refers to this frame: a reference cycle
            self.error = None
            self.results = []

    def record(self, name: str) -> None:
        """Record the wait, and on the caller's span the wait, the share and the links. Never raises."""
        if self.context is None or not self.links:
            return
        with guard:
            waited = max(0, self.links[0].start - self.start) / 1e9
            span = trace.get_current_span(self.context)
            record = record_of(c.QUEUE_WAIT_DURATION, operation_of(self.context), name)
            if record is not None:
                record(waited, span)
            if span.is_recording():
                share = sum([link.share for link in self.links])
                span.set_attributes({c.SEARCH_BATCH_QUEUE_WAIT.name: waited, c.SEARCH_BATCH_SHARE.name: share})
                for link in self.links:
                    if link.span.trace_flags.sampled:
                        span.add_link(link.span)


class Part(NamedTuple):
    """The items `start` to `stop` of a call, `stop` excluded."""

    call: Call
    start: int
    stop: int


class CallQueue:
    """The calls that wait. Arguments: the batcher's name, and how many items may wait."""

    def __init__(self, name: str, limit: int, *, closed: bool = False) -> None:
        self._name = name
        self._limit = limit
        self._calls: deque[Call] = deque()
        self.closed = closed
        self.length = 0  # items, of all calls

    def add(self, call: Call) -> None:
        """Queue `call`. Raises BatcherClosed and QueueFull."""
        if self.closed:
            raise self.closed_error()
        size = len(call.items)
        if self.length + size > self._limit:
            raise QueueFull(
                f"{self._name} has {self.length} items waiting and was given {size} more; max_queue is {self._limit}",
                "call again later, with fewer items at once, or raise max_queue",
            )
        self._calls.append(call)
        self.length += size

    def closed_error(self) -> BatcherClosed:
        """Return the exception that callers get once the batcher is closed."""
        return BatcherClosed(f"the batcher of {self._name} is closed", "call it before it is closed, or make a new one")

    def take(self, room: int) -> list[Part]:
        """Remove and return the oldest items, at most `room`."""
        parts = []
        while room and self._calls:
            call = self._calls[0]
            if call.done or call.abandoned:  # done: an earlier part has failed
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
        """Return the call that has waited longest; None if there is none."""
        return self._calls[0] if self._calls else None

    @property
    def since(self) -> float:
        """When the oldest call was queued, by `time.monotonic`; 0 if there is none."""
        return self._calls[0].queued if self._calls else 0.0

    def remove(self, call: Call) -> None:
        """Remove the items of a call that still wait."""
        if call in self._calls:
            self._calls.remove(call)
            self.length -= len(call.items) - call.taken
            call.taken = len(call.items)

    def clear(self) -> list[Call]:
        """Remove everything; return the calls that had items waiting."""
        calls = list(self._calls)
        self._calls.clear()
        self.length = 0
        return calls


def readings(length: int, limits: Limits, *, closed: bool) -> Mapping[c.Metric, int]:
    """Return the values of a batcher's metrics, of which `length` items wait; none once it is closed and empty."""
    return {} if closed and not length else {c.QUEUE_LENGTH: length, c.BATCH_LIMIT: limits.max_size}
