"""What the summaries need to know of a span, and the attributes by which it can be found.

In: spans' attributes as JSON values. Out: `Facts`, and hashes of attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from zlib import crc32

import numpy as np
import orjson

from telemetry import conventions as c

Operation = tuple[str, str, str, str, bool, str | None]
"""The columns of `operations` after its number."""
OUTCOMES = ("ok", "error", "rejected", "cancelled")
"""By their number."""
UNKNOWN = -(2**63)
"""In a column of 64-bit integers: NULL."""
_ALSO_TRUE = (0, 1)
_OUTCOME_NO = {name: number for number, name in enumerate(OUTCOMES)}
_OPERATION, _PLATFORM, _REGION = c.SEARCH_OPERATION.name, c.CLIENT_PLATFORM.name, c.CLIENT_REGION.name
_ENTRY, _OUTCOME, _LEN_DOCS, _HITS = c.SEARCH_ENTRY.name, c.SEARCH_OUTCOME.name, c.LEN_DOCS.name, c.SEARCH_HITS.name
_SYSTEM_NAME, _SYSTEM, _METHOD = c.RPC_SYSTEM_NAME.name, c.RPC_SYSTEM.name, c.RPC_METHOD.name


class Named(Protocol):
    """The columns of a span that are read."""

    @property
    def service(self) -> str:
        """Of its resource."""

    @property
    def name(self) -> str:
        """Of the span."""

    @property
    def kind(self) -> str:
        """Of the span."""

    @property
    def status(self) -> str:
        """Of the span."""


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the summaries read of a span beside its row: one object for many spans that differ in times and ids only."""

    operation: Operation
    who: tuple[str | None, str | None, str | None, str]
    """`search.operation`, platform, region, version."""
    outcome: int
    entry: int
    """0: the endpoint's span at the entry, 1: another span at the entry, 2: none."""


class FactsOfSpans:
    """Collects the facts of the spans of one export."""

    def __init__(self) -> None:
        self.each: list[Facts] = []
        """Of each span."""
        self.counts: list[tuple[int, int, int]] = []
        """Place among the spans, `len_docs` and `search.hits`, of spans that have one of these."""
        self._known: dict[Any, Facts] = {}

    def add(self, row: Named, attributes: Mapping[str, Any], version: str) -> None:
        """Add the next span.

        Args:
            row: of the span.
            attributes: of the span, as JSON values.
            version: `service version` of its resource; '' without a version.
        """
        get = attributes.get
        len_docs, hits = get(_LEN_DOCS), get(_HITS)
        if len_docs is not None or hits is not None:
            self.counts.append((len(self.each), _count(len_docs), _count(hits)))
        key = (
            row.name, row.kind, row.status, version, row.service, get(_OPERATION), get(_PLATFORM), get(_REGION),
            get(_OUTCOME), get(_ENTRY) is True,
            _SYSTEM_NAME in attributes or _SYSTEM in attributes or _METHOD in attributes,
        )  # fmt: skip
        try:
            found = self._known.get(key)
            if found is None:
                found = self._known[key] = _facts(key)
        except TypeError:  # a list or a map, where a text belongs
            found = _facts(key)
        self.each.append(found)


def _facts(key: tuple[Any, ...]) -> Facts:
    name, kind, status, version, service, operation, platform, region, outcome, is_entry, is_rpc = key
    operation = _text(operation)
    number = _OUTCOME_NO.get(outcome) if type(outcome) is str else None
    return Facts(
        (service, version, name, kind, is_rpc, operation),
        (operation, _text(platform), _text(region), version),
        int(status == "error") if number is None else number,
        int(kind == "server") if is_entry else 2,
    )


def _count(value: Any) -> int:
    return value if type(value) is int else UNKNOWN


def version_of(service: str, resource: Mapping[str, Any]) -> str:
    """`service version` of a resource; '' if it has no version."""
    version = resource.get(c.SERVICE_VERSION.name)
    return f"{service} {version}" if type(version) is str and version else ""


def _text(value: Any) -> str | None:
    return value if type(value) is str else None


class Pairs:
    """Collects the distinct attributes of many spans."""

    def __init__(self) -> None:
        self._items: set[tuple[str, Any]] = set()
        self._hashes: set[int] = set()

    def add(self, attributes: Mapping[str, Any]) -> None:
        """Add all attributes of a span."""
        try:
            self._items.update(attributes.items())
        except TypeError:  # lists and maps cannot be in a set
            for key, value in attributes.items():
                self._hashes.update(hashes_of(key, value))

    def hashes(self) -> bytes:
        """The hash of each attribute that was added, 32 bits each."""
        found = self._hashes
        for key, value in self._items:
            if type(value) is str or (type(value) is int and value not in _ALSO_TRUE):
                found.add(crc32(f"{key}={value}".encode()))
            elif type(value) is not float or value.is_integer():
                found.update(hashes_of(key, value))
        return np.sort(np.fromiter(found, np.uint32, len(found))).tobytes()


def hashes_of(key: str, value: Any) -> Iterable[int]:
    """The hashes under which an attribute can be found by the text of its value.

    A number that is not whole has none. True equals 1 where attributes are collected, so that each has both hashes.
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
