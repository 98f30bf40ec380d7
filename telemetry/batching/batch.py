"""One batch: the items of several calls, one run of the function.

In: parts of calls. Out: a span in a trace of its own, linked to every call in it; metrics; each call's results or
exception. State: one `Batch`, owned by the thread or task that runs it.

A batch does not belong to any single request, so it runs in an empty context: it sees no caller's baggage, span or
context variables, and sets none. Its baggage has one entry: endpoints that the function calls are not entries.
"""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from functools import cache
from types import TracebackType
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.batching.errors import WrongResults, duplicate, for_one_caller
from telemetry.batching.waiting import BatchLink, Part
from telemetry.recording import providers
from telemetry.recording.clock import clock
from telemetry.recording.guard import guard
from telemetry.recording.metrics.instruments import record_of
from telemetry.recording.request.request import entered
from telemetry.recording.runs.exceptions import Ending
from telemetry.recording.runs.recorder import NO_RECORDER, Recorder, SpanRecorder
from telemetry.recording.traces.sampling import root_context

_within: Final[ContextVar[tuple["Batch", ...]]] = ContextVar("search-telemetry-within-batches", default=())


def enclosing_batches() -> tuple["Batch", ...]:
    """Return the batches that enclose the current call, the innermost first."""
    batches = _within.get()
    return tuple(batch for batch in batches if batch.running) if batches else batches


class Batch:
    """Arguments: the batcher, its name, and the parts of calls."""

    def __init__(self, owner: object, name: str, parts: list[Part]) -> None:
        self.owner = owner
        self.running = False
        self.parts = parts
        self.items = [item for part in parts for item in part.call.items[part.start : part.stop]]
        self._name = name

    @property
    def abandoned(self) -> bool:
        """Whether no caller waits for it any more."""
        return all(part.call.abandoned for part in self.parts)

    def __enter__(self) -> None:
        """Record the block that runs the function. Calls made in it can find this batch by `enclosing_batches`."""
        others = [batch for part in self.parts for batch in part.call.within]
        _within.set(tuple(dict.fromkeys((self, *others))) if others else (self,))
        self.running = True
        self._recorder = self._begin()
        self._recorder.__enter__()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        try:
            self._recorder.__exit__(kind, exc, tb)
        finally:
            self.running = False

    def finish(self, results: list[Any]) -> None:
        """Pass each call its results."""
        _separate_exceptions(results)
        offset = 0
        for part in self.parts:
            size = part.stop - part.start
            part.call.receive(part.start, results[offset : offset + size])
            offset += size

    def fail(self, error: BaseException) -> None:
        """Pass each call the exception that ended the function: the first call the original, the others a copy."""
        own = for_one_caller(error, self._name)
        for number, part in enumerate(self.parts):
            part.call.fail(duplicate(own) if number else own)

    def _begin(self) -> Recorder:
        if not providers.recording():
            return NO_RECORDER
        with guard:
            return self._start()
        return NO_RECORDER

    def _start(self) -> SpanRecorder:
        start = clock.steady()
        contexts = (part.call.context for part in self.parts)
        spans = [_span_of(context) for context in contexts if context is not None]
        callers = {(span.trace_id, span.span_id): span for span in spans if span.is_valid}
        attributes: dict[str, AttributeValue] = {
            c.SEARCH_STAGE.name: self._name,
            c.MINIBATCH_SIZE.name: len(self.items),
            c.SEARCH_BATCH_REQUESTS.name: len(self.parts),
        }
        sampled = [Link(span) for span in callers.values() if span.trace_flags.sampled]
        recorder = SpanRecorder(
            c.BATCH.name,
            attributes,
            self._at_end,
            sampled,
            _context(bool(sampled) if callers else None),
        )
        identity = recorder.span.get_span_context()
        for part in self.parts:
            part.call.links.append(BatchLink(start, identity))
        return recorder

    def _at_end(self, seconds: float, ending: Ending, run: SpanRecorder) -> None:
        for part in self.parts:
            if part.call.links:
                part.call.links[-1].share = seconds * (part.stop - part.start) / len(self.items)
        duration = record_of(c.STAGE_DURATION, run.baggage.operation, self._name, ending.error)
        if duration is not None:
            duration(seconds, run.span)
        size = record_of(c.BATCH_SIZE, self._name)
        if size is not None:
            size(len(self.items), run.span)


def result_list(results: Any, count: int, name: str) -> list[Any]:
    """Return the results of `count` items as a list, from any iterable or array. Raises WrongResults."""
    if not isinstance(results, Iterable) or isinstance(results, str | bytes | Mapping):
        raise WrongResults(
            f"{name} returned a {type(results).__name__}", "return a list with one result for each item, in their order"
        )
    found = list(results)
    if len(found) != count:
        raise WrongResults(
            f"{name} was given {count} items and returned {len(found)} results",
            "return one result for each item, in their order; for an item that failed, return the exception",
        )
    return found


def _span_of(context: Context) -> trace.SpanContext:
    return trace.get_current_span(context).get_span_context()


@cache
def _context(sampled: bool | None) -> Context:
    """Return the context of batches: sampled or not; None: as the sampler decides. Whoever changes it copies it."""
    return entered(Context() if sampled is None else root_context(sampled))


def _separate_exceptions(results: list[Any]) -> None:
    """Replace an exception that was returned for several items by a copy for each."""
    seen: set[int] = set()
    for number, result in enumerate(results):
        if issubclass(type(result), Exception):
            if id(result) in seen:
                results[number] = duplicate(result)
            seen.add(id(result))
