"""`start_as_current_span` of our tracer: a `with` block, or a decorator of functions and coroutine functions.

In: a function that starts a span, and its arguments. Out: the span, current inside the block. State: the open span,
owned by the block.

An exception that leaves the block is recorded as `opentelemetry.trace.use_span` does it: only an `Exception`, so that
`GeneratorExit` is not an error.
"""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar

from opentelemetry.context import Context
from opentelemetry.trace import Span
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.util._decorator import _agnosticcontextmanager

from telemetry.recording.current import attach, detach, get_current
from telemetry.recording.guard import guard
from telemetry.recording.traces.span import error_status

F = TypeVar("F")


class SpanBlock:
    """One span around a block, or one around each call of a function.

    Arguments: `start`, with its `arguments`; whether an exception is recorded, and makes the status an error; whether
    the span ends with the block.
    """

    __slots__ = ("_arguments", "_context", "_end", "_fail", "_record", "_span", "_start", "_token")

    def __init__(
        self, start: Callable[..., Span], arguments: tuple[Any, ...], record: bool, fail: bool, end: bool
    ) -> None:
        self._start = start
        self._arguments = arguments
        self._record = record
        self._fail = fail
        self._end = end

    def __enter__(self) -> Span:
        self._span = span = self._start(*self._arguments)
        self._context = context = with_span(span, get_current())
        self._token = attach(context)
        return span

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        detach(self._token, self._context)
        try:
            if exc is not None and isinstance(exc, Exception):
                with guard:
                    record_error(self._span, exc, record=self._record, fail=self._fail)
        finally:
            if self._end:
                self._span.end()

    def __call__(self, fn: F) -> F:
        """Return `fn` with a span around each call."""

        @_agnosticcontextmanager
        def block() -> Iterator[Span]:
            with SpanBlock(self._start, self._arguments, self._record, self._fail, self._end) as span:
                yield span

        return block()(fn)


def with_span(span: Span, context: Context) -> Context:
    """Return a copy of `context` with `span` as the current one, as `set_span_in_context` does."""
    values: dict[str, object] = context.copy()
    values[_SPAN_KEY] = span
    return Context(values)


def record_error(span: Span, exc: Exception, *, record: bool, fail: bool) -> None:
    """Write an exception that left a block on its span."""
    if span.is_recording():
        if record:
            span.record_exception(exc)
        if fail:
            span.set_status(error_status(exc))
