"""What the summaries need to know of a span, and the attributes by which it can be found.

In: spans' attributes as JSON values. Out: `Facts`, and hashes of attributes.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from typing import Any
from zlib import crc32

import numpy as np
import orjson

from collector.analysis.seen import is_rpc
from telemetry import conventions as c

Operation = tuple[str, str, str, str, bool, str | None]
"""The columns of `operations` after its number."""
OUTCOMES = ("ok", "error", "rejected", "cancelled")
"""By their number."""
UNKNOWN = -(2**63)
"""In a column of 64-bit integers: NULL."""
_OUTCOME_NO = {name: number for number, name in enumerate(OUTCOMES)}
_OPERATION, _PLATFORM, _REGION = c.SEARCH_OPERATION.name, c.CLIENT_PLATFORM.name, c.CLIENT_REGION.name
_ENTRY, _OUTCOME, _LEN_DOCS, _HITS = c.SEARCH_ENTRY.name, c.SEARCH_OUTCOME.name, c.LEN_DOCS.name, c.SEARCH_HITS.name


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the summaries read of a span beside its row: one object for many spans that differ in times and ids only."""

    operation: Operation
    who: tuple[str | None, str | None, str | None, str]
    """`search.operation`, platform, region, version."""
    outcome: int
    entry: int
    """0: the endpoint's span at the entry, 1: another span at the entry, 2: none."""


MOST_KNOWN = 20_000
"""So many different facts, and numbers, are kept, from one export to the next; with more, all are forgotten."""


def member_of(key: str, value: Any) -> str:
    """An attribute as a member of a JSON object."""
    return orjson.dumps({key: value})[1:-1].decode()


class FactsOfSpans:
    """Collects the facts of the spans of one export.

    Their attributes are members of a JSON object by their keys, as in `{"len_docs": '"len_docs":7'}`: most attributes
    are compared only.
    """

    def __init__(self) -> None:
        self.each: list[Facts] = []
        """Of each span."""
        self.counts = array("q")
        """Place among the spans, `len_docs` and `search.hits`, of spans that have one of these, one after the other."""

    def add(self, row: tuple[Any, ...], attributes: Mapping[str, str], version: str) -> None:
        """Add the next span.

        Args:
            row: of the span, as in `spans`.
            attributes: of the span, as members.
            version: `service version` of its resource; '' without a version.
        """
        keys = tuple(attributes)
        shape = _SHAPES.get(keys)
        if shape is None:
            shape = _SHAPES[keys] = _Shape(keys)
        if shape.counts:
            get = attributes.get
            self.counts.extend((len(self.each), _count(get(_LEN_DOCS)), _count(get(_HITS))))
        key = (row[3], row[4], row[5], row[8], version, shape.read(attributes))
        self.each.append(shape.known.get(key) or shape.learn(key, attributes))

    def add_all(self, other: FactsOfSpans) -> None:
        """Add the facts of the spans that come after these."""
        counts = other.counts_after(len(self.each))
        self.each += other.each
        self.counts.frombytes(counts.tobytes())

    def counts_after(self, spans: int) -> np.ndarray[Any, Any]:
        """The counts as rows of three, if so many spans come before these."""
        rows = np.frombuffer(self.counts, np.int64).reshape(-1, 3).copy()
        rows[:, 0] += spans
        return rows


_COUNTS: dict[str | None, int] = {}


def _count(member: str | None) -> int:
    """The number in a member; `UNKNOWN` if it is not a whole number, or if there is none."""
    found = _COUNTS.get(member)
    if found is None:
        value = None if member is None else orjson.loads(f"{{{member}}}").popitem()[1]
        found = value if type(value) is int and -(2**63) <= value < 2**63 else UNKNOWN
        if len(_COUNTS) >= MOST_KNOWN:
            _COUNTS.clear()
        _COUNTS[member] = found
    return found


