"""Counts documents, and touches none of them.

In: any value. Out: how many documents it holds, or None. State: none.

`len` is asked only of types that are known to answer from memory: what runs a query to answer it (a QuerySet of
Django's, a collection of an object-relational mapper) is the user's, and is left alone. Types are looked at, never
`isinstance`, which a lazy object answers by loading itself.
"""

import sys
from array import array
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from types import MemberDescriptorType
from typing import Any, Final

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
