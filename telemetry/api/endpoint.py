"""`endpoint`: traces, times and counts the requests that an executor serves."""

import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Final, TypeVar, overload

from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.api.documents import Docs, DocumentFinder
from telemetry.api.streamed import follow
from telemetry.errors import ExceptionClasses, TelemetryError, exception_classes
from telemetry.privacy import content
from telemetry.recording import providers
from telemetry.recording.attributes import SHORT, clean, clean_and_check
from telemetry.recording.clock import metrics_generation
from telemetry.recording.current import get_current
from telemetry.recording.guard import guard
from telemetry.recording.metrics.bound_records import BoundRecords, Records, Wanted
from telemetry.recording.metrics.instruments import observe
from telemetry.recording.request.baggage import BAGGAGE, RequestBaggage, request_baggage, with_entries
from telemetry.recording.request.bounds import bounds
from telemetry.recording.request.request import REQUEST_NAME, operation_name, request_name
from telemetry.recording.request.scope import SCOPE_KEY, Scope
from telemetry.recording.runs.block import Block, F, check_decorated
from telemetry.recording.runs.callables import function_in, wrap
from telemetry.recording.runs.exceptions import ENDED_OK, Ending
from telemetry.recording.runs.inside import can_decorate, is_framework_object, trace_inside
from telemetry.recording.runs.outcome import CANCELLED, EXPECTED, REJECTED, expected_in
from telemetry.recording.runs.recorder import NO_RECORDER, Recorder, SpanRecorder

_MARK: Final = "__telemetry_endpoint__"
_content: Final = content.Process
_in_use: Final = providers.current
_MOST_KEPT: Final = 1024  # names and baggages of an endpoint
BeginIn = Callable[..., Recorder]
"""Begins a call with these arguments and keyword arguments, in the context that is given third, or the current one."""


