"""Attributes and values in OTLP: repaired, scrubbed, cut to the limit, encoded.

In: recorded attributes. Out: encoded `KeyValue`s, `AnyValue`s and texts. State: those encoded last, since items repeat
them; each cache is emptied when it is full. A cached attribute has been scrubbed, so that scrubbing costs an ordinary
span next to nothing.

A text is scrubbed before it is cut, so that no half of a secret is left.
"""

from collections.abc import Mapping
from typing import Any, Final

from telemetry.otlp import repair
from telemetry.otlp.writing.wire import DOUBLE, SMALL, sized, varint
from telemetry.privacy.scrubber import Scrubs

CACHED: Final = 4096  # entries of a cache
LONGEST: Final = 256  # characters of a text that is kept in one
_FEW, _LONG = 64, 4096  # of the cache for longer texts, which are stack traces

_KEY, _STRING, _VALUE = b"\x0a", b"\x0a", b"\x12"
_TRUE, _FALSE, _INT, _DOUBLE = b"\x10\x01", b"\x10\x00", b"\x18", b"\x21"
_LIST, _MAPPING, _BYTES = b"\x2a", b"\x32", b"\x3a"
_ITEM = b"\x0a"  # of a list or a mapping
_DOUBLE_SIZE = b"\x09"
_DOUBLE_ITEM, _SMALL_ITEM = _ITEM + _DOUBLE_SIZE + _DOUBLE, _ITEM + b"\x02" + _INT


class Values:
    """Encodes with one scrubber, and one limit.

    Arguments: `scrubber`; `longest`, how many characters the texts of attributes keep (None: all).
    """

    def __init__(self, scrubber: Scrubs, longest: int | None = None) -> None:
        self.scrubber = scrubber
        self._longest = longest
        self._known: dict[tuple[str, object, type], bytes] = {}
        self._keys: dict[str, bytes] = {}
        self._floats: dict[str, bytes] = {}
        self._names: dict[str, bytes] = {}
        self._long: dict[tuple[str, str], bytes] = {}
        self._items: dict[tuple[str, str], bytes] = {}
        self._exported_lists: dict[str, bool] = {}

    def attributes(self, attributes: Mapping[str, Any], tag: bytes, parts: list[bytes]) -> None:
        """Append `tag` and the encoded attribute to `parts`, for each attribute."""
        known, floats = self._known, self._floats
        for key, value in attributes.items():
            kind = type(value)
            if kind is str:
                encoded = known.get((key, value, str)) if len(value) <= LONGEST else self._long.get((key, value))
            elif kind is float:
                if key in floats:  # a float never holds a secret
                    parts += tag, floats[key] + DOUBLE(value)
                    continue
                encoded = self._float(key, value)
            else:
                encoded = known.get((key, value, kind)) if kind is int or kind is bool else None
            if encoded is None:
                encoded = self._attribute(key, value, kind)
                if encoded is None:
                    continue  # it has no value that OTLP can represent
            parts += tag, encoded

    def text(self, text: str) -> bytes:
        """Return a name, after its length."""
        encoded = self._names.get(text) if type(text) is str else None
        if encoded is None:
            repaired = repair.text(text)
            encoded = sized(self.scrubber.text(repaired).encode() if repaired else b"")
            if repaired is text and len(text) <= LONGEST:
                keep(self._names, text, encoded)
        return encoded

    def any_value(self, name: str, value: Any) -> bytes:
        """Return the value of `name` as the content of an `AnyValue`."""
        repaired = repair.value(value)
        if repaired is repair.LEFT_OUT:
            repaired = f"<{type(value).__name__}>"
        return _any(self.scrubber.value(name, repaired), None)

    def _attribute(self, key: Any, value: Any, kind: type) -> bytes | None:
        """Encode an attribute that is not cached; None if its value cannot be exported."""
        if kind is tuple and (encoded := self._list(key, value)) is not None:
            return encoded
        repaired = repair.value(value)
        name = self._key(key)
        if repaired is repair.LEFT_OUT:
            return None
        content = _any(self.scrubber.value(repair.text(key), repaired), self._longest)
        encoded = sized(name + _VALUE + varint(len(content)) + content)
        if repaired is value and type(key) is str:
            if kind is int or kind is bool or (kind is str and len(value) <= LONGEST):
                keep(self._known, (key, value, kind), encoded)
            elif kind is str and len(value) <= _LONG:
                keep(self._long, (key, value), encoded, _FEW)
        return encoded

    def _float(self, key: str, value: float) -> bytes:
        name = self._key(key)
        start = varint(len(name) + 11) + name + _VALUE + _DOUBLE_SIZE + _DOUBLE
        if len(key) <= LONGEST:
            keep(self._floats, key, start)
        return start + DOUBLE(value)

    def _key(self, key: Any) -> bytes:
        encoded = self._keys.get(key) if type(key) is str else None
        if encoded is None:
            encoded = _KEY + sized(repair.text(key).encode())
            if type(key) is str and len(key) <= LONGEST:
                keep(self._keys, key, encoded)
        return encoded

    def _list(self, key: Any, values: tuple[Any, ...]) -> bytes | None:
        """Encode a list of texts and numbers one by one; None if it has other values, or is hidden."""
        if type(key) is not str or not self._lists_are_exported(key):
            return None
        parts: list[bytes] = []
        for value in values:
            kind = type(value)
            if kind is float:
                parts += _DOUBLE_ITEM, DOUBLE(value)
            elif kind is int and 0 <= value < 128:
                parts += _SMALL_ITEM, SMALL[value]
            elif kind is str and len(value) <= LONGEST:
                parts.append(self._items.get((key, value)) or self._item(key, value))
            else:
                return None
        content = b"".join(parts)
        content = _LIST + varint(len(content)) + content
        return sized(self._key(key) + _VALUE + varint(len(content)) + content)

    def _item(self, key: str, value: str) -> bytes:
        repaired = repair.text(value)
        encoded = _ITEM + sized(_any(self.scrubber.value(key, repaired), self._longest))
        if repaired is value:
            keep(self._items, (key, value), encoded)
        return encoded

    def _lists_are_exported(self, key: str) -> bool:
        """Return whether lists of this name are exported, each text in them scrubbed alone; else they are hidden."""
        exported = self._exported_lists.get(key)
        if exported is None:
            exported = bool(self.scrubber.value(repair.text(key), [1]) == [1])
            if len(key) <= LONGEST:
                keep(self._exported_lists, key, exported)
        return exported


def keep(cache: dict[Any, Any], key: Any, value: Any, most: int = CACHED) -> None:
    """Keep `value` in a cache, which is emptied when it is full."""
    if len(cache) >= most:
        cache.clear()
    cache[key] = value


def _any(value: Any, longest: int | None) -> bytes:  # noqa: PLR0911  one return for each type
    """Return a repaired and scrubbed value as the content of an `AnyValue`."""
    if value is None:
        return b""
    if isinstance(value, str):
        return _STRING + sized((value if longest is None else value[:longest]).encode())
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, int):
        return _INT + varint(value)
    if isinstance(value, float):
        return _DOUBLE + DOUBLE(value)
    if isinstance(value, bytes):
        return _BYTES + sized(value)
    parts: list[bytes] = []
    if isinstance(value, Mapping):
        for key, item in value.items():
            content = _any(item, longest)
            parts += _ITEM, sized(_KEY + sized(key.encode()) + _VALUE + varint(len(content)) + content)
        return _MAPPING + sized(b"".join(parts))
    for item in value:
        parts += _ITEM, sized(_any(item, longest))
    return _LIST + sized(b"".join(parts))
