"""Finds the documents that an endpoint was given, and counts them.

In: the arguments of a call. Out: the documents and their number, or None. State: which classes a method is called on,
for each method. Nothing is consumed, nothing is loaded, nothing is raised.

A search for one text is a call with one document: parameters of certain names say so, also as fields of a request body
(a pydantic model, a dataclass, a named tuple, a protobuf message, a dictionary).

`len` is asked only of types that are known to answer from memory: what runs a query to answer it (a QuerySet of
Django's, a collection of an object-relational mapper) is left alone. Types are looked at, never `isinstance`, which a
lazy object answers by loading itself.
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
"""Classes that know their length, by package and name."""

_MAY_QUERY: Final = frozenset({"django", "sqlalchemy", "docarray"})
"""Packages whose other sequences may ask a database for their length."""


def count(value: object) -> int | None:
    """Return the number of documents that `value` holds; None where it is no collection, or must not be asked."""
    kind: Any = type(value)
    if kind not in _BUILT_IN and not _is_cheap(kind):
        return None
    try:
        return len(value)  # type: ignore[arg-type]  # cheap types have a length
    except Exception:  # noqa: BLE001  a class's own __len__ can raise anything; an array without dimensions does
        return None


def is_vector(value: object) -> bool:
    """Say whether `value` is one list of numbers."""
    if type(value) in {list, tuple}:
        first: object = next(iter(value), None)  # type: ignore[call-overload]  # just tested
        return type(first) in {int, float}
    kind: Any = type(value)
    return _is_cheap(kind) and getattr(value, "ndim", None) == 1


@lru_cache(maxsize=1024)
def _is_cheap(kind: Any) -> bool:
    if kind in _BUILT_IN:
        return True
    if issubclass(kind, _TEXTS) or _named_places(kind):
        return False  # a named tuple is one thing, whose fields are none of a kind
    if any((_package(base), base.__name__) in _IN_MEMORY for base in kind.__mro__):
        return True
    asked = next((base for base in kind.__mro__ if "__len__" in vars(base)), None)
    if asked is None or _package(asked) in _MAY_QUERY:
        return False
    return issubclass(kind, (Sequence, set, frozenset, deque, array))


def _package(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def is_secret(value: object) -> bool:
    """Say whether `value` is a text that pydantic keeps to itself (`SecretStr`)."""
    kind: Any = type(value)
    return any(base.__name__ in {"SecretStr", "Secret"} and _package(base) == "pydantic" for base in kind.__mro__)


def fields_of(value: object) -> frozenset[str]:
    """Return the fields of a pydantic model, a dataclass, a named tuple or a protobuf message; nothing otherwise."""
    kind: Any = type(value)
    return _fields_of(kind)


def _named_places(kind: Any) -> tuple[str, ...]:
    """Return the fields of a class of named tuples, in order."""
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
    return frozenset(_named_places(kind))


def field(value: Any, name: str) -> object:
    """Return a field as it is stored, or None: an attribute that would be loaded is not."""
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
        return dict(zip(_named_places(type(value)), tuple.__iter__(value), strict=False)).get(name)
    return getattr(value, name, None) if hasattr(type(value), "DESCRIPTOR") else None


Found = tuple[Any, int | None]
Docs = str | Callable[..., Any] | None
"""What a user says of the documents: the name of an argument, or what returns them."""

_NOTHING: Final[Found] = (None, None)
_MANY: Final = ("docs", "documents", "candidates", "passages")
"""Parameters that hold documents, a collection of them or one text."""
_QUERIES: Final = ("q", "query", "text", "texts", "prompt", "question")
"""Parameters that hold a query: a text or its vector, or several."""
_KNOWN: Final = frozenset({*_MANY, *_QUERIES})

_PLAIN: Final = frozenset({type(None), str, int, float, bool, list, dict, tuple})

_log: Final = logging.getLogger("search_telemetry")
_warned: Final[set[str]] = set()
_MOST_WARNINGS: Final = 100


class DocumentFinder:
    """Returns the documents in a call of `fn`, with their number; None and None where there are none.

    They are what `docs` says, else the argument named `docs`, else what a parameter of a known name holds, else a body
    with such a field, else the first argument that is a collection in memory. The instance or class that a method is
    called on is never one.
    """

    __slots__ = ("_docs", "_fn", "_is_method", "_names", "_place", "_receivers")

    def __init__(self, fn: Any, docs: Docs = None) -> None:
        self._fn = fn
        self._docs = docs
        self._names = _names(fn)
        self._is_method = self._names[:1] in (["self"], ["cls"])
        self._place = self._names.index("docs") if "docs" in self._names else sys.maxsize
        self._receivers: WeakKeyDictionary[type, bool] = WeakKeyDictionary()

    def __call__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Found:
        """Find the documents in a call."""
        if self._docs is None:  # most calls have them here
            docs = kwargs.get("docs", args[self._place] if self._place < len(args) else None)
            number = count(docs)
            if number is not None:
                return docs, number
        if args and self._is_receiver(args[0]):
            args, names = args[1:], self._names[1:]
        else:
            names = self._names
        if callable(self._docs):
            return self._asked(self._docs, args, kwargs)
        given = _given(names, args, kwargs)
        return _search(given) if self._docs is None else self._named(self._docs, given)

    def _named(self, name: str, given: Mapping[Any, Any]) -> Found:
        """Return what the argument of this name holds, or the field of a body."""
        if name in given:
            return _as_given(given[name])
        body = next(_bodies(given, frozenset({name})), None)
        if body is not None:
            return _as_given(body[name])
        known = ", ".join(map(str, given)) or "no argument"
        _warn(f"docs={name!r} is not an argument of {_name_of(self._fn)}, which was called with {known}")
        return _NOTHING

    def _asked(self, docs: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Found:
        try:
            return _as_given(docs(*args, **kwargs))
        except Exception as exc:  # noqa: BLE001  user code: anything can be raised here
            _warn(f"the function docs of {_name_of(self._fn)} raised {type(exc).__name__}")
            return _NOTHING

    def _is_receiver(self, first: object) -> bool:
        """Say whether `first` is the instance or the class that the method is called on."""
        if self._is_method:
            return True
        kind: Any = first if issubclass(type(first), type) else type(first)
        if kind not in self._receivers:
            self._receivers[kind] = any(self._defines(base) for base in kind.__mro__)
        return self._receivers[kind]

    def _defines(self, kind: type) -> bool:
        """Say whether the method is one of this class: by its own name, or as what a decorator left there."""
        owner = str(getattr(self._fn, "__qualname__", "")).rpartition(".")[0]
        if owner and kind.__qualname__ == owner and kind.__module__ == getattr(self._fn, "__module__", None):
            return True
        inner = (raw.__func__ if isinstance(raw, classmethod) else raw for raw in tuple(vars(kind).values()))
        return any(vars(one).get("__wrapped__") is self._fn for one in inner if type(one) is FunctionType)


def _names(fn: Any) -> list[str]:
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):  # builtins without a signature
        return []
    return [p.name for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]


def _given(names: list[str], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[Any, Any]:
    """Return the arguments by name, in the order of the parameters; those of no name by their place."""
    given: dict[Any, Any] = dict(zip(names, args, strict=False))
    if len(args) > len(names):
        given.update(enumerate(args[len(names) :], len(names)))
    if kwargs:
        given.update((name, kwargs[name]) for name in names[len(args) :] if name in kwargs)
        given.update(kwargs)
    return given


def _search(given: Mapping[Any, Any]) -> Found:
    declared = {name: value for name, value in given.items() if not _is_dict(value)}
    for arguments in (given, *_bodies(declared, _KNOWN)):
        found = _by_name(arguments)
        if found[1] is not None:
            return found
    # a dictionary may be anything: it comes in its turn
    counted = (_by_name(_body(value, _KNOWN)) if _is_dict(value) else (value, count(value)) for value in given.values())
    return next((found for found in counted if found[1] is not None), _NOTHING)


def _by_name(arguments: Mapping[Any, Any]) -> Found:
    """Return what the parameters of known names hold."""
    if _KNOWN.isdisjoint(arguments):
        return _NOTHING
    for name in _MANY:
        number = count(arguments.get(name))
        if number is not None:
            return arguments[name], number
    for name in _QUERIES:
        value = arguments.get(name)
        if value is None:
            continue
        if _is_text(value) or (name != "texts" and is_vector(value)):
            return [value], 1
        number = count(value)
        if number is not None:
            return value, number
    return next((([arguments[name]], 1) for name in _MANY if _is_text(arguments.get(name))), _NOTHING)


def _bodies(given: Mapping[Any, Any], wanted: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield of each argument that is a request body the fields that are wanted."""
    return filter(None, (_body(value, wanted) for value in given.values()))


def _body(value: Any, wanted: frozenset[str]) -> dict[str, Any]:
    if _is_dict(value):
        return {name: dict.__getitem__(value, name) for name in wanted if dict.__contains__(value, name)}
    names = () if type(value) in _PLAIN else fields_of(value) & wanted
    return {name: field(value, name) for name in names}


def _is_dict(value: object) -> bool:
    return issubclass(type(value), dict)


def _is_text(value: object) -> bool:
    """Say whether `value` is a text, or one that hides itself: that counts, and is never read."""
    return issubclass(type(value), str) or is_secret(value)


def _as_given(value: Any) -> Found:
    """Return the documents that the user pointed at: a collection, or one thing that is a document."""
    number = None if value is None else count(value)
    if number is not None:
        return value, number
    single = issubclass(type(value), str | bytes | bytearray | dict) or is_secret(value) or fields_of(value)
    return ([value], 1) if single else _NOTHING


def _name_of(fn: Any) -> str:
    return str(getattr(fn, "__qualname__", fn))


def _warn(problem: str) -> None:
    if problem not in _warned and len(_warned) < _MOST_WARNINGS:
        _warned.add(problem)
        _log.warning("%s: its documents are not counted (logged once)", problem)
