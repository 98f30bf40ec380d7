"""`carry`: binds a function to the current OpenTelemetry context.

The wrapper has the shape of the function, and can be called any number of times, by several threads at once. Only
OpenTelemetry's context is carried, not all context variables: a copy of those (`contextvars.Context.run`) can be
entered by one thread at a time.
"""

from contextlib import AbstractContextManager, nullcontext
from contextvars import Token
from types import TracebackType
from typing import TypeVar

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span

from telemetry.errors import TelemetryError
from telemetry.recording.current import attach, detach
from telemetry.recording.runs.callables import wrap

F = TypeVar("F")


class _Carried:
    """A call in a given context: the part of a run that `telemetry.recording.runs.callables` needs, without a span."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._token: Token[Context] | None = None

    def __enter__(self) -> Span:
        self._token = attach(self._context)
        return trace.get_current_span()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if self._token is not None:
            detach(self._token, self._context)

    def until_end(self) -> AbstractContextManager[None]:
        """Do nothing: there is no span to end."""
        return nullcontext()

    def resume(self) -> Token[Context]:
        """Attach the context that the previous step left."""
        return attach(self._context)

    def pause(self, token: Token[Context] | None) -> None:
        """Restore the context of the consumer."""
        self._context = otel_context.get_current()
        if token is not None:
            detach(token, self._context)


class _Begin:
    """Begins calls in a context, from the call on, not only while its result is consumed."""

    __slots__ = ("_context",)
    from_the_call = True

    def __init__(self, context: Context) -> None:
        self._context = context

    def __call__(self, *_: object) -> _Carried:
        return _Carried(self._context)


def carry(fn: F) -> F:
    """Return a wrapper of `fn` that runs in the current context, in whatever thread and however often it is called.

    `threading.Thread(target=telemetry.context.carry(work)).start()`: the spans of `work` belong to the request that
    started the thread. Functions, coroutine functions, generators and async generators keep their shape.
    """
    return carry_in(otel_context.get_current(), fn)


def carry_in(context: Context, fn: F) -> F:
    """Return a wrapper of `fn` that runs in `context`."""
    if not callable(fn):
        raise TelemetryError(
            f"{fn!r:.80} is not callable, so it cannot be carried", "write carry(work), not carry(work())"
        )
    carried: F = wrap(fn, _Begin(context))
    return carried
