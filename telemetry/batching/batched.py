"""`batched`: the decorator. `batcher_of`: what it made.

In: functions, methods, static and class methods. Out: functions of the same shape, whose simultaneous calls share their
runs. State: one batcher for a function; for a method one for each instance, which lives no longer than the instance.
"""

import functools
import inspect
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, overload

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

    The function takes the items of one request as a sequence, and returns one result for each, in their order; run
    for several requests at once, it gets the items of all of them. A call of `async def` is awaited; any other blocks
    its thread. A method, known by its first argument `self` or `cls`, is batched for each instance by itself.

    Arguments: as those of `Batcher`. Raises TelemetryError, where it is applied, with every mistake.
    """
    decorator = _Decorator(**options)
    return decorator if fn is None else decorator(fn)


def batcher_of(fn: Any) -> AnyBatcher:
    """Return the batcher of a batched function, or of an instance's batched method: to close it."""
    found = getattr(fn, _MARK, None)
    if not isinstance(found, _Batchers):
        raise TelemetryError(f"{fn!r:.80} is not batched", "decorate it with @telemetry.batching.batched")
    return found.of(getattr(fn, "__self__", None))


class _Decorator:
    """`batched` with its options."""

    def __init__(
        self, *, max_size: int = 32, max_wait: float = 0.0, max_queue: int = 1024, name: str | None = None
    ) -> None:
        Limits(max_size, max_wait, max_queue)  # a mistake is told here
        self._options = {"max_size": max_size, "max_wait": max_wait, "max_queue": max_queue}
        self._name = name

    def __call__(self, fn: F) -> F:
        """Return `fn`, batched."""
        made: Any = type(fn)(self._wrap(fn.__func__)) if isinstance(fn, staticmethod | classmethod) else self._wrap(fn)
        batched_fn: F = made
        return batched_fn

    def _wrap(self, fn: Any) -> Any:
        asynchronous = is_async(fn)
        batchers = _Batchers(fn, self._options | {"name": name_of(fn, self._name)}, asynchronous=asynchronous)

        def plain(*args: Any, **kwargs: Any) -> Any:
            instance, items = batchers.arguments(args, kwargs)
            return batchers.of(instance)(items)

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await plain(*args, **kwargs)

        wrapper: Any = functools.update_wrapper(awaited if asynchronous else plain, fn)
        setattr(wrapper, _MARK, batchers)
        return wrapper


class _Batchers:
    """The batchers of one function: its own, or one for each instance that it is a method of."""

    def __init__(self, fn: Any, options: Mapping[str, Any], *, asynchronous: bool) -> None:
        self._fn = fn
        self._options = options
        self._make: type[AnyBatcher] = AsyncBatcher if asynchronous else Batcher
        self._call: Callable[..., Any] = _call_async if asynchronous else _call
        self._signature = inspect.signature(fn)
        parameters = list(self._signature.parameters)
        self._is_method = _is_method(fn, self._signature)
        self._count = 1 + self._is_method
        if len(parameters) < self._count:
            raise TelemetryError(f"{options['name']} takes no items", "give it one argument: a sequence of items")
        self._items = parameters[self._count - 1]
        self._alone = None if self._is_method else self._make(fn, **options)
        # No lock, which a fork could leave held: entries are put in and taken out in single steps of the interpreter.
        self._of_instances: dict[int, tuple[weakref.ref[Any], AnyBatcher]] = {}

    def arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the instance, None for a function, and the items of a call."""
        if kwargs or len(args) != self._count:
            bound = self._signature.bind(*args, **kwargs).arguments
            if len(bound) != self._count or self._items not in bound:
                raise TypeError(
                    f"{self._options['name']}() is batched and takes items alone: calls share its runs, so all of them"
                    " have the same further arguments, their defaults"
                )
            args = tuple(bound.values())
        return (args[0] if self._is_method else None), args[-1]

    def of(self, instance: Any) -> AnyBatcher:
        """Return the batcher of a method's instance, or that of a function."""
        if self._alone is not None:
            return self._alone
        known = self._of_instances.get(id(instance))
        return self._of_new(instance) if known is None else known[1]

    def _of_new(self, instance: Any) -> AnyBatcher:
        key = id(instance)
        try:
            weak = weakref.ref(instance, lambda _: self._of_instances.pop(key, None))
        except TypeError:
            raise TelemetryError(
                f"{type(instance).__name__} cannot be weakly referenced, so nothing tells when its batcher is to end",
                'add "__weakref__" to its __slots__, or make a Batcher in its __init__',
            ) from None
        made = self._make(functools.partial(self._call, self._fn, weak), **self._options)
        return self._of_instances.setdefault(key, (weak, made))[1]


def _is_method(fn: Any, signature: inspect.Signature) -> bool:
    """Say whether the first parameter is an instance or a class: by its name, or as a second one must be given too.

    A function below `staticmethod` stands in a class as a method does, and takes its items alone.
    """
    named = list(signature.parameters.values())
    if named and named[0].name in {"self", "cls"}:
        return True
    around = getattr(fn, "__qualname__", "").rpartition(".")[0]
    in_a_class = bool(around) and not around.endswith("<locals>")
    needed = [p for p in named if p.default is p.empty and p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    return in_a_class and len(needed) > 1


def _call(fn: Any, instance: "weakref.ref[Any]", items: Any) -> Any:
    """Call a method of an instance that is not kept alive by its batcher; those who wait for it do that."""
    return fn(instance(), items)


async def _call_async(fn: Any, instance: "weakref.ref[Any]", items: Any) -> Any:
    """Do the same for a coroutine function."""
    return await fn(instance(), items)
