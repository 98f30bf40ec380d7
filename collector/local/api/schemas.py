"""JSON schemas of the answers, made of the classes that the answers are made of, with their documentation."""

import ast
import inspect
import textwrap
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]
REAL = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
"""A number that was sent, and may be none that JSON has."""
_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
}


class Schemas:
    """The schemas of classes, each defined once under its name."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}
        self._classes: dict[str, type] = {}

    def of(self, kind: Any) -> Schema:
        """The schema of values of a type: a reference if it is a class of ours."""
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is not None:
            return self._generic(origin, arguments)
        if isinstance(kind, type) and issubclass(kind, tuple):  # a named one
            return self._tuple(list(get_type_hints(kind).values()))
        if is_dataclass(kind):
            return self._reference(typing.cast("type", kind))
        raise TypeError(f"{kind} has no schema")

    def _generic(self, origin: Any, arguments: Sequence[Any]) -> Schema:
        if origin is typing.Annotated:
            return dict(REAL)
        if origin in {Union, types.UnionType}:
            return {"anyOf": [self.of(one) for one in arguments]}
        if origin is Literal:
            return {"enum": list(arguments)}
        if issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if origin is tuple and arguments[-1] is not Ellipsis:
            return self._tuple(arguments)
        return {"type": "array", "items": self.of(arguments[0])}

    def _tuple(self, kinds: Sequence[Any]) -> Schema:
        items = [self.of(kind) for kind in kinds]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}

    def _reference(self, kind: type) -> Schema:
        name = kind.__name__
        if self._classes.setdefault(name, kind) is not kind:
            raise TypeError(f"two classes are called {name}: {kind} and {self._classes[name]}")
        if name not in self.components:
            self.components[name] = {}  # it may refer to itself
            self.components[name] = self._object(kind)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, kind: type) -> Schema:
        hints, described = get_type_hints(kind, include_extras=True), documentation(kind)
        properties, required = {}, []
        for field in fields(typing.cast("Any", kind)):
            text = described.get(field.name)
            properties[field.name] = self.of(hints[field.name]) | ({"description": text} if text else {})
        required = [
            field.name for field in fields(typing.cast("Any", kind)) if not field.metadata.get("may_be_missing")
        ]
        return {
            "type": "object",
            "description": inspect.getdoc(kind) or "",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }


@cache
def documentation(kind: type) -> Mapping[str, str]:
    """The texts below the fields of a class, those of its parents too."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if is_dataclass(base):
            found |= _own(base)
    return found


def _own(kind: type) -> Mapping[str, str]:
    (declared,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    body = declared.body if isinstance(declared, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
