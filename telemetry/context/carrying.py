"""Runs a function in the context in which it was handed over.

In: a function of any shape. Out: a function of the same shape, for any thread, to be called once or often, by several
threads at once. State: the context, owned by the function made; nothing of it stays where the function ran.

OpenTelemetry's context alone is carried, not every context variable: one copy of all of them
(`contextvars.Context.run`) can be entered by one thread at a time.
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
from telemetry.recording.callables import wrap
from telemetry.recording.current import attach, detach

F = TypeVar("F")


class _Carried:
    """One call in a given context: what `telemetry.recording.callables` asks of a run, without a span of its own."""

    __slots__ = ("_before", "_context")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._before: Token[Context] | None = None

    def __enter__(self) -> Span:
        self._before = attach(self._context)
        return trace.get_current_span()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if self._before is not None:
            detach(self._before, self._context)

    def whole(self) -> AbstractContextManager[None]:
        """Do nothing: there is no span to end."""
        return nullcontext()

    def resume(self) -> Token[Context]:
        """Make the context current that the step before left."""
        return attach(self._context)

    def pause(self, token: Token[Context] | None) -> None:
        """Make the consumer's context current again."""
        self._context = otel_context.get_current()
        if token is not None:
            detach(token, self._context)


class _Begin:
    """Begins calls in a context: the whole of each call, not what it returns alone."""

    __slots__ = ("_context",)
    from_the_call = True

    def __init__(self, context: Context) -> None:
        self._context = context

    def __call__(self, *_: object) -> _Carried:
        return _Carried(self._context)


def carry(fn: F) -> F:
    """Return `fn` so that it runs in the context of this moment, wherever and however often it is called.

    `threading.Thread(target=telemetry.context.carry(work)).start()`: what `work` traces belongs to the request that
    started the thread. Functions, coroutine functions, generators and async generators keep their shape; what `fn`
    returns and raises is unchanged.
    """
    return carry_in(otel_context.get_current(), fn)


def carry_in(context: Context, fn: F) -> F:
    """Return `fn` so that it runs in `context`."""
    if not callable(fn):
        raise TelemetryError(
            f"{fn!r:.80} cannot be called, so it cannot be carried", "write carry(work), not carry(work())"
        )
    carried: F = wrap(fn, _Begin(context))
    return carried
