"""Decodes the attributes of spans: from bytes to members of a JSON object.

In: attributes as bytes, each a `KeyValue`. Out: for each its key and its member, as in `"len_docs":7`; and the hashes
under which a filter finds it. State: attributes that came before, by their bytes, limited in number: of the attributes
of a span, all but a few ids and numbers did. Any thread may use it.
"""

from __future__ import annotations

from collections import Counter
from math import isfinite
from struct import unpack
from zlib import crc32

import orjson
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from collector.local.decode.decoded import Bounds, plain
from collector.local.store.spans.facts import hashes_of, member_of

Member = tuple[str, str]
"""Key, and member of a JSON object."""
MOST_KNOWN = 10_000
"""The most attributes that are kept; with more, all are forgotten."""
MOST_OF_A_KEY = 200
"""The most values of a key that are kept: with more it is an id or a measurement, whose values do not come again."""
MOST_BYTES = 200
"""Longer attributes are not kept."""
_DOUBLE = b"\x12\x09\x21"
"""Before the 8 bytes of a double: field `value` of 9 bytes, field `double_value`."""


class KnownAttributes:
    """What is kept from one export to the next."""

    def __init__(self) -> None:
        self.members: dict[bytes, tuple[Member, tuple[int, ...]]] = {}
        """By the bytes of an attribute that is neither: its member, and its hashes."""
        self.texts: dict[bytes, tuple[str, str, int]] = {}
        """By the bytes before a text: its key, what is before it in the member, and the hash of that."""
        self.doubles: dict[bytes, tuple[str, str]] = {}
        """By the bytes before a double: its key, and what is before it in the member."""
        self._of_keys: Counter[str] = Counter()

    def keep(self, raw: bytes, key: str, value: object, member: Member) -> None:
        """Keep an attribute; or what those of its key and its size have in common, whose values may be many."""
        if len(raw) > MOST_BYTES:
            return
        if len(self.texts) + len(self.doubles) + len(self.members) >= MOST_KNOWN:
            for kept in (self.texts, self.doubles, self.members, self._of_keys):
                kept.clear()
        head = member_of(key, 0)[:-1]
        if _is_short_text(raw):
            self.texts[raw[: raw[1] + 6]] = key, head, crc32(f"{key}=".encode())
        elif _is_double(raw):
            self.doubles[raw[:-8]] = key, head
        elif self._of_keys[key] < MOST_OF_A_KEY:
            self._of_keys[key] += 1
            self.members[raw] = member, tuple(hashes_of(key, value))


_KNOWN = KnownAttributes()


def _is_short_text(raw: bytes) -> bool:
    """Whether it is a key and a text, in the usual order, whose lengths take a byte each."""
    if len(raw) < 6 or raw[0] != 10 or raw[1] > 127:
        return False
    at = raw[1] + 2
    size = len(raw) - at - 4
    return 0 <= size < 126 and raw[at : at + 4] == bytes((18, size + 2, 10, size))


def _is_double(raw: bytes) -> bool:
    """The same of a key and a double."""
    return len(raw) >= 13 and raw[0] == 10 and raw[1] + 13 == len(raw) and raw[-11:-8] == _DOUBLE


class Attributes(dict[bytes, Member]):
    """The attributes of an export, by their bytes: each different one is decoded once.

    To look one up raises `DecodeError` if it is not a `KeyValue`, and `UnfitError` if it is beyond the bounds.
    """

    def __init__(self, bounds: Bounds, known: KnownAttributes = _KNOWN) -> None:
        super().__init__()
        self._bounds = bounds
        self._known = known
        self.hashes: set[int] = set()
        """The hashes of all attributes that were looked up."""

    def __missing__(self, raw: bytes) -> Member:
        known = self._known
        head = raw[: raw[1] + 6] if len(raw) > 5 else b""
        if (text := known.texts.get(head)) and len(head) + head[-1] == len(raw):
            key, before, hash_before = text
            sent = raw[len(head) :]
            try:
                value = sent.decode()
            except UnicodeDecodeError:
                return self._decode(raw)
            self.hashes.add(crc32(sent, hash_before))
            member = key, f'{before}"{value}"' if value.isalnum() else before + orjson.dumps(value).decode()
        elif found := known.members.get(raw):
            member, hashes = found
            self.hashes.update(hashes)
        elif double := known.doubles.get(raw[:-8]):
            (number,) = unpack("<d", raw[-8:])
            if not isfinite(number) or number.is_integer():
                return self._decode(raw)
            member = double[0], double[1] + orjson.dumps(number).decode()
        else:
            return self._decode(raw)
        self[raw] = member
        return member

    def _decode(self, raw: bytes) -> Member:
        """Decode one as any other message."""
        attribute = KeyValue.FromString(raw)
        key, sent = attribute.key, attribute.value
        value = plain(sent, self._bounds)
        self.hashes.update(hashes_of(key, value))
        member = self[raw] = key, member_of(key, value)
        if not isinstance(value, list | dict):  # these are beyond the bounds of another receiver, perhaps
            self._known.keep(raw, key, value, member)
        return member