class Endpoint(Block):
    """Trace, time and count the requests of one endpoint; made by `endpoint`."""

    __slots__ = ("_attributes", "_calls", "_docs", "_expected", "_names")
    _of_runs: ClassVar[Mapping[str, Callable[[], object]]] = {"_open": list, "_calls": dict}

    def __init__(
        self,
        names: tuple[str, ...],
        expected: ExceptionClasses = (),
        docs: Docs = None,
        attributes: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__()
        self._names = names
        self._expected = expected
        self._docs = docs
        self._attributes = attributes or {}
        self._calls: dict[tuple[str, RequestBaggage], _Call] = {}

    def __call__(self, fn: F) -> F:
        """Return a wrapper of `fn`; each call is a request at this endpoint."""
        check_decorated("endpoint", fn)
        if is_framework_object(fn):
            traced: F = trace_inside("endpoint", fn, self)
            return traced
        wrapped: F = mark(wrap(fn, self.begin_of(fn), follow))
        return wrapped

    def begin_of(self, fn: Any) -> BeginIn:
        """Return the function that begins a call of `fn`."""
        inner = function_in(fn)
        find = DocumentFinder(inner, self._docs)
        default = f"/{getattr(inner, '__name__', 'call')}"
        for name in self._names or (default,):
            bounds.declare(c.SEARCH_OPERATION, operation_name(name))

        def begin(args: tuple[Any, ...], kwargs: Mapping[str, Any], context: Context | None = None) -> Recorder:
            if (_in_use.on or providers.recording()) and not sys.is_finalizing():
                try:
                    documents, count = find(args, kwargs)
                    return self._start(default, documents, count, context)
                except Exception as error:  # noqa: BLE001  whatever it is, it is ours
                    guard.caught(error)
            return NO_RECORDER

        return begin

    def _begin(self) -> Recorder:
        if providers.recording():
            with guard:
                return self._start("/", None, None)
        return NO_RECORDER

    def _start(  # noqa: C901  one function, for speed
        self, default: str, documents: object, count: int | None, context: Context | None = None
    ) -> Recorder:
        if context is None:
            context = get_current()
        name = self._names[0] if len(self._names) == 1 else self._name(default, context)
        scope: Scope | None = context.get(SCOPE_KEY)  # type: ignore[assignment]  # only a `Scope` has this key
        entries, baggage = (Scope if scope is None else scope).parsed
        if not BAGGAGE or entries is not context.get(BAGGAGE):  # mostly it is, which takes no call
            baggage = request_baggage(context)
        call = self._calls.get((name, baggage))
        if call is None or call.generation is not bounds.generation:
            call = self._cached(name, baggage)
        if call.counts_unknown:
            baggage.count_unknown()
        values: dict[str, object] = context.copy()
        if call.entries:
            with_entries(values, call.entries)
            if baggage.operation is None:
                values[REQUEST_NAME] = call.operation
        if self._expected:
            values[EXPECTED] = (*expected_in(context), *self._expected)
        if scope is not None:
            if scope.operation is None:
                scope.operation = call.operation
            scope.describe(call.described, are_short=call.has_short_name)
        attributes = call.attributes if call.are_short else {**clean(self._attributes), **call.described_entry}
        if count is not None:
            attributes = {**attributes, c.LEN_DOCS.name: count}
        texts = content.texts_of(documents) if _content.limits is not None else None
        if texts:
            attributes = {**attributes, c.SEARCH_DOCS_TEXT.name: texts}
        run = SpanRecorder(
            name, attributes, call.at_end, values=values, baggage=call.baggage, answers=True,
            are_short=call.are_short and not texts,
        )  # fmt: skip
        run.documents = count
        return run

    def _cached(self, name: str, baggage: RequestBaggage) -> "_Call":
        """Return what calls with this name and this baggage share, and cache it."""
        call = _Call(name, baggage, self._attributes)
        if len(self._calls) >= _MOST_KEPT:
            self._calls.clear()
        self._calls[name, baggage] = call
        return call

    def _name(self, default: str, context: Context) -> str:
        return request_name(context) or (self._names[0] if self._names else default)


def mark(wrapped: Any) -> Any:
    """Mark a function, static or class method as an endpoint; `functools.wraps` copies the mark."""
    setattr(function_in(wrapped), _MARK, True)
    return wrapped


def is_marked(fn: Any) -> bool:
    """Return whether calls of `fn` create endpoint spans already."""
    return getattr(function_in(fn), _MARK, False) is True


class _Call:
    """What the calls of an endpoint with one name and one baggage have in common.

    Attributes: `operation`; `entries`, which are added to the baggage; `baggage`, with these; `attributes` of the span
    without those of the documents, and whether they `are_short`; `described`, those of the SERVER span around it, and
    whether these are short: `has_short_name`; `counts_unknown`, whether its platform or region is not known;
    `generation`, that of the bounds.
    """

    __slots__ = (
        "_labels",
        "_last",
        "are_short",
        "attributes",
        "baggage",
        "counts_unknown",
        "described",
        "described_entry",
        "entries",
        "generation",
        "has_short_name",
        "is_entry",
        "operation",
    )  # fmt: skip

    def __init__(self, name: str, baggage: RequestBaggage, attributes: Mapping[str, object]) -> None:
        self.generation = bounds.generation
        self.is_entry = not baggage.is_inner
        self.operation = operation_name(name) if baggage.operation is None else baggage.operation
        self.has_short_name = len(self.operation) <= SHORT
        self.entries: dict[str, object] = {}
        if baggage.operation is None and self.operation:
            bounds.add(c.SEARCH_OPERATION, self.operation)
            self.entries[c.SEARCH_OPERATION.name] = self.operation
        if self.is_entry:
            self.entries[c.SEARCH_ENTRY.name] = c.INNER
        self.baggage = baggage.extended(self.entries)
        self._labels = (self.operation, self.is_entry, *(baggage.client() if self.is_entry else (None, None)))
        self.counts_unknown = self.is_entry and baggage.has_unknown
        self.described_entry = {c.SEARCH_ENTRY.name: self.is_entry}
        self.described: dict[str, AttributeValue] = {c.SEARCH_OPERATION.name: self.operation, **self.described_entry}
        own, self.are_short = clean_and_check(attributes)
        self.attributes: dict[str, AttributeValue] = {**own, **self.described_entry}
        self._last: tuple[object, bool | None, Records] | None = None

    def at_end(self, seconds: float, ending: Ending, run: SpanRecorder) -> None:
        """Record the outcome of a request on its span and in metrics."""
        number, span = run.documents, run.span
        has_docs = None if number is None else number > 0
        last = self._last  # most requests end well, and have documents or have none
        if last is not None and ending is ENDED_OK and last[0] is metrics_generation.current and last[1] is has_docs:
            duration, documents, of_request, empty = last[2]
        else:
            duration, documents, of_request, empty = self._find(ending, has_docs)
        if duration is not None:
            duration(seconds, span)
        if number is not None:
            if documents is not None:
                documents(number, span)
            if of_request is not None:
                of_request(number, span)
            if empty is not None:
                empty(1, span)
        if ending is not ENDED_OK:
            _write(ending, run)

    def _find(self, ending: Ending, has_docs: bool | None) -> Records:
        generation = metrics_generation.current  # before the records are found: later ones are not its own
        key = (*self._labels, ending.outcome, ending.error, has_docs)
        records = _records.get(key)
        if records is None:
            return _records.bind(key, self._wanted(ending, has_docs))
        if ending is ENDED_OK:
            self._last = (generation, has_docs, records)
        return records

    def _wanted(self, ending: Ending, has_docs: bool | None) -> list[Wanted | None]:
        operation, is_entry, platform, region = self._labels
        labels: dict[str, AttributeValue] = {
            c.SEARCH_OPERATION.name: operation, c.SEARCH_ENTRY.name: is_entry, c.SEARCH_OUTCOME.name: ending.outcome,
        }  # fmt: skip
        if platform is not None and region is not None:
            labels |= {c.CLIENT_PLATFORM.name: platform, c.CLIENT_REGION.name: region}
        counted, entered = has_docs is not None, has_docs is not None and is_entry
        return [
            (c.REQUEST_DURATION, labels if ending.error is None else {**labels, c.ERROR_TYPE.name: ending.error}),
            (c.DOCUMENTS, labels) if counted else None,
            (c.REQUEST_DOCUMENTS, labels) if entered else None,
            (c.REQUEST_EMPTY, labels) if entered and not has_docs else None,
        ]


def _write(ending: Ending, run: SpanRecorder) -> None:
    """Write on the span what an ordinary end does not have: the outcome, the time to the first item."""
    span = run.span
    if ending.first_item is not None:
        observe(c.FIRST_ITEM_DURATION, ending.first_item, {}, run.context)
        if span.is_recording():
            span.set_attribute(c.SEARCH_FIRST_ITEM_DURATION.name, ending.first_item)
    if ending.outcome in {REJECTED, CANCELLED} and span.is_recording():  # the span's status shows the others
        span.set_attribute(c.SEARCH_OUTCOME.name, ending.outcome)


_records: Final = BoundRecords()
Fn = TypeVar("Fn", bound=Callable[..., Any])


@overload
def endpoint(fn: Fn, /) -> Fn: ...
@overload
def endpoint(
    *names: str | Mapping[str, object],
    expected: Collection[type[BaseException]] | type[BaseException] = (),
    docs: Docs = None,
    **attributes: object,
) -> Endpoint: ...
def endpoint(*names: Any, expected: Any = (), docs: Any = None, **attributes: object) -> Any:
    """Trace, time and count the requests of an executor's method.

    Use `@telemetry.endpoint("/index", "/search")` on a function, coroutine, generator or async generator, or
    `with telemetry.endpoint("/search") as span:` around a block. A streamed response is timed to its end.

    Arguments:
        names: the endpoints that the method serves. With several or none, the span has the name of the current request
            (see `telemetry.request`), else the first name, else `/` and the function's name. A mapping after the
            names has attributes whose names contain dots.
        expected: exception classes that are the caller's mistake: the request is rejected, which is not an error.
        docs: the name of the argument with the documents, or a function that takes the call's arguments, without
            `self`, and returns them.
        attributes: attributes of the span.

    Metrics: `search.request.duration`; with documents `search.documents`, and at the request's entry
    `search.request.documents` and `search.request.empty`; with a streamed response `search.first_item.duration`.
    """
    if len(names) == 1 and can_decorate(names[0]):
        return Endpoint(())(names[0])
    dotted = {}
    if names and isinstance(names[-1], Mapping):
        *names, dotted = names  # type: ignore[assignment]
    try:
        classes = exception_classes(expected)
    except ValueError as error:
        raise TelemetryError(*f"endpoint's expected {error}".split("; ")) from None
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise TelemetryError(
            f"endpoint names are strings, not {type(wrong[0]).__name__}", 'write @telemetry.endpoint("/search")'
        )
    if docs is not None and not isinstance(docs, str) and not callable(docs):
        raise TelemetryError(
            f"endpoint's docs is the name of an argument, not a {type(docs).__name__}",
            'write docs="query", or give a function',
        )
    return Endpoint(tuple(names), classes, docs, {**dotted, **attributes})
