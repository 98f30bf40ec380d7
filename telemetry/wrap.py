"""Runs any callable inside an activity, and looks from outside as the callable did.

In: a function of any shape (plain, coroutine, generator, async generator; static or class method) and `begin`, which
starts an activity for a call's arguments. Out: a function of the same shape. State: none.

The exception of a call passes one frame of ours. As with every wrapper of this kind, a wrong argument list of a
coroutine or generator function is reported when it first runs, not when it is called.
"""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import Any

from telemetry.activity import Run

Begin = Callable[[tuple[Any, ...], Mapping[str, Any]], Run]


def wrap(fn: Any, begin: Begin) -> Any:
    """Return `fn` so that each call runs inside the activity that `begin(args, kwargs)` gives."""
    if isinstance(fn, staticmethod | classmethod):
        return type(fn)(wrap(fn.__func__, begin))
    shape = _shape_of(fn)
    if inspect.isasyncgenfunction(shape):
        wrapper: Any = _async_generator(fn, begin)
    elif inspect.iscoroutinefunction(shape):
        wrapper = _coroutine(fn, begin)
    elif inspect.isgeneratorfunction(shape):
        wrapper = _generator(fn, begin)
    else:
        wrapper = _plain(fn, begin)
    return functools.update_wrapper(wrapper, fn)


def _shape_of(fn: Any) -> Any:
    """Return what decides how `fn` runs: an object with `__call__` runs as that method does."""
    is_function = inspect.isroutine(fn) or isinstance(fn, functools.partial | type)
    return fn if is_function else getattr(fn, "__call__", fn)  # noqa: B004  the method itself is wanted


def _plain(fn: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with begin(args, kwargs):
            return fn(*args, **kwargs)

    return wrapper


def _coroutine(fn: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        with begin(args, kwargs):
            return await fn(*args, **kwargs)

    return wrapper


def _generator(fn: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    """Delegate as `yield from` does (PEP 380), with our context current only while the generator's body runs."""

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = fn(*args, **kwargs)
        run = begin(args, kwargs)
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
                except GeneratorExit:
                    token = run.resume()
                    try:
                        return generator.close()
                    finally:
                        run.pause(token)
                except BaseException as exc:  # noqa: BLE001  thrown in by the consumer: the generator's to handle
                    resume = functools.partial(generator.throw, exc)

    return wrapper


def _async_generator(fn: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = fn(*args, **kwargs)
        run = begin(args, kwargs)
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
                except GeneratorExit:
                    token = run.resume()
                    try:
                        await generator.aclose()
                    finally:
                        run.pause(token)
                    raise
                except BaseException as exc:  # noqa: BLE001  thrown in by the consumer: the generator's to handle
                    resume = functools.partial(generator.athrow, exc)

    return wrapper
