"""One call of a batched function: its items on the way in, its results on the way out.

In: the items of one request; what batches make of them. Out: the results or the exception, to the caller; in the
caller's trace the links to the batches, its wait and its share. State: all of it, owned by the caller and,
while a batch holds some of its items, written by that batch alone.

The caller itself writes on its span, in its own thread or task: the span cannot have ended yet.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanContext

from telemetry import conventions as c
from telemetry.batching.errors import for_one_caller
from telemetry.recording import providers
from telemetry.recording.clock import clock
from telemetry.recording.guard import guard
from telemetry.recording.instruments import observe


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
