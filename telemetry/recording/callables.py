"""Runs any callable inside an activity, and looks from outside as the callable did.

In: a function of any shape (plain, coroutine, generator, async generator; static or class method, property) and
`begin`, which starts an activity for a call's arguments. Out: a function of the same shape. State: none.

The exception of a call passes one frame of ours. As with every wrapper of this kind, a wrong argument list of a
coroutine or generator function is reported when it first runs, not when it is called.
"""

import contextlib
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Final

from telemetry.recording.returned import (
    Begin,
    Follow,
    Shape,
    as_it_is,
    from_the_first_step,
    makes_generators,
    stands_for_work,
    to_the_end,
)

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
