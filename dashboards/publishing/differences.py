"""What differs between two values of JSON, with names that a person knows.

In: what is there, what should be there. Out: differences. State: none. Panels, queries and variables are known by their
titles and names, so that one more panel is one difference. What is absent is the same as what is empty.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_NAMES: Final = ("title", "name", "uid", "refId", "id")
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs; `before` or `after` is None where there is nothing."""

    path: tuple[str, ...]
    before: Any
    after: Any


def differences(before: Any, after: Any) -> list[Difference]:
    """Return what has to change in `before` to make it `after`, in the order of `after`."""
    return list(_between((), before, after))


def _between(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if before == after or (before in _EMPTY and after in _EMPTY):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _of_items(path, before, after)
    elif (named := _named(before, after)) is not None:
        yield from _of_items(path, *named)
        orders = [[name for name in each if all(name in both for both in named)] for each in named]
        if orders[0] != orders[1]:
            yield Difference((*path, "order"), orders[0], orders[1])
    else:
        yield Difference(path, before, after)


def _of_items(path: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for key in dict.fromkeys((*after, *before)):
        yield from _between((*path, key), before.get(key), after.get(key))


def _named(before: Any, after: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return two lists of objects as objects by name, or by place if there are as many; None: neither."""
    if not (_is_list_of_objects(before) and _is_list_of_objects(after)):
        return None
    for key in _NAMES:
        if all(item.get(key) for item in (*before, *after)):
            return _by_name(before, key), _by_name(after, key)
    return (_by_place(before), _by_place(after)) if len(before) == len(after) else None


def _by_name(items: list[Any], key: str) -> dict[str, Any]:
    """Return objects by name; further ones of a name are numbered."""
    named: dict[str, Any] = {}
    for item in items:
        name, number = str(item[key]), 2
        while name in named:
            name, number = f"{item[key]} ({number})", number + 1
        named[name] = item
    return named


def _by_place(items: list[Any]) -> dict[str, Any]:
    return {str(number): item for number, item in enumerate(items, 1)}


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) for each in value)
