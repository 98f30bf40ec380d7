"""Finds the function inside an object that a decorator made of it, and traces it there.

In: a callable object with a behaviour of its own. Out: the same object, whose function is traced; or a refusal. State:
none.

A decorator above `@app.task` (Celery) or `@requests` (Jina) is given no function, but an object that does more than to
be called: a task is sent away by `.delay`, an executor's endpoint is registered by `__set_name__`. A function in its
place would do neither. What the object calls is a function that it holds; that one is replaced, and the object is
handed on.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final

from telemetry.errors import TelemetryError
from telemetry.recording.callables import can_wrap, unbound

_NAMES: Final = ("run", "fn", "func", "function", "callback", "_fn", "_func", "_function")
"""Where such objects keep their function: Celery's `run`, Jina's, dramatiq's and Prefect's `fn`, Click's `callback`."""
_ELSEWHERE: Final = ("delay", "send", "submit", "remote", "make_context", "__wrapped__")
"""What tells that a function is called in other ways than by calling the object: sent away, or by a command line."""


def is_framework_object(fn: Any) -> bool:
    """Say whether `fn` is an object that a framework's decorator made, which does more than call its function."""
    kind = type(fn)
    if inspect.isroutine(fn) or isinstance(fn, type | functools.partial | staticmethod | classmethod):
        return False
    if kind.__module__ in {"builtins", "functools"}:
        return False
    return hasattr(kind, "__set_name__") or (bool(_places(fn)) and any(hasattr(fn, name) for name in _ELSEWHERE))


def can_decorate(fn: Any) -> bool:
    """Say whether calls of `fn` can be traced: by a wrapper, or by one inside it."""
    return can_wrap(fn) or is_framework_object(fn)


def trace_inside(decorator: str, fn: Any, wrap: Callable[[Any], Any]) -> Any:
    """Replace the function inside `fn` by what `wrap` makes of it; return `fn`. Refuses where none is found."""
    places = _places(fn)
    if not places:
        raise _refusal(decorator, fn)
    found = getattr(fn, places[0])
    traced = wrap(found)
    same = [name for name in places if unbound(getattr(fn, name)) is unbound(found)]
    try:
        for name in same:
            setattr(fn, name, traced)
    except (AttributeError, TypeError):
        raise _refusal(decorator, fn) from None
    if any(getattr(fn, name, None) is not traced for name in same):
        raise _refusal(decorator, fn)
    return fn


def _refusal(decorator: str, fn: Any) -> TelemetryError:
    return TelemetryError(
        f"{decorator} does not know where a {_class_of(fn).__name__} keeps its function, and a function in its place "
        "would not do what it does",
        f"write @telemetry.{decorator}(…) below the decorator that makes it, right above `def`",
    )


def _places(fn: Any) -> list[str]:
    """Return the names under which an object keeps a function, of its own or of a class made for it alone."""
    held = {**_static(_class_of(fn)), **_own(fn)}
    return [name for name in _NAMES if inspect.isfunction(unbound(held.get(name)))]


def _own(fn: Any) -> dict[str, Any]:
    return dict(getattr(fn, "__dict__", {}))


def _static(kind: type) -> dict[str, Any]:
    """Return what the class of one object holds: Celery makes one for each task, with the function in `__wrapped__`."""
    return dict(vars(kind)) if "__wrapped__" in vars(kind) else {}


def _class_of(fn: Any) -> type:
    """Return the class of an object, or of the one that it stands for."""
    kind: type = fn.__class__
    return kind
