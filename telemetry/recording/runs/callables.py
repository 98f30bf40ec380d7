"""Wraps callables of any kind so that each call is recorded as a run; `kind_of` returns their kind.

The wrapper is a callable of the same kind (plain, coroutine, generator or async generator function; static or class
method, property); `begin` starts a run for a call's arguments.

The traceback of a call has one frame of ours. As with all such wrappers, wrong arguments of a coroutine or generator
function raise when it first runs, not when it is called.

A plain function around an `async def`, as decorators are often written, declares that by `functools.wraps`: its run
ends with the coroutine or generator that a call returned; the run of a generator starts at its first step, as it does
without the function around it. For any other plain function, the run ends with the call, unless it returned the
streamed response of an endpoint (see `telemetry.api.streamed`). A returned task belongs to its creator.
"""

import contextlib
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractContextManager
from contextvars import Token
from enum import Enum, auto
from types import AsyncGeneratorType, CoroutineType, GeneratorType, TracebackType
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import Span

from telemetry.recording import providers
from telemetry.recording.current import attach, detach
from telemetry.recording.runs.recorder import NO_RECORDER, Recorder, SpanRecorder

Begin = Callable[[tuple[Any, ...], Mapping[str, Any]], Recorder]
Runner = Callable[[Callable[..., Any], Begin], Callable[..., Any]]
"""Returns a wrapper of a function of one kind, each call of which is a run."""
Follow = Callable[[Any, Recorder], Any]
"""Returns what a call returned; if that is a streamed response, the run continues in it."""


class Kind(Enum):
    """The kind of a function."""

    PLAIN = auto()
    COROUTINE = auto()
    GENERATOR = auto()
    ASYNC_GENERATOR = auto()


def kind_of(fn: Any) -> Kind:
    """Return the kind of `fn`; that of an object is the kind of its `__call__`."""
    kind = _kind(_called(fn))
    return Kind.COROUTINE if kind is Kind.PLAIN and inspect.iscoroutinefunction(fn) else kind


def declared_kind(fn: Any) -> Kind:
    """Return the kind of the function that `fn` wraps, as `functools.wraps` declares it; PLAIN if it wraps none."""
    called = _called(fn)
    if hasattr(called, "__wrapped__"):
        with contextlib.suppress(ValueError):  # functions that wrap each other
            return _kind(inspect.unwrap(called))
    return Kind.PLAIN


def _kind(fn: Any) -> Kind:
    if inspect.isasyncgenfunction(fn):
        return Kind.ASYNC_GENERATOR
    if inspect.iscoroutinefunction(fn):
        return Kind.COROUTINE
    return Kind.GENERATOR if inspect.isgeneratorfunction(fn) else Kind.PLAIN


def _called(fn: Any) -> Any:
    """Return the function or method that a call of `fn` runs."""
    fn = without_partials(fn)
    is_function = inspect.isroutine(fn) or isinstance(fn, type)
    return fn if is_function else getattr(fn, "__call__", fn)  # noqa: B004  the method itself is wanted


