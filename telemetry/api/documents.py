"""Finds and counts the documents in the arguments of a call.

It never raises, consumes an iterator, or loads lazy data. A search for one text counts as one document; it is found by
the name of a parameter, or of a field of a request body (a pydantic model, a dataclass, a named tuple, a protobuf
message, a dictionary).

`len` is called only for types that have their length in memory, and not for those that may run a query, such as
Django's QuerySet or collections of an object-relational mapper. Types are checked by `issubclass(type(value), …)`,
since `isinstance` can make a lazy object load itself.
"""

import inspect
import logging
import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import FunctionType, MemberDescriptorType
from typing import Any, Final
from weakref import WeakKeyDictionary

_BUILT_IN: Final = frozenset({
    list, tuple, set, frozenset, range, deque, array, type({}.keys()), type({}.values()), type({}.items()),
})  # fmt: skip
_TEXTS: Final = (str, bytes, bytearray, memoryview)

_IN_MEMORY: Final = frozenset({
    ("numpy", "ndarray"), ("pandas", "DataFrame"), ("pandas", "Series"), ("pandas", "Index"), ("torch", "Tensor"),
    ("tensorflow", "Tensor"), ("tensorflow", "RaggedTensor"), ("jax", "Array"), ("jaxlib", "ArrayImpl"),
    ("cupy", "ndarray"), ("polars", "DataFrame"), ("polars", "Series"), ("pyarrow", "Table"), ("pyarrow", "Array"),
    ("pyarrow", "ChunkedArray"), ("pyarrow", "RecordBatch"), ("datasets", "Dataset"), ("docarray", "DocList"),
    ("docarray", "DocVec"), ("docarray", "DocumentArrayInMemory"),
})  # fmt: skip
"""Classes that have their length in memory, by package and name."""

_MAY_QUERY: Final = frozenset({"django", "sqlalchemy", "docarray"})
"""Packages whose other sequences may query a database for their length."""


def count(value: object) -> int | None:
    """Return the number of documents in `value`; None if it is not a collection, or its length may run a query."""
    kind: Any = type(value)
    if kind not in _BUILT_IN and not _is_cheap(kind):
        return None
    try:
        return len(value)  # type: ignore[arg-type]  # cheap types have a length
    except Exception:  # noqa: BLE001  a user's __len__ may raise anything; a 0-d array raises TypeError
        return None


def is_vector(value: object) -> bool:
    """Return whether `value` is a list of numbers or a one-dimensional array."""
    if type(value) in {list, tuple}:
        first: object = next(iter(value), None)  # type: ignore[call-overload]  # just tested
        return type(first) in {int, float}
    kind: Any = type(value)
    return _is_cheap(kind) and getattr(value, "ndim", None) == 1


@lru_cache(maxsize=1024)
def _is_cheap(kind: Any) -> bool:
    if kind in _BUILT_IN:
        return True
    if issubclass(kind, _TEXTS) or _namedtuple_fields(kind):
        return False  # a named tuple is one thing, not a list of things
    if any((_package(base), base.__name__) in _IN_MEMORY for base in kind.__mro__):
        return True
    owner = next((base for base in kind.__mro__ if "__len__" in vars(base)), None)
    if owner is None or _package(owner) in _MAY_QUERY:
        return False
    return issubclass(kind, (Sequence, set, frozenset, deque, array))


