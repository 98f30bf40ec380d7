"""`instrument`: makes endpoints of an executor's methods without changes to its code.

The methods are replaced by wrappers, in the class and in the tables that a runtime reads. How to undo this is kept on
the executor or class until `uninstrument`.
"""

import functools
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from telemetry.api.endpoint import is_marked, mark
from telemetry.api.request_tables import (
    Endpoints,
    Table,
    class_of,
    endpoints_of,
    function_of,
    is_endpoint,
    method_named,
    method_of,
    tables_of,
)
from telemetry.api.streamed import follow
from telemetry.api.super_calls import Method, begin_once
from telemetry.errors import TelemetryError
from telemetry.recording.runs.callables import function_in, wrap

T = TypeVar("T")
Undo = Callable[[], None]

_UNDO: Final = "__telemetry_undo__"
_MISSING: Final = object()
_lock: Final = threading.RLock()  # guards the lists of undos


def instrument(executor: T, endpoints: Endpoints = None) -> T:
    """Trace, time and count the requests of an executor, like `telemetry.endpoint`, without changes to its code.

    Arguments:
        executor: an executor, or its class before executors are created.
        endpoints: names of methods (`["search"]` serves `/search`), or a mapping from endpoint to method
            (`{"/search": "find"}`); default: the executor's table `requests`, as Jina has it.

    Returns `executor`. A second call changes nothing, and methods with the decorator `telemetry.endpoint` stay as they
    are. A method and the methods that it calls by `super()` are one request. Raises `TelemetryError`, and changes
    nothing, if no endpoint is found.
    """
    _check(executor)
    chosen = endpoints_of(executor, endpoints)
    methods = {name: method for name in chosen if (method := _method(executor, name, required=endpoints is not None))}
    if not chosen:
        _none_found(executor)
    with _lock:
        undos: list[Undo] = []
        try:
            for table in tables_of(executor):
                _instrument_table(executor, table, chosen, undos)
            for name, method in methods.items():
                _instrument_method(executor, method, chosen[name], undos)
        except (AttributeError, TypeError) as exc:
            _undo(undos)
            kind = class_of(executor)
            hint = _HINT if executor is kind else f"instrument its class: {kind.__name__}"
            raise TelemetryError(f"{kind.__name__} cannot be changed: {exc}", hint) from exc
        _remember(executor, undos)
    return executor


def uninstrument(executor: T) -> T:
    """Undo `instrument`, and return `executor`. A method that other code has replaced since then stays replaced."""
    with _lock:
        undos = vars(executor).get(_UNDO) if hasattr(executor, "__dict__") else None
        if undos is not None:
            _undo(undos)
            _delete(executor, _UNDO)
    return executor


_HINT: Final = 'decorate the methods in a class of your own with @telemetry.endpoint("/search")'


def _check(executor: object) -> None:
    if inspect.isroutine(executor):
        raise TelemetryError("instrument takes an executor or its class, not a function", _HINT)
    if not hasattr(executor, "__dict__"):
        kind = class_of(executor).__name__
        raise TelemetryError(f"the attributes of a {kind} cannot be replaced", f"instrument its class: {kind}")


def _none_found(executor: object) -> None:
    kind = class_of(executor)
    if not any(is_marked(getattr(kind, name, None)) for name in dir(kind)):
        raise TelemetryError(
            f"{kind.__name__} has no table `requests` with its endpoints",
            f'name its methods: telemetry.instrument({kind.__name__}, endpoints=["search"])',
        )


def _method(executor: object, name: str, *, required: bool) -> Method | None:
    """Return the method of this name; None for a function that is only in a table, unless `required`."""
    try:
        return method_named(executor, name)
    except TelemetryError:
        if required:
            raise
        return None


def _instrument_method(executor: object, method: Method, names: tuple[str, ...], undos: list[Undo]) -> None:
    if isinstance(executor, type):
        raw = vars(method.owner)[method.name]
        wrapped = _wrap_raw(raw, method, names)
    else:
        raw = getattr(executor, method.name)
        below = method.owner.__dict__.get(method.name, raw)
        wrapped = raw if _is_traced(below) else _wrap_raw(raw, method, names, bound=True)
    if wrapped is not raw:
        _set(executor, method.name, wrapped, undos)


def _instrument_table(executor: object, table: Table, chosen: Mapping[str, tuple[str, ...]], undos: list[Undo]) -> None:
    """Wrap the functions in a table. Each entry is one endpoint, so its name is known without the current request."""
    changed: dict[str, Any] = {}
    for key, entry in table.entries.items():
        fn = function_of(entry)
        if fn is None or _is_traced(fn) or not is_endpoint(key):
            continue
        method = method_of(executor, entry)
        names = chosen.get(method.name)
        if names is not None:
            wrapped = _wrap_raw(fn, method, (key,) if key in names else names, bound=True)
            changed[key] = wrapped if entry is fn else entry._replace(fn=wrapped)
    if table.shared and changed:
        _set(executor, "requests", {**table.entries, **changed}, undos)
        return
    for key, wrapped_fn in changed.items():
        _set_entry(table.entries, key, wrapped_fn, undos)


def _wrap_raw(raw: Any, method: Method, names: tuple[str, ...], *, bound: bool = False) -> Any:
    """Return the wrapper that replaces `raw`; `bound`: it is called as it is, and never bound to an object."""
    if _is_traced(raw):
        return raw
    if isinstance(raw, functools.partialmethod):
        return functools.partialmethod(_wrap_raw(raw.func, method, names), *raw.args, **raw.keywords)
    inner = function_in(raw)
    wrapped = mark(wrap(raw, begin_once(inner, method, names), follow))
    binds = bound or hasattr(type(raw), "__get__")
    return wrapped if binds else staticmethod(wrapped)


def _is_traced(raw: Any) -> bool:
    return is_marked(raw.func if isinstance(raw, functools.partialmethod) else raw)


def _set(executor: Any, name: str, new: Any, undos: list[Undo]) -> None:
    """Set an attribute of a class, or of an executor, without its `__setattr__`."""
    if not isinstance(executor, type) and isinstance(inspect.getattr_static(type(executor), name, None), property):
        raise TypeError(f"its {name} is a property")
    before = vars(executor).get(name, _MISSING)
    _write(executor, name, new)

    def undo() -> None:
        if vars(executor).get(name) is new:
            if before is _MISSING:
                _delete(executor, name)
            else:
                _write(executor, name, before)

    undos.append(undo)


def _set_entry(entries: Any, key: str, new: Any, undos: list[Undo]) -> None:
    before = entries[key]
    entries[key] = new

    def undo() -> None:
        if entries.get(key) is new:
            entries[key] = before

    undos.append(undo)


def _write(executor: Any, name: str, value: Any) -> None:
    if isinstance(executor, type):
        setattr(executor, name, value)
    else:
        vars(executor)[name] = value


def _delete(executor: Any, name: str) -> None:
    if isinstance(executor, type):
        delattr(executor, name)
    else:
        del vars(executor)[name]


def _remember(executor: Any, undos: list[Undo]) -> None:
    known = vars(executor).get(_UNDO)
    if known is not None:
        known.extend(undos)
    elif undos:
        _write(executor, _UNDO, undos)


def _undo(undos: list[Undo]) -> None:
    for undo in reversed(undos):
        undo()
