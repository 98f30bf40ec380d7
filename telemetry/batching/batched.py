"""The decorator `batched`, and `batcher_of`, which returns the batcher of a decorated function.

In: functions, methods, static and class methods. Out: functions of the same shape, whose simultaneous calls share their
runs. State: one batcher per function, or per instance for a method; the latter lives as long as the instance.
"""

import functools
import inspect
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast, overload

from telemetry.batching.limits import Limits, is_async, name_of
from telemetry.batching.tasks import AsyncBatcher
from telemetry.batching.threads import Batcher
from telemetry.errors import TelemetryError

F = TypeVar("F")
AnyBatcher = Batcher[Any, Any] | AsyncBatcher[Any, Any]

_MARK: Final = "__telemetry_batched__"


@overload
def batched(fn: F, /) -> F: ...
@overload
def batched(
    *, max_size: int = 32, max_wait: float = 0.0, max_queue: int = 1024, name: str | None = None
) -> "_Decorator": ...
def batched(fn: Any = None, /, **options: Any) -> Any:
    """Let calls of a function that come at the same time share its runs.

    The function takes a sequence of items and returns one result for each, in their order. A caller passes the items of
    one request; the function gets those of several. Calls of an `async def` are awaited; others block their thread. A
    method, recognized by its first parameter `self` or `cls`, is batched per instance.

    The arguments are those of `Batcher`. Raises TelemetryError, at decoration, with all mistakes.
    """
    decorator = _Decorator(**options)
    return decorator if fn is None else decorator(fn)


def batcher_of(fn: Any) -> AnyBatcher:
    """Return the batcher of a batched function, or of an instance's batched method, for example to close it."""
    found = getattr(fn, _MARK, None)
    if not isinstance(found, _Batchers):
        raise TelemetryError(f"{fn!r:.80} is not batched", "decorate it with @telemetry.batching.batched")
    return found.of(getattr(fn, "__self__", None))


class _Decorator:
    """`batched` with options."""

    def __init__(
        self, *, max_size: int = 32, max_wait: float = 0.0, max_queue: int = 1024, name: str | None = None
    ) -> None:
        Limits(max_size, max_wait, max_queue)  # raises for mistakes
        self._options = {"max_size": max_size, "max_wait": max_wait, "max_queue": max_queue}
        self._name = name

    def __call__(self, fn: F) -> F:
        """Return `fn`, batched."""
        if isinstance(fn, staticmethod | classmethod):
            return cast("F", type(fn)(self._wrap(fn.__func__)))
        return cast("F", self._wrap(fn))

    def _wrap(self, fn: Any) -> Any:
        asynchronous = is_async(fn)
        batchers = _Batchers(fn, self._options | {"name": name_of(fn, self._name)}, asynchronous=asynchronous)

        def plain(*args: Any, **kwargs: Any) -> Any:
            instance, items = batchers.arguments(args, kwargs)
            return batchers.of(instance)(items)

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            return await plain(*args, **kwargs)

        wrapper: Any = functools.update_wrapper(coroutine if asynchronous else plain, fn)
        setattr(wrapper, _MARK, batchers)
        return wrapper


class _Batchers:
    """The batchers of one function: one, or one per instance for a method."""

    def __init__(self, fn: Any, options: Mapping[str, Any], *, asynchronous: bool) -> None:
        self._fn = fn
        self._options = options
        self._make: type[AnyBatcher] = AsyncBatcher if asynchronous else Batcher
        self._call: Callable[..., Any] = _call_async if asynchronous else _call
        self._signature = inspect.signature(fn)
        parameters = list(self._signature.parameters)
        self._is_method = _is_method(fn, self._signature)
        self._positional = 1 + self._is_method
        if len(parameters) < self._positional:
            raise TelemetryError(f"{options['name']} has no parameter for items", "give it one: a sequence of items")
        self._items_name = parameters[self._positional - 1]
        self._shared = None if self._is_method else self._make(fn, **options)
        # Has no lock, which could be held at a fork: single operations on a dictionary are atomic.
        self._by_instance: dict[int, tuple[weakref.ref[Any], AnyBatcher]] = {}

    def arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the instance, None for a function, and the items of a call."""
        if kwargs or len(args) != self._positional:
            bound = self._signature.bind(*args, **kwargs).arguments
            if len(bound) != self._positional or self._items_name not in bound:
                raise TypeError(
                    f"{self._options['name']}() is batched and takes only items: one run serves several calls, so other"
                    " parameters keep their defaults"
                )
            args = tuple(bound.values())
        return (args[0] if self._is_method else None), args[-1]

    def of(self, instance: Any) -> AnyBatcher:
        """Return the batcher of a method's instance, or that of a function."""
        if self._shared is not None:
            return self._shared
        known = self._by_instance.get(id(instance))
        return self._create(instance) if known is None else known[1]

    def _create(self, instance: Any) -> AnyBatcher:
        key = id(instance)
        try:
            weak = weakref.ref(instance, lambda _: self._by_instance.pop(key, None))
        except TypeError:
            raise TelemetryError(
                f"{type(instance).__name__} cannot be weakly referenced, so its batcher would outlive it",
                'add "__weakref__" to its __slots__, or make a Batcher in its __init__',
            ) from None
        batcher = self._make(functools.partial(self._call, self._fn, weak), **self._options)
        return self._by_instance.setdefault(key, (weak, batcher))[1]


def _is_method(fn: Any, signature: inspect.Signature) -> bool:
    """Return whether the first parameter is an instance or a class: by its name, or because a second one is required.

    The function inside a `staticmethod` is defined in a class as well, but only takes items.
    """
    parameters = list(signature.parameters.values())
    if parameters and parameters[0].name in {"self", "cls"}:
        return True
    scope = getattr(fn, "__qualname__", "").rpartition(".")[0]
    in_a_class = bool(scope) and not scope.endswith("<locals>")
    required = [
        p for p in parameters if p.default is p.empty and p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}
    ]
    return in_a_class and len(required) > 1


def _call(fn: Any, instance: "weakref.ref[Any]", items: Any) -> Any:
    """Call a method. The batcher refers to the instance weakly; the waiting callers keep it alive."""
    return fn(instance(), items)


async def _call_async(fn: Any, instance: "weakref.ref[Any]", items: Any) -> Any:
    """Await a coroutine method, as `_call` does."""
    return await fn(instance(), items)
