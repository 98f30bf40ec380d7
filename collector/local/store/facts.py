"""What the summaries need to know of a span, and the attributes by which it can be found.

In: a span's attributes as JSON values. Out: `Facts`, and hashes of its attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol
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
_OUTCOME_NO = {name: number for number, name in enumerate(OUTCOMES)}
_OPERATION, _PLATFORM, _REGION = c.SEARCH_OPERATION.name, c.CLIENT_PLATFORM.name, c.CLIENT_REGION.name
_ENTRY, _OUTCOME, _LEN_DOCS, _HITS = c.SEARCH_ENTRY.name, c.SEARCH_OUTCOME.name, c.LEN_DOCS.name, c.SEARCH_HITS.name
_SYSTEM_NAME, _SYSTEM, _METHOD = c.RPC_SYSTEM_NAME.name, c.RPC_SYSTEM.name, c.RPC_METHOD.name


class Facts(NamedTuple):
    """What the summaries read of a span beside its row."""

    operation: Operation
    who: tuple[str | None, str | None, str | None, str]
    """`search.operation`, platform, region, version."""
    outcome: int
    entry: int
    """0: the endpoint's span at the entry, 1: another span at the entry, 2: none."""
    len_docs: int
    hits: int


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


def facts_of(row: Named, attributes: Mapping[str, Any], version: str) -> Facts:
    """The facts of a span.

    Args:
        row: of the span.
        attributes: of the span, as JSON values.
        version: `service version` of its resource; '' without a version.
    """
    service, name, kind, status = row.service, row.name, row.kind, row.status
    get = attributes.get
    operation = get(_OPERATION)
    if type(operation) is not str:
        operation = None
    outcome = get(_OUTCOME)
    number = _OUTCOME_NO.get(outcome) if type(outcome) is str else None
    len_docs, hits = get(_LEN_DOCS), get(_HITS)
    return Facts(
        (
            service,
            version,
            name,
            kind,
            _SYSTEM_NAME in attributes or _SYSTEM in attributes or _METHOD in attributes,
            operation,
        ),
        (operation, _text(get(_PLATFORM)), _text(get(_REGION)), version),
        int(status == "error") if number is None else number,
        2 if get(_ENTRY) is not True else int(kind == "server"),
        len_docs if type(len_docs) is int else UNKNOWN,
        hits if type(hits) is int else UNKNOWN,
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
            if type(value) is str:
                found.add(crc32(f"{key}={value}".encode()))
            else:
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