class _Shape:
    """What is to be read of spans that have the same keys in the same order; and what was found."""

    learned = 0
    """By all of them; each has learned something."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._named = [key for key in (_OPERATION, _PLATFORM, _REGION, _OUTCOME, _ENTRY) if key in keys]
        self._is_rpc = is_rpc(dict.fromkeys(keys))
        self.read: Callable[[Mapping[str, str]], Any] = itemgetter(*self._named) if self._named else _nothing
        self.counts = _LEN_DOCS in keys or _HITS in keys
        self.known: dict[tuple[Any, ...], Facts] = {}
        """By name, kind, service, status, version, and what was read."""

    def learn(self, key: tuple[Any, ...], attributes: Mapping[str, str]) -> Facts:
        """The facts of a span whose like was not seen yet."""
        _Shape.learned += 1
        if _Shape.learned > MOST_KNOWN:
            _SHAPES.clear()
            _Shape.learned = 0
        values: dict[str, Any] = orjson.loads(f"{{{','.join(attributes[key] for key in self._named)}}}")
        name, kind, service, status, version, _ = key
        found = self.known[key] = _facts((name, kind, service), status, version, self._is_rpc, values)
        return found


_SHAPES: dict[tuple[str, ...], _Shape] = {}
"""Kept from one export to the next. Any thread may use and replace them."""


def _nothing(_: Mapping[str, str]) -> None:
    return None


def _facts(
    span: tuple[str, str, str], status: str, version: str, is_call: bool, attributes: Mapping[str, Any]
) -> Facts:
    name, kind, service = span
    operation, outcome = _text(attributes.get(_OPERATION)), attributes.get(_OUTCOME)
    number = _OUTCOME_NO.get(outcome) if type(outcome) is str else None
    return Facts(
        (service, version, name, kind, is_call, operation),
        (operation, _text(attributes.get(_PLATFORM)), _text(attributes.get(_REGION)), version),
        int(status == "error") if number is None else number,
        int(kind == "server") if attributes.get(_ENTRY) is True else 2,
    )


def version_of(service: str, resource: Mapping[str, Any]) -> str:
    """`service version` of a resource; '' if it has no version."""
    version = resource.get(c.SERVICE_VERSION.name)
    return f"{service} {version}" if type(version) is str and version else ""


def _text(value: Any) -> str | None:
    return value if type(value) is str else None


class Pairs:
    """Collects the distinct attributes of many spans."""

    def __init__(self) -> None:
        self._values: defaultdict[tuple[str, ...], list[Iterable[Any]]] = defaultdict(list)

    def add(self, attributes: Mapping[str, Any]) -> None:
        """Add all attributes of a span."""
        self._values[tuple(attributes)].append(attributes.values())

    def hashes(self) -> bytes:
        """The hash of each attribute that was added, 32 bits each."""
        found: set[int] = set()
        for keys, spans in self._values.items():
            for key, values in zip(keys, zip(*spans, strict=True), strict=True):
                found.update(_hashes_of_all(key, values))
        return np.fromiter(found, np.uint32, len(found)).tobytes()


def _hashes_of_all(key: str, values: Sequence[Any]) -> Iterable[int]:
    """The hashes of the values of one key, in loops that are not Python's where all are of one type."""
    kinds = set(map(type, values))
    if kinds == {float} and not any(map(float.is_integer, values)):
        return ()
    if kinds in ({str}, {int}):
        texts = set(values) if kinds == {str} else map(str, set(values))
        return map(crc32, map(str.encode, texts), repeat(crc32(f"{key}=".encode())))
    if len(kinds) == 1 and not kinds & {list, dict}:  # of several types, 1 and true would be one
        values = list(set(values))
    return (found for value in values for found in hashes_of(key, value))


def hashes_of(key: str, value: Any) -> Iterable[int]:
    """The hashes under which an attribute can be found by the text of its value.

    A number that is not whole has none.
    """
    if isinstance(value, float) and not value.is_integer():
        return ()
    texts = [value if type(value) is str else orjson.dumps(value).decode()]
    if isinstance(value, int | float):
        texts.append(str(int(value)))
        if value in (0, 1):
            texts.append("true" if value else "false")
    return {hash_of(key, text) for text in texts}


def hash_of(key: str, text: str) -> int:
    """The hash of an attribute whose value has this text."""
    return crc32(f"{key}={text}".encode())
