"""Goes on with a run in what its call returned.

In: a plain function that stands for a coroutine or generator function, as `functools.wraps` says of it, and `begin`.
Out: the same, whose run ends with the coroutine or generator that a call returned; that of a generator begins at its
first step, as it would without the function around it. State: none.

Decorators are often written so: a plain function around an `async def`. Nothing but that declaration tells that what
they return is the work itself. What any other plain function returns is a value, made here or only handed through; it
is the user's, and the run ends when it is returned, unless it is the streamed answer of an endpoint (see
`telemetry.api.streamed`). So it is with what is no coroutine or generator itself: a task is its maker's.
"""

import contextlib
import functools
import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import Token
from types import TracebackType
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span

from telemetry.context import attach, detach
from telemetry.recording import providers
from telemetry.recording.recorder import NO_ACTIVITY, Activity, Kept, Run

Begin = Callable[[tuple[Any, ...], Mapping[str, Any]], Run]
Shape = Callable[[Callable[..., Any], Begin], Callable[..., Any]]
Follow = Callable[[Any, Run], Any]
"""Returns what a call returned, and has the run go on in it where that is its answer still to come."""


def as_it_is(returned: Any, _run: Run) -> Any:
    """Let the run end with the call."""
    return returned


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


def makes_generators(fn: Any) -> bool:
    """Say whether what `fn` stands for is a generator function."""
    inner = inspect.unwrap(fn)
    return inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner)


def from_the_first_step(
    fn: Callable[..., Any], begin: Begin, shapes: Mapping[type, Shape], follow: Follow
) -> Callable[..., Any]:
    """Return `fn` so that a run lasts from the first step of the generator that a call returned to its end.

    Where the call raises, or returns something else, a run of its own says so.
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not providers.recording():
            return fn(*args, **kwargs)
        try:
            returned = fn(*args, **kwargs)
        except BaseException:
            with begin(args, kwargs):
                raise
        shape = shapes.get(type(returned))
        if shape is None:
            run = begin(args, kwargs)
            with run:
                return follow(returned, run)
        return functools.update_wrapper(shape(lambda: returned, lambda *_: begin(args, kwargs)), fn)()

    return wrapper


def to_the_end(
    fn: Callable[..., Any], begin: Begin, shapes: Mapping[type, Shape], follow: Follow
) -> Callable[..., Any]:
    """Return `fn` so that a run lasts from its call to the end of the coroutine or generator that the call returned.

    Arguments: `shapes` says how each kind of object is run inside a run. One that is dropped before its first step ends
    its run when it is collected.
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = begin(args, kwargs)
        with run:
            returned = fn(*args, **kwargs)
            shape = shapes.get(type(returned))
            if shape is None or run is NO_ACTIVITY:
                return follow(returned, run)
            if isinstance(run, Activity):
                return functools.update_wrapper(go_on(returned, run, shape), fn)()
            return functools.update_wrapper(shape(lambda: returned, begin), fn)()  # carried: there is no run to end

    return wrapper


def go_on(returned: Any, run: "Activity | Begun", shape: Shape) -> Callable[[], Any]:
    """Return what makes of `returned` the same inside `run`, which outlasts its `with` block."""
    begun = Begun(run)
    return shape(lambda: returned, lambda *_: begun)


class Begun:
    """A run that began already, and is kept."""

    __slots__ = ("_kept", "_run", "_token", "context", "span")

    def __init__(self, run: "Activity | Begun") -> None:
        self.context: Context = run.context
        self.span: Span = run.span
        self._run = run
        self._kept = run.keep()
        self._token: Token[Context] | None = None

    def __enter__(self) -> Span:
        self._token = attach(self.context)
        return self.span

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if self._token is not None:
            detach(self._token, self.context)
        self._kept.__exit__(kind, exc, tb)

    def whole(self) -> AbstractContextManager[Any]:
        """End the run when the block ends."""
        return self._kept

    def keep(self) -> Kept:
        """Let the run outlast this `with` block, too."""
        return self._kept.pop_all()

    def resume(self) -> Token[Context] | None:
        """Make the run's context current for one step."""
        return self._run.resume()

    def pause(self, token: Token[Context] | None) -> None:
        """Make the consumer's context current again."""
        self._run.pause(token)
