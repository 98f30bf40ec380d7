"""Goes on with a run in what its call returned.

In: a plain function that stands for a coroutine or generator function, as `functools.wraps` says of it, and `begin`.
Out: the same, whose run ends with the coroutine or generator that a call returned. State: none.

Decorators are often written so: a plain function around an `async def`. Nothing but that declaration tells that what
they return is the work itself. What any other plain function returns is a value, made here or only handed through; it
is the user's, and the run ends when it is returned. So it is with what is no coroutine or generator itself: a task is
its maker's.
"""

import contextlib
import functools
import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from contextvars import Token
from types import TracebackType
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span

from telemetry.activity import NO_ACTIVITY, Run

Begin = Callable[[tuple[Any, ...], Mapping[str, Any]], Run]
Shape = Callable[[Callable[..., Any], Begin], Callable[..., Any]]


def stands_for_work(fn: Any) -> bool:
    """Say whether `fn` is declared to be around a coroutine or generator function."""
    if not hasattr(fn, "__wrapped__"):
        return False
    with contextlib.suppress(ValueError):  # functions around each other
        inner = inspect.unwrap(fn)
        return (
            inspect.iscoroutinefunction(inner)
            or inspect.isgeneratorfunction(inner)
            or inspect.isasyncgenfunction(inner)
        )
    return False


def to_the_end(fn: Callable[..., Any], begin: Begin, shapes: Mapping[type, Shape]) -> Callable[..., Any]:
    """Return `fn` so that a run lasts from its call to the end of the coroutine or generator that the call returned.

    Arguments: `shapes` says how each kind of object is run inside a run. One that is dropped before its first step ends
    its run when it is collected.
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = begin(args, kwargs)
        if run is NO_ACTIVITY:
            return fn(*args, **kwargs)
        with ExitStack() as rest:
            rest.enter_context(run.whole())
            token = run.resume()
            try:
                returned = fn(*args, **kwargs)
            finally:
                run.pause(token)
            shape = shapes.get(type(returned))
            if shape is None:
                return returned
            begun = _Begun(run, rest.pop_all())
            return functools.update_wrapper(shape(lambda: returned, lambda *_: begun), fn)()

    return wrapper


class _Begun:
    """A run that began already: `rest` ends it."""

    __slots__ = ("_rest", "_run", "_token")

    def __init__(self, run: Run, rest: ExitStack) -> None:
        self._run = run
        self._rest = rest
        self._token: Token[Context] | None = None

    def __enter__(self) -> Span:
        self._token = self._run.resume()
        return trace.get_current_span()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._run.pause(self._token)
        self._rest.__exit__(kind, exc, tb)

    def whole(self) -> AbstractContextManager[Any]:
        """End the run when the block ends."""
        return self._rest

    def resume(self) -> Token[Context] | None:
        """Make the run's context current for one step."""
        return self._run.resume()

    def pause(self, token: Token[Context] | None) -> None:
        """Make the consumer's context current again."""
        self._run.pause(token)
