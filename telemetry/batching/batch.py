"""One batch: the items of several calls, one run of the function.

In: parts of calls. Out: a span in a trace of its own, linked to every call in it; metrics; to each call its results or
the exception. State: one `Batch`, owned by the thread or task that runs it.

The batch belongs to no request: it runs in an empty context, so that no caller's baggage, span or context variable
reaches it, or leaves it.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.batching.errors import WrongResults, duplicate, for_one_caller
from telemetry.batching.waiting import Part, Visit
from telemetry.recording import providers
from telemetry.recording.clock import clock
from telemetry.recording.exceptions import Ending
from telemetry.recording.guard import guard
from telemetry.recording.instruments import observe
from telemetry.recording.recorder import NO_ACTIVITY, Activity, Run
from telemetry.recording.sampling import follow

_within: Final[ContextVar[tuple["Batch", ...]]] = ContextVar("search-telemetry-within-batches", default=())


def batches_around() -> tuple["Batch", ...]:
    """Return the batches that run around the current call: the innermost, and those that its callers are in."""
    around = _within.get()
    return tuple(batch for batch in around if batch.running) if around else around


class Batch:
    """Arguments: who batches, its name, and the parts of calls."""

    def __init__(self, owner: object, name: str, parts: list[Part]) -> None:
        self.owner = owner
        self.running = False
        self.parts = parts
        self.items = [item for part in parts for item in part.call.items[part.start : part.stop]]
        self._name = name

    @property
    def deserted(self) -> bool:
        """Whether nobody waits for any of it."""
        return all(part.call.gone for part in self.parts)

    @contextmanager
    def run(self) -> Iterator[None]:
        """Run the function in this block, in an empty context; calls made inside it know that they are."""
        others = (batch for part in self.parts for batch in part.call.within)
        _within.set(tuple(dict.fromkeys((self, *others))))
        self.running = True
        try:
            with self._begin():
                yield
        finally:
            self.running = False

    def finish(self, results: list[Any]) -> None:
        """Give each call its results."""
        _apart(results)
        offset = 0
        for part in self.parts:
            size = part.stop - part.start
            part.call.receive(part.start, results[offset : offset + size])
            offset += size

    def fail(self, error: BaseException) -> None:
        """Give each call the exception that ended the function: the first one as it is, the others one of their own."""
        own = for_one_caller(error, self._name)
        for number, part in enumerate(self.parts):
            part.call.fail(duplicate(own) if number else own)

    def _begin(self) -> Run:
        if not providers.recording():
            return NO_ACTIVITY
        with guard:
            return self._start()
        return NO_ACTIVITY

    def _start(self) -> Activity:
        began = clock.steady()
        contexts = (part.call.context for part in self.parts)
        callers = {(span.trace_id, span.span_id): span for span in map(_span_of, contexts) if span.is_valid}
        attributes: dict[str, AttributeValue] = {
            c.SEARCH_STAGE.name: self._name,
            c.MINIBATCH_SIZE.name: len(self.items),
            c.SEARCH_BATCH_REQUESTS.name: len(self.parts),
        }
        sampled = [Link(span) for span in callers.values() if span.trace_flags.sampled]
        activity = Activity(
            c.BATCH.name, attributes, self._account, sampled, follow(bool(sampled)) if callers else Context()
        )
        identity = activity.span.get_span_context()
        for part in self.parts:
            part.call.visits.append(Visit(began, identity))
        return activity

    def _account(self, seconds: float, ending: Ending, context: Context) -> None:
        for part in self.parts:
            if part.call.visits:
                part.call.visits[-1].share = seconds * (part.stop - part.start) / len(self.items)
        labels: dict[str, AttributeValue] = {c.SEARCH_STAGE.name: self._name}
        if ending.error is not None:
            labels[c.ERROR_TYPE.name] = ending.error
        observe(c.STAGE_DURATION, seconds, labels, context)
        observe(c.BATCH_SIZE, len(self.items), labels, context)


def one_for_each(results: Any, count: int, name: str) -> list[Any]:
    """Return the results of `count` items as a list: rows of an array, what an iterable gives. Raises WrongResults."""
    if not isinstance(results, Iterable) or isinstance(results, str | bytes | Mapping):
        raise WrongResults(
            f"{name} returned a {type(results).__name__}", "return a list with one result for each item, in their order"
        )
    listed = list(results)
    if len(listed) != count:
        raise WrongResults(
            f"{name} was given {count} items and returned {len(listed)} results",
            "return one result for each item, in their order; an exception in place of one that failed",
        )
    return listed


def _span_of(context: Context | None) -> trace.SpanContext:
    return trace.INVALID_SPAN_CONTEXT if context is None else trace.get_current_span(context).get_span_context()


def _apart(results: list[Any]) -> None:
    """Where one exception stands for several items, give each of them its own."""
    met: set[int] = set()
    for number, result in enumerate(results):
        if issubclass(type(result), Exception):
            if id(result) in met:
                results[number] = duplicate(result)
            met.add(id(result))