def _package(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def is_secret(value: object) -> bool:
    """Return whether `value` is a secret of pydantic (`SecretStr`)."""
    kind: Any = type(value)
    return any(base.__name__ in {"SecretStr", "Secret"} and _package(base) == "pydantic" for base in kind.__mro__)


def fields_of(value: object) -> frozenset[str]:
    """Return the field names of a pydantic model, a dataclass, a named tuple or a protobuf message; else none."""
    kind: Any = type(value)
    return _fields_of(kind)


def _namedtuple_fields(kind: Any) -> tuple[str, ...]:
    """Return the field names of a named tuple's class, in order; else none."""
    names = getattr(kind, "_fields", None) if issubclass(kind, tuple) else None
    return names if isinstance(names, tuple) and all(isinstance(name, str) for name in names) else ()


@lru_cache(maxsize=1024)
def _fields_of(kind: Any) -> frozenset[str]:
    declared = getattr(kind, "__dataclass_fields__", None)
    if isinstance(declared, dict):
        return frozenset(declared)
    for module, fields in (("pydantic.main", "model_fields"), ("pydantic.v1.main", "__fields__")):
        model = getattr(sys.modules.get(module), "BaseModel", None)
        if isinstance(model, type) and issubclass(kind, model):
            return frozenset(getattr(kind, fields, None) or getattr(kind, "__fields__", None) or ())
    message = getattr(sys.modules.get("google.protobuf.message"), "Message", None)
    if isinstance(message, type) and issubclass(kind, message):
        return frozenset(kind.DESCRIPTOR.fields_by_name)
    return frozenset(_namedtuple_fields(kind))


def field(value: Any, name: str) -> object:
    """Return the stored value of a field; None for an attribute that would have to be loaded."""
    try:
        stored = object.__getattribute__(value, "__dict__")
    except AttributeError:
        stored = {}
    if name in stored:
        return stored[name]
    for base in type(value).__mro__:
        slot = vars(base).get(name)
        if isinstance(slot, MemberDescriptorType):
            return slot.__get__(value)
    if issubclass(type(value), tuple):
        return dict(zip(_namedtuple_fields(type(value)), tuple.__iter__(value), strict=False)).get(name)
    return getattr(value, name, None) if hasattr(type(value), "DESCRIPTOR") else None


Found = tuple[Any, int | None]
Docs = str | Callable[..., Any] | None
"""The user's option `docs`: the name of an argument, or a function that returns the documents."""

_NOTHING: Final[Found] = (None, None)
_DOCUMENT_NAMES: Final = ("docs", "documents", "candidates", "passages")
"""Parameters for documents: a collection, or one text."""
_QUERY_NAMES: Final = ("q", "query", "text", "texts", "prompt", "question")
"""Parameters for a query: a text or its vector, or several."""
_KNOWN_NAMES: Final = frozenset({*_DOCUMENT_NAMES, *_QUERY_NAMES})

_NOT_BODIES: Final = frozenset({type(None), str, int, float, bool, list, dict, tuple})

_log: Final = logging.getLogger("search_telemetry")
_warned: Final[set[str]] = set()
_MAX_WARNINGS: Final = 100


class DocumentFinder:
    """Returns the documents in a call of `fn`, and their number; None and None if there are none.

    In this order: the option `docs`, the argument named `docs`, a parameter with a known name, a request body with a
    field of such a name, the first argument that is a collection in memory. The instance or class that a method is
    called on does not count.
    """

    __slots__ = ("_docs", "_docs_index", "_fn", "_is_method", "_names", "_receivers")

    def __init__(self, fn: Any, docs: Docs = None) -> None:
        self._fn = fn
        self._docs = docs
        self._names = _parameters(fn)
        self._is_method = self._names[:1] in (["self"], ["cls"])
        self._docs_index = self._names.index("docs") if "docs" in self._names else sys.maxsize
        self._receivers: WeakKeyDictionary[type, bool] = WeakKeyDictionary()

    def __call__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Found:
        """Return the documents in a call, and their number."""
        if self._docs is None:  # the most frequent case first
            docs = kwargs.get("docs", args[self._docs_index] if self._docs_index < len(args) else None)
            if type(docs) is list:
                return docs, len(docs)
            number = count(docs)
            if number is not None:
                return docs, number
        if args and self._is_receiver(args[0]):
            args, names = args[1:], self._names[1:]
        else:
            names = self._names
        if callable(self._docs):
            return self._call_docs(self._docs, args, kwargs)
        arguments = _arguments(names, args, kwargs)
        return _search(arguments) if self._docs is None else self._named(self._docs, arguments)

    def _named(self, name: str, arguments: Mapping[Any, Any]) -> Found:
        """Return the documents in the argument of this name, or in the field of a request body."""
        if name in arguments:
            return _documents_in(arguments[name])
        body = next(_bodies(arguments, frozenset({name})), None)
        if body is not None:
            return _documents_in(body[name])
        known = ", ".join(map(str, arguments)) or "no argument"
        _warn(f"docs={name!r} is not an argument of {_name_of(self._fn)}, which was called with {known}")
        return _NOTHING

    def _call_docs(self, docs: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Found:
        try:
            return _documents_in(docs(*args, **kwargs))
        except Exception as exc:  # noqa: BLE001  user code may raise anything
            _warn(f"the function docs of {_name_of(self._fn)} raised {type(exc).__name__}")
            return _NOTHING

    def _is_receiver(self, first: object) -> bool:
        """Return whether `first` is the instance or the class that the method is called on."""
        if self._is_method:
            return True
        kind: Any = first if issubclass(type(first), type) else type(first)
        if kind not in self._receivers:
            self._receivers[kind] = any(self._defines(base) for base in kind.__mro__)
        return self._receivers[kind]

    def _defines(self, kind: type) -> bool:
        """Return whether this class defines the method, by its qualified name or inside a decorated function."""
        owner = str(getattr(self._fn, "__qualname__", "")).rpartition(".")[0]
        if owner and kind.__qualname__ == owner and kind.__module__ == getattr(self._fn, "__module__", None):
            return True
        inner = (raw.__func__ if isinstance(raw, classmethod) else raw for raw in tuple(vars(kind).values()))
        return any(vars(one).get("__wrapped__") is self._fn for one in inner if type(one) is FunctionType)


def _parameters(fn: Any) -> list[str]:
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):  # builtins without a signature
        return []
    return [p.name for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]


def _arguments(names: list[str], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[Any, Any]:
    """Return the arguments by name, in the order of the parameters; further positional ones by their index."""
    found: dict[Any, Any] = dict(zip(names, args, strict=False))
    if len(args) > len(names):
        found.update(enumerate(args[len(names) :], len(names)))
    if kwargs:
        found.update((name, kwargs[name]) for name in names[len(args) :] if name in kwargs)
        found.update(kwargs)
    return found


def _search(arguments: Mapping[Any, Any]) -> Found:
    declared = {name: value for name, value in arguments.items() if not _is_dict(value)}
    for mapping in (arguments, *_bodies(declared, _KNOWN_NAMES)):
        found = _by_name(mapping)
        if found[1] is not None:
            return found
    # a dictionary may be something else than a body: it is searched in the order of the arguments
    counted = (
        _by_name(_body(value, _KNOWN_NAMES)) if _is_dict(value) else (value, count(value))
        for value in arguments.values()
    )
    return next((found for found in counted if found[1] is not None), _NOTHING)


def _by_name(arguments: Mapping[Any, Any]) -> Found:
    """Return the documents in a parameter with a known name."""
    if _KNOWN_NAMES.isdisjoint(arguments):
        return _NOTHING
    for name in _DOCUMENT_NAMES:
        number = count(arguments.get(name))
        if number is not None:
            return arguments[name], number
    for name in _QUERY_NAMES:
        value = arguments.get(name)
        if value is None:
            continue
        if _is_text(value) or (name != "texts" and is_vector(value)):
            return [value], 1
        number = count(value)
        if number is not None:
            return value, number
    return next((([arguments[name]], 1) for name in _DOCUMENT_NAMES if _is_text(arguments.get(name))), _NOTHING)


def _bodies(arguments: Mapping[Any, Any], wanted: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield the wanted fields of each argument that is a request body."""
    return filter(None, (_body(value, wanted) for value in arguments.values()))


def _body(value: Any, wanted: frozenset[str]) -> dict[str, Any]:
    if _is_dict(value):
        return {name: dict.__getitem__(value, name) for name in wanted if dict.__contains__(value, name)}
    names = () if type(value) in _NOT_BODIES else fields_of(value) & wanted
    return {name: field(value, name) for name in names}


def _is_dict(value: object) -> bool:
    return issubclass(type(value), dict)


def _is_text(value: object) -> bool:
    """Return whether `value` is a text or a secret text, which is counted but never read."""
    return issubclass(type(value), str) or is_secret(value)


def _documents_in(value: Any) -> Found:
    """Return the documents in a value that the option `docs` selected: a collection, or a single document."""
    number = None if value is None else count(value)
    if number is not None:
        return value, number
    single = issubclass(type(value), str | bytes | bytearray | dict) or is_secret(value) or fields_of(value)
    return ([value], 1) if single else _NOTHING


def _name_of(fn: Any) -> str:
    return str(getattr(fn, "__qualname__", fn))


def _warn(problem: str) -> None:
    if problem not in _warned and len(_warned) < _MAX_WARNINGS:
        _warned.add(problem)
        _log.warning("%s: its documents are not counted (logged once)", problem)
