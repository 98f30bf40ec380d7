"""Finds which methods of an executor serve which endpoints, and the tables in which a runtime looks them up.

A table is a mapping `requests` from endpoint to function. Jina's executors have three forms of it
(jina/serve/executors/decorators.py and __init__.py in github.com/jina-ai/jina): `requests` of the class, with functions
(3.0); `requests_by_class[name of the class]` of the class, and `requests` of the instance, both with named tuples whose
field `fn` is the function (later). A table may also hold bound methods, or names of methods.
"""

import functools
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from telemetry.api.super_calls import Method
from telemetry.errors import TelemetryError
from telemetry.recording.runs.callables import unbound

_NOT_ENDPOINTS: Final = frozenset({"_jina_dry_run_"})
"""Health checks of Jina's gateway."""

Endpoints = Iterable[str] | Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a runtime reads. `shared`: another class uses it too, or it is read-only."""

    entries: Mapping[str, Any]
    shared: bool


def class_of(target: Any) -> type:
    """Return the class of an executor, or the class itself."""
    return target if isinstance(target, type) else type(target)


def tables_of(target: Any) -> list[Table]:
    """Return the tables of an executor or a class."""
    if not isinstance(target, type):
        entries = getattr(target, "requests", None)
        shared = any(vars(kind).get("requests") is entries for kind in type(target).__mro__)
        return [_table(entries, shared=shared)] if isinstance(entries, Mapping) else []
    found = []
    entries = inspect.getattr_static(target, "requests", None)
    if isinstance(entries, Mapping):
        found.append(_table(entries, shared=vars(target).get("requests") is not entries))
    by_class = getattr(target, "requests_by_class", None)
    entries = by_class.get(target.__name__) if isinstance(by_class, Mapping) else None
    if isinstance(entries, Mapping):
        found.append(Table(entries, shared=False))
    return found


def _table(entries: Mapping[str, Any], *, shared: bool) -> Table:
    return Table(entries, shared or not hasattr(entries, "__setitem__"))


def endpoints_of(target: Any, endpoints: Endpoints) -> dict[str, tuple[str, ...]]:
    """Return the endpoint names by method, from `endpoints`, else from the tables."""
    if isinstance(endpoints, str | bytes):
        raise TelemetryError(
            f"endpoints={endpoints!r} is a string, not a list of names", f"write endpoints=[{endpoints!r}]"
        )
    if endpoints is None:
        pairs = [(endpoint, method_of(target, entry).name) for endpoint, entry in table_entries(target)]
    elif isinstance(endpoints, Mapping):
        pairs = list(endpoints.items())
    else:
        pairs = [(f"/{name}", name) for name in endpoints]
    methods: dict[str, tuple[str, ...]] = {}
    for endpoint, name in pairs:
        if not isinstance(name, str) or not isinstance(endpoint, str):
            raise TelemetryError(
                f"endpoints has {endpoint!r}: {name!r}, but both must be strings",
                'write endpoints={"/search": "search"}',
            )
        methods[name] = (*methods.get(name, ()), endpoint)
    return methods


def table_entries(target: Any) -> list[tuple[str, Any]]:
    """Return the entries of all tables that are endpoints."""
    found = (entry for table in tables_of(target) for entry in table.entries.items())
    entries = {
        key: value for key, value in found if is_endpoint(key) and (isinstance(value, str) or function_of(value))
    }
    return list(entries.items())


def is_endpoint(key: object) -> bool:
    """Return whether a key of a table is the name of an endpoint."""
    return isinstance(key, str) and key not in _NOT_ENDPOINTS


def function_of(entry: Any) -> Any:
    """Return the function of an entry; None if it has none."""
    fn = entry.fn if isinstance(entry, tuple) and hasattr(entry, "_replace") and hasattr(entry, "fn") else entry
    return fn if callable(fn) else None


def method_of(target: Any, entry: Any) -> Method:
    """Return the method of an entry; for a function that is not a method, one with the function's name."""
    kind = class_of(target)
    if isinstance(entry, str):
        return method_named(target, entry)
    fn = unbound(function_of(entry))
    for owner in kind.__mro__:
        for name, raw in vars(owner).items():
            if unbound(raw) is fn:
                return Method(name, owner, isinstance(raw, staticmethod))
    return Method(getattr(fn, "__name__", "call"), kind, static=False)


def method_named(target: Any, name: str) -> Method:
    """Return the method of this name. Raises TelemetryError."""
    kind = class_of(target)
    owner = next((owner for owner in kind.__mro__ if name in vars(owner)), None)
    if owner is None:
        if not isinstance(target, type) and callable(vars(target).get(name)):
            return Method(name, kind, static=True)
        raise TelemetryError(f"{kind.__name__} has no method {name!r}", f"its methods are {_methods(kind)}")
    raw = vars(owner)[name]
    if not (callable(raw) or isinstance(raw, classmethod | functools.partialmethod)):
        raise TelemetryError(f"{kind.__name__}.{name} is not a method", f"its methods are {_methods(kind)}")
    return Method(name, owner, isinstance(raw, staticmethod) or not hasattr(type(raw), "__get__"))


def _methods(kind: type) -> str:
    names = [name for name in dir(kind) if not name.startswith("_") and callable(getattr(kind, name, None))]
    return ", ".join(names[:20]) or "none"
