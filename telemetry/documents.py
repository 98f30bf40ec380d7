"""Counts the documents that an endpoint was given.

In: the arguments of a call. Out: their number, or None. State: none. Arguments are only ever asked for their length:
no iterator is consumed, nothing is raised.
"""

import inspect
from collections.abc import Callable, Mapping, Sized
from typing import Any

CountDocuments = Callable[[tuple[Any, ...], Mapping[str, Any]], int | None]


def counter_for(fn: Any) -> CountDocuments:
    """Return how to count the documents in a call of `fn`.

    They are the argument named `docs`, else the first sized positional argument that is no string, bytes or mapping;
    the instance or class that a method is called on is never counted.
    """
    names = _positional_names(fn)
    first = 1 if names and names[0] in {"self", "cls"} else 0
    docs = names.index("docs") if "docs" in names else None

    def count(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int | None:
        named = kwargs.get("docs", args[docs] if docs is not None and docs < len(args) else None)
        length = _length(named)
        if length is not None:
            return length
        lengths = (_length(arg) for arg in args[first:] if not isinstance(arg, Mapping))
        return next((length for length in lengths if length is not None), None)

    return count


def _positional_names(fn: Any) -> list[str]:
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):  # builtins without a signature
        return []
    return [p.name for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]


def _length(value: object) -> int | None:
    if not isinstance(value, Sized) or isinstance(value, str | bytes | bytearray):
        return None
    try:
        return len(value)
    except Exception:  # noqa: BLE001  a class's own __len__ can raise anything; an array without dimensions does
        return None
