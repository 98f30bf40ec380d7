"""Encodes what surrounds the items of a request: their resource and scope, the same for all signals.

In: encoded items, by resource and scope. Out: an encoded request; several of them, joined, are one too. State: the
resources and scopes encoded last, by identity: comparing them would cost more than encoding them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from telemetry.otlp.writing.values import Values
from telemetry.otlp.writing.wire import field, sized, tag, varint

_KEPT: Final = 64  # resources, and scopes
_RESOURCE, _SCOPE, _SCHEMA = 1, 1, 3
_ITEM: Final = tag(2)  # a scope in a resource, and an item in a scope
_RESOURCES: Final = tag(1)  # in a request
_OF_RESOURCE, _OF_SCOPE = tag(1), tag(3)  # attributes
_NAME, _VERSION = tag(1), tag(2)


class Frames:
    """Encodes resources and scopes. Arguments: `values`, without a limit: they are not cut."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._resources: dict[int, tuple[object, bytes]] = {}
        self._scopes: dict[int, tuple[object, bytes]] = {}

    def resource(self, resource: Any) -> bytes:
        """Return the fields of a resource: itself and its schema's address."""
        found = self._resources.get(id(resource))
        if found is None:
            parts: list[bytes] = []
            self._values.attributes(resource.attributes, _OF_RESOURCE, parts)
            found = _keep(self._resources, resource, field(_RESOURCE, b"".join(parts)) + self._schema(resource))
        return found[1]

    def scope(self, scope: Any) -> bytes:
        """Return the fields of a scope: itself and its schema's address; `scope` None: an empty one."""
        found = self._scopes.get(id(scope))
        if found is None:
            parts: list[bytes] = []
            if scope is not None:
                parts += _NAME, self._values.text(scope.name)
                if scope.version is not None:
                    parts += _VERSION, self._values.text(scope.version)
                self._values.attributes(scope.attributes or {}, _OF_SCOPE, parts)
            found = _keep(self._scopes, scope, field(_SCOPE, b"".join(parts)) + self._schema(scope))
        return found[1]

    def _schema(self, of: Any) -> bytes:
        address = getattr(of, "schema_url", None)
        return tag(_SCHEMA) + self._values.text(address) if address else b""


class _OfResource:
    """The items of one resource, by scope."""

    def __init__(self, resource: Any) -> None:
        self.resource = resource
        self.scopes: dict[Any, list[bytes]] = {}


class Groups:
    """The items of one request by resource and scope, in the order in which these first came."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._known: dict[tuple[int, int], list[bytes]] = {}  # by identity: nearly all items share theirs
        self._resources: list[_OfResource] = []

    def of(self, resource: Any, scope: Any) -> list[bytes]:
        """Return the list that takes the encoded items of a resource and scope: for each, `ITEM`, length, content."""
        items = self._known.get((id(resource), id(scope)))
        if items is None:
            found = next((one for one in self._resources if one.resource == resource), None)
            if found is None:
                found = _OfResource(resource)
                self._resources.append(found)
            items = self._known[id(resource), id(scope)] = found.scopes.setdefault(scope, [])
        return items

    def request(self) -> bytes:
        """Return the request."""
        return b"".join(
            _RESOURCES + sized(self._frames.resource(one.resource) + b"".join(self._scopes(one.scopes)))
            for one in self._resources
        )

    def _scopes(self, scopes: Mapping[Any, list[bytes]]) -> Iterable[bytes]:
        for scope, items in scopes.items():
            around = self._frames.scope(scope)
            yield b"".join((_ITEM, varint(len(around) + sum(map(len, items))), around, *items))


ITEM: Final = _ITEM
"""The tag before each item."""


def _keep(cache: dict[int, tuple[object, bytes]], key: object, encoded: bytes) -> tuple[object, bytes]:
    """Cache an encoding together with its object, which so keeps its id."""
    if len(cache) >= _KEPT:
        cache.clear()
    cache[id(key)] = key, encoded
    return key, encoded
