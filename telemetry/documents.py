"""Finds and counts the documents that an endpoint was given.

In: the arguments of a call. Out: the documents and their number, or None. State: none. Arguments are only ever asked
for their length: no iterator is consumed, nothing is raised.
"""

import inspect
from collections.abc import Callable, Mapping, Sized
from typing import Any

FindDocuments = Callable[[tuple[Any, ...], Mapping[str, Any]], tuple[Any, int | None]]


def finder_for(fn: Any) -> FindDocuments:
    """Return how to find the documents in a call of `fn`, with their number; None and None where there are none.

    They are the argument named `docs`, else the first sized positional argument that is no string, bytes or mapping;
    the instance or class that a method is called on is never counted.
    """
    names = _positional_names(fn)
    first = 1 if names and names[0] in {"self", "cls"} else 0
    docs = names.index("docs") if "docs" in names else None

    def find(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, int | None]:
        named = kwargs.get("docs", args[docs] if docs is not None and docs < len(args) else None)
        length = _length(named)
        if length is not None:
            return named, length
        sized = ((arg, _length(arg)) for arg in args[first:] if not isinstance(arg, Mapping))
        return next((found for found in sized if found[1] is not None), (None, None))

    return find


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