def without_partials(fn: Any) -> Any:
    """Return the function inside a `functools.partial`, else `fn`."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    return fn


def unbound(fn: Any) -> Any:
    """Return the function in a bound, static or class method, else `fn`."""
    return getattr(fn, "__func__", fn)


def can_wrap(fn: Any) -> bool:
    """Return whether `wrap` supports `fn`."""
    return callable(fn) or function_in(fn) is not fn


def function_in(fn: Any) -> Any:
    """Return the function inside a static or class method, a property or a partial method, else `fn`."""
    if isinstance(fn, staticmethod | classmethod):
        return fn.__func__
    if isinstance(fn, property):
        return fn.fget
    return fn.func if isinstance(fn, functools.cached_property | functools.partialmethod) else fn


def unchanged(returned: Any, _run: Recorder) -> Any:
    """Return what a call returned: the run ends with the call."""
    return returned


def wrap(fn: Any, begin: Begin, follow: Follow = unchanged) -> Any:
    """Return `fn` wrapped so that each call is inside the run that `begin(args, kwargs)` returns.

    Arguments: `follow` gets what a call returned, and the run, which may continue in it.
    """
    inner = function_in(fn)
    if inner is not fn:
        return _holding(fn, wrap(inner, begin, follow))
    made_by = _context_manager_maker(fn)
    if made_by is not None:
        return made_by(wrap(fn.__wrapped__, begin))
    wrapped = functools.update_wrapper(_wrapped(fn, begin, follow), fn)
    _copy_methods(wrapped, fn)
    return wrapped


def _holding(fn: Any, inner: Any) -> Any:
    """Return a static or class method, a property or a partial method like `fn` that holds `inner`."""
    if isinstance(fn, property):
        return fn.getter(inner)
    if isinstance(fn, functools.partialmethod):
        return type(fn)(inner, *fn.args, **fn.keywords)
    return type(fn)(inner)


def _wrapped(fn: Any, begin: Begin, follow: Follow) -> Callable[..., Any]:
    kind = kind_of(fn)
    if kind is Kind.ASYNC_GENERATOR:
        return _async_generator(fn, begin)
    if kind is Kind.COROUTINE:
        return _coroutine(fn, begin, follow)
    if kind is Kind.GENERATOR:
        return _generator(fn, begin)
    declared = declared_kind(fn)
    if declared is Kind.PLAIN:
        return _plain(fn, begin, follow)
    runners: dict[type, Runner] = {**RUNNERS, CoroutineType: functools.partial(_coroutine, follow=follow)}
    if declared is not Kind.COROUTINE and not getattr(begin, "from_the_call", False):
        return _wrap_steps(fn, begin, runners, follow)
    return _wrap_result(fn, begin, runners, follow)


_MADE_BY: Final[tuple[Callable[..., Any], ...]] = (contextlib.contextmanager, contextlib.asynccontextmanager)
_MAKERS: Final[dict[object, Callable[..., Any]]] = {made_by(lambda: None).__code__: made_by for made_by in _MADE_BY}
"""The decorators of the standard library that make a `with` block of a generator, by the code of their results."""


def _context_manager_maker(fn: Any) -> Callable[..., Any] | None:
    """Return `contextmanager` or `asynccontextmanager` if it made `fn`, else None.

    The run of `@stage @contextmanager` lasts as long as that of `@contextmanager @stage`: the whole block.
    """
    return _MAKERS.get(getattr(fn, "__code__", None)) if hasattr(fn, "__wrapped__") else None


def _copy_methods(wrapped: Any, fn: Any) -> None:
    """Copy the methods of an object to its wrapper, such as `cache_clear` of an `lru_cache`."""
    kind = type(fn)
    if kind.__module__ == "builtins" or isinstance(fn, functools.partial | type):
        return
    for name in dir(kind):
        if not name.startswith("_") and not hasattr(wrapped, name) and inspect.isroutine(getattr(kind, name)):
            setattr(wrapped, name, getattr(fn, name))


def _plain(fn: Callable[..., Any], begin: Begin, follow: Follow) -> Callable[..., Any]:
    in_use = providers.current
    if follow is unchanged:

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if in_use.off:  # what is switched off costs next to nothing
                return fn(*args, **kwargs)
            run = begin(args, kwargs)
            if run is NO_RECORDER:
                return fn(*args, **kwargs)
            with run:
                return fn(*args, **kwargs)

    else:

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if in_use.off:  # as above
                return fn(*args, **kwargs)
            run = begin(args, kwargs)
            if run is NO_RECORDER:
                return fn(*args, **kwargs)
            with run:
                return follow(fn(*args, **kwargs), run)

    return wrapper


def _coroutine(fn: Callable[..., Any], begin: Begin, follow: Follow = unchanged) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = begin(args, kwargs)
        with run:
            return follow(await fn(*args, **kwargs), run)

    return wrapper


def _generator(fn: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    """Delegate every step; our context is current only while the generator's body runs.

    Exceptions thrown in, also `GeneratorExit`, are passed to the generator, so that `close` works as without us.
    """

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = fn(*args, **kwargs)
        run = begin(args, kwargs)
        del args, kwargs  # so that they live only as long as the generator keeps them
        resume: Callable[[], Any] = functools.partial(next, generator)
        with run.until_end():
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
        with run.until_end():
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


RUNNERS: Final[dict[type, Runner]] = {
    CoroutineType: _coroutine,
    GeneratorType: _generator,
    AsyncGeneratorType: _async_generator,
}
"""The runner for each type of object that a call may return."""


def _wrap_steps(
    fn: Callable[..., Any], begin: Begin, runners: Mapping[type, Runner], follow: Follow
) -> Callable[..., Any]:
    """Return `fn` wrapped so that a run lasts from the first step to the end of the generator that a call returned.

    If the call raises or returns something else, the call itself is the run.
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not providers.recording():
            return fn(*args, **kwargs)
        try:
            returned = fn(*args, **kwargs)
        except BaseException:
            with begin(args, kwargs):
                raise
        runner = runners.get(type(returned))
        if runner is None:
            run = begin(args, kwargs)
            with run:
                return follow(returned, run)
        return functools.update_wrapper(runner(lambda: returned, lambda *_: begin(args, kwargs)), fn)()

    return wrapper


def _wrap_result(
    fn: Callable[..., Any], begin: Begin, runners: Mapping[type, Runner], follow: Follow
) -> Callable[..., Any]:
    """Return `fn` wrapped so that a run lasts from the call to the end of the coroutine or generator it returned.

    If that is dropped before its first step, the run ends when it is garbage-collected.
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = begin(args, kwargs)
        with run:
            returned = fn(*args, **kwargs)
            runner = runners.get(type(returned))
            if runner is None or run is NO_RECORDER:
                return follow(returned, run)
            if isinstance(run, SpanRecorder):
                return functools.update_wrapper(continue_in(returned, run, runner), fn)()
            return functools.update_wrapper(
                runner(lambda: returned, begin), fn
            )()  # in a carried context: there is no span to end

    return wrapper


def continue_in(returned: Any, run: "SpanRecorder | StartedRecorder", runner: Runner) -> Callable[[], Any]:
    """Return a function that returns `returned` wrapped, in which `run` continues after its `with` block."""
    started = StartedRecorder(run)
    return runner(lambda: returned, lambda *_: started)


class StartedRecorder:
    """A run that has started, and that lasts to the end of the object that its call returned."""

    __slots__ = ("_kept", "_run", "_token", "context", "span")

    def __init__(self, run: "SpanRecorder | StartedRecorder") -> None:
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

    def until_end(self) -> AbstractContextManager[Any]:
        """End the run when the block ends."""
        return self._kept

    def keep(self) -> contextlib.ExitStack:
        """Let the run outlast this `with` block too."""
        return self._kept.pop_all()

    def resume(self) -> Token[Context] | None:
        """Make the run's context current for one step."""
        return self._run.resume()

    def pause(self, token: Token[Context] | None) -> None:
        """Make the consumer's context current again."""
        self._run.pause(token)
