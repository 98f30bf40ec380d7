"""Traces the function inside an object that a framework's decorator made of it.

A decorator above `@app.task` (Celery) or `@requests` (Jina) gets an object instead of a function, which does more than
call it: `.delay` sends a task, `__set_name__` registers an executor's endpoint. A function in its place would not do
that. So the function that the object holds is replaced, and the object is returned.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final

from telemetry.errors import TelemetryError
from telemetry.recording.runs.callables import can_wrap, unbound

_NAMES: Final = ("run", "fn", "func", "function", "callback", "_fn", "_func", "_function")
"""Attributes that hold the function: Celery's `run`, Jina's, dramatiq's and Prefect's `fn`, Click's `callback`."""
_OTHER_CALLS: Final = ("delay", "send", "submit", "remote", "make_context", "__wrapped__")
"""Attributes of objects whose function is also called in another way: by a worker, or from a command line."""


def is_framework_object(fn: Any) -> bool:
    """Return whether `fn` is an object that a framework's decorator made, and that does more than call its function."""
    kind = type(fn)
    if inspect.isroutine(fn) or isinstance(fn, type | functools.partial | staticmethod | classmethod):
        return False
    if kind.__module__ in {"builtins", "functools"}:
        return False
    return hasattr(kind, "__set_name__") or (bool(_places(fn)) and any(hasattr(fn, name) for name in _OTHER_CALLS))


def can_decorate(fn: Any) -> bool:
    """Return whether calls of `fn` can be traced: by a wrapper, or by one inside it."""
    return can_wrap(fn) or is_framework_object(fn)


def trace_inside(decorator: str, fn: Any, wrap: Callable[[Any], Any]) -> Any:
    """Replace the function inside `fn` by `wrap(function)`, and return `fn`. Raises TelemetryError if none is found."""
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
        f"{decorator} cannot find the function inside a {_class_of(fn).__name__}, and a wrapper around the object "
        "would break it",
        f"write @telemetry.{decorator}(…) below the decorator that makes it, right above `def`",
    )


def _places(fn: Any) -> list[str]:
    """Return the attributes of an object, or of a class made for it alone, that hold a function."""
    held = {**_static(_class_of(fn)), **_own(fn)}
    return [name for name in _NAMES if inspect.isfunction(unbound(held.get(name)))]


def _own(fn: Any) -> dict[str, Any]:
    return dict(getattr(fn, "__dict__", {}))


def _static(kind: type) -> dict[str, Any]:
    """Return the attributes of a class made for one object: Celery makes one for each task, with `__wrapped__`."""
    return dict(vars(kind)) if "__wrapped__" in vars(kind) else {}


def _class_of(fn: Any) -> type:
    """Return the class of an object, or of the one that it is a proxy for."""
    kind: type = fn.__class__
    return kind
