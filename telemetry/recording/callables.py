"""Runs any callable inside a run, and looks from outside as the callable did.

In: a function of any shape (plain, coroutine, generator, async generator; static or class method, property) and
`begin`, which starts a run for a call's arguments. Out: a function of the same shape. State: none.

The exception of a call passes one frame of ours. As with every wrapper of this kind, a wrong argument list of a
coroutine or generator function is reported when it first runs, not when it is called.

A plain function around an `async def`, as decorators are often written, is a coroutine function where `functools.wraps`
declares it: its run ends with the coroutine or generator that a call returned; that of a generator begins at its first
step, as it would without the function around it. What any other plain function returns is a value of the user's, and
the run ends when it is returned, unless it is the streamed answer of an endpoint (see `telemetry.api.streamed`). A
returned task belongs to whoever made it.
"""

import contextlib
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractContextManager
from contextvars import Token
from types import AsyncGeneratorType, CoroutineType, GeneratorType, TracebackType
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import Span

from telemetry.recording import providers
from telemetry.recording.current import attach, detach
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


__all__ = ["SHAPES", "Begin", "can_wrap", "function_in", "wrap"]


def wrap(fn: Any, begin: Begin, follow: Follow = as_it_is) -> Any:
    """Return `fn` so that each call runs inside the activity that `begin(args, kwargs)` gives.

    Arguments: `follow` takes what a call returns, and the activity, which may go on in it.
    """
    descriptor = _descriptor(fn, begin, follow)
    if descriptor is not None:
        return descriptor
    made_by = _context_manager_maker(fn)
    if made_by is not None:
        return made_by(wrap(fn.__wrapped__, begin))
    wrapped = functools.update_wrapper(_runner(fn, begin, follow), fn)
    _copy_methods(wrapped, fn)
    return wrapped


def can_wrap(fn: Any) -> bool:
    """Say whether `wrap` knows what to do with `fn`."""
    return callable(fn) or function_in(fn) is not fn


def function_in(fn: Any) -> Any:
    """Return the function that a static or class method, a property or a partial method holds, else `fn` itself."""
    if isinstance(fn, staticmethod | classmethod):
        return fn.__func__
    if isinstance(fn, property):
        return fn.fget
    return fn.func if isinstance(fn, functools.cached_property | functools.partialmethod) else fn


def _runner(fn: Any, begin: Begin, follow: Follow) -> Callable[..., Any]:
    shape = _shape_of(fn)
    if inspect.isasyncgenfunction(shape):
        return _async_generator(fn, begin)
    if inspect.iscoroutinefunction(shape) or inspect.iscoroutinefunction(fn):
        return _coroutine(fn, begin, follow)
    if inspect.isgeneratorfunction(shape):
        return _generator(fn, begin)
    if not stands_for_work(shape):
        return _plain(fn, begin, follow)
    shapes: dict[type, Shape] = {**SHAPES, CoroutineType: functools.partial(_coroutine, follow=follow)}
    if makes_generators(shape) and not getattr(begin, "from_the_call", False):
        return from_the_first_step(fn, begin, shapes, follow)
    return to_the_end(fn, begin, shapes, follow)


def _shape_of(fn: Any) -> Any:
    """Return what decides how `fn` runs: an object with `__call__` runs as that method does."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    is_function = inspect.isroutine(fn) or isinstance(fn, type)
    return fn if is_function else getattr(fn, "__call__", fn)  # noqa: B004  the method itself is wanted


def _descriptor(fn: Any, begin: Begin, follow: Follow) -> Any:
    """Return a descriptor of the same kind around the wrapped function; None where `fn` is none of these."""
    if isinstance(fn, staticmethod | classmethod):
        return type(fn)(wrap(fn.__func__, begin, follow))
    if isinstance(fn, property):
        return fn.getter(wrap(fn.fget, begin, follow))
    if isinstance(fn, functools.cached_property):
        return type(fn)(wrap(fn.func, begin, follow))
    if isinstance(fn, functools.partialmethod):
        return type(fn)(wrap(fn.func, begin, follow), *fn.args, **fn.keywords)
    return None


_MADE_BY: Final[tuple[Callable[..., Any], ...]] = (contextlib.contextmanager, contextlib.asynccontextmanager)
_MAKERS: Final[dict[object, Callable[..., Any]]] = {made_by(lambda: None).__code__: made_by for made_by in _MADE_BY}
"""By their code: the functions that the standard library makes of generators, and how."""


def _context_manager_maker(fn: Any) -> Callable[..., Any] | None:
    """Return what made a `with` block's function of a generator function; None where `fn` is no such function.

    A run of `@stage @contextmanager` lasts as long as that of `@contextmanager @stage`: the whole block.
    """
    return _MAKERS.get(getattr(fn, "__code__", None)) if hasattr(fn, "__wrapped__") else None


def _copy_methods(wrapped: Any, fn: Any) -> None:
    """Give the methods of an object to the function around it, such as `cache_clear` of an `lru_cache`."""
    kind = type(fn)
    if kind.__module__ == "builtins" or isinstance(fn, functools.partial | type):
        return
    for name in dir(kind):
        if not name.startswith("_") and not hasattr(wrapped, name) and inspect.isroutine(getattr(kind, name)):
            setattr(wrapped, name, getattr(fn, name))


def _plain(fn: Callable[..., Any], begin: Begin, follow: Follow) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = begin(args, kwargs)
        with run:
            return follow(fn(*args, **kwargs), run)

    return wrapper


def _coroutine(fn: Callable[..., Any], begin: Begin, follow: Follow = as_it_is) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = begin(args, kwargs)
        with run:
            return follow(await fn(*args, **kwargs), run)

    return wrapper


def _generator(fn: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    """Delegate every step, with our context current only while the generator's body runs.

    What is thrown in, `GeneratorExit` too, is the generator's to handle: so it answers `close` as it would alone.
    """

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = fn(*args, **kwargs)
        run = begin(args, kwargs)
        del args, kwargs  # the generator lets go of them when it likes
        resume: Callable[[], Any] = functools.partial(next, generator)
        with run.whole():
            while True:
                token = run.resume()
                try:
                    item = resume()
                except StopIteration as stop:
                    return stop.value
                finally:
                    run.pause(token)
                    del resume  # it may hold an exception, whose traceback holds this frame
                try:
                    resume = functools.partial(generator.send, (yield item))
                except BaseException as exc:  # noqa: BLE001  thrown in by the consumer
                    resume = functools.partial(generator.throw, exc)

    return wrapper


def _async_generator(fn: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    """Delegate every step, as above."""

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = fn(*args, **kwargs)
        run = begin(args, kwargs)
        del args, kwargs  # as above
        resume: Callable[[], Any] = generator.__anext__
        with run.whole():
            while True:
                token = run.resume()
                try:
                    item = await resume()
                except StopAsyncIteration:
                    return
                finally:
                    run.pause(token)
                    del resume  # as above
                try:
                    resume = functools.partial(generator.asend, (yield item))
                except BaseException as exc:  # noqa: BLE001  thrown in by the consumer
                    resume = functools.partial(generator.athrow, exc)

    return wrapper


SHAPES: Final[dict[type, Shape]] = {
    CoroutineType: _coroutine,
    GeneratorType: _generator,
    AsyncGeneratorType: _async_generator,
}
"""How the objects that stand for work are run."""
