"""`endpoint`: traces, times and counts the requests that an executor serves."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeVar, overload

from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.api.documents import Docs, DocumentFinder
from telemetry.api.streamed import follow
from telemetry.errors import ExceptionClasses, TelemetryError, exception_classes
from telemetry.privacy import content
from telemetry.recording import providers
from telemetry.recording.attributes import clean
from telemetry.recording.block import Block, F, check_decorated
from telemetry.recording.bound_records import BoundRecords, Wanted
from telemetry.recording.bounds import Value, bounds
from telemetry.recording.callables import function_in, wrap
from telemetry.recording.carried import Carried, carried, with_entries
from telemetry.recording.current import get_current
from telemetry.recording.exceptions import Ending
from telemetry.recording.guard import guard
from telemetry.recording.inside import can_decorate, is_framework_object, trace_inside
from telemetry.recording.instruments import observe
from telemetry.recording.outcome import CANCELLED, EXPECTED, REJECTED, expected_in
from telemetry.recording.recorder import NO_ACTIVITY, Activity, Run
from telemetry.recording.request import REQUEST_NAME, operation_name, request_name
from telemetry.recording.request_scope import current_scope

_MARK: Final = "__telemetry_endpoint__"
BeginIn = Callable[..., Run]
"""Begins a call with these arguments and keyword arguments, in the context that is given third, or the current one."""


_Entry = tuple[str, bool, Value | None, Value | None]
"""Operation, whether the request entered here, and if so platform and region."""


class Endpoint(Block):
    """Trace, time and count the requests of one endpoint; made by `endpoint`."""

    __slots__ = ("_attributes", "_docs", "_expected", "_names")

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

        def begin(args: tuple[Any, ...], kwargs: Mapping[str, Any], context: Context | None = None) -> Run:
            if providers.recording():
                with guard:
                    return self._start(default, *find(args, kwargs), context)
            return NO_ACTIVITY

        return begin

    def _begin(self) -> Run:
        if providers.recording():
            with guard:
                return self._start("/", None, None)
        return NO_ACTIVITY

    def _start(self, default: str, documents: object, count: int | None, context: Context | None = None) -> Run:
        context = get_current() if context is None else context
        name = self._name(default, context)
        said = carried(context)
        is_entry = not said.is_inner
        platform, region = said.client() if is_entry else (None, None)
        operation = said.operation
        if operation is None:
            operation = operation_name(name)
        if said.operation is None or is_entry or self._expected:
            context = self._context(context, said, operation)
        scope = current_scope(context)
        if scope is not None:
            scope.operation = scope.operation or operation
            scope.describe({c.SEARCH_OPERATION.name: operation, c.SEARCH_ENTRY.name: is_entry})
        attributes = clean(self._attributes) if self._attributes else {}
        attributes[c.SEARCH_ENTRY.name] = is_entry
        if count is not None:
            attributes[c.LEN_DOCS.name] = count
        texts = content.texts_of(documents)
        if texts:
            attributes[c.SEARCH_DOCS_TEXT.name] = texts
        at_end = _AtEnd(count, (operation, is_entry, platform, region))
        return Activity(name, attributes, at_end, context=context, answers=True)

    def _context(self, context: Context, said: Carried, operation: str) -> Context:
        """Return a copy of `context` that says what is asked for, that it has entered, and what is expected."""
        values: dict[str, object] = context.copy()
        entries: dict[str, object] = {}
        if said.operation is None:
            values[REQUEST_NAME] = operation
            if operation:
                bounds.add(c.SEARCH_OPERATION, operation_name(operation))
                entries[c.SEARCH_OPERATION.name] = operation_name(operation)
        if not said.is_inner:
            entries[c.SEARCH_ENTRY.name] = c.INNER
        if entries:
            with_entries(values, entries)
        if self._expected:
            values[EXPECTED] = (*expected_in(context), *self._expected)
        return Context(values)

    def _name(self, default: str, context: Context) -> str:
        if len(self._names) == 1:
            return self._names[0]
        return request_name(context) or (self._names[0] if self._names else default)


def mark(wrapped: Any) -> Any:
    """Mark a function, static or class method as an endpoint; `functools.wraps` copies the mark."""
    setattr(function_in(wrapped), _MARK, True)
    return wrapped


def is_marked(fn: Any) -> bool:
    """Return whether calls of `fn` create endpoint spans already."""
    return getattr(function_in(fn), _MARK, False) is True


class _AtEnd:
    """Records the outcome of a request on its span and in metrics."""

    __slots__ = ("_documents", "_entry")

    def __init__(self, documents: int | None, entry: _Entry) -> None:
        self._documents = documents
        self._entry = entry

    def __call__(self, seconds: float, ending: Ending, run: Activity) -> None:
        number, span = self._documents, run.span
        key = (*self._entry, ending.outcome, ending.error, number is None, number == 0)
        duration, documents, of_request, empty = _records.get(key) or _records.bind(key, self._wanted(ending))
        if number is not None:
            for record in (documents, of_request):
                if record is not None:
                    record(number, span)
            if empty is not None:
                empty(1, span)
        if ending.first_item is not None:
            observe(c.FIRST_ITEM_DURATION, ending.first_item, {}, run.context)
            if span.is_recording():
                span.set_attribute(c.SEARCH_FIRST_ITEM_DURATION.name, ending.first_item)
        if ending.outcome in {REJECTED, CANCELLED} and span.is_recording():  # the span's status shows the others
            span.set_attribute(c.SEARCH_OUTCOME.name, ending.outcome)
        if duration is not None:
            duration(seconds, span)

    def _wanted(self, ending: Ending) -> list[Wanted | None]:
        operation, is_entry, platform, region = self._entry
        labels: dict[str, AttributeValue] = {
            c.SEARCH_OPERATION.name: operation, c.SEARCH_ENTRY.name: is_entry, c.SEARCH_OUTCOME.name: ending.outcome,
        }  # fmt: skip
        if platform is not None and region is not None:
            labels |= {c.CLIENT_PLATFORM.name: platform, c.CLIENT_REGION.name: region}
        counted, entered = self._documents is not None, self._documents is not None and is_entry
        return [
            (c.REQUEST_DURATION, labels if ending.error is None else {**labels, c.ERROR_TYPE.name: ending.error}),
            (c.DOCUMENTS, labels) if counted else None,
            (c.REQUEST_DOCUMENTS, labels) if entered else None,
            (c.REQUEST_EMPTY, labels) if entered and self._documents == 0 else None,
        ]


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
