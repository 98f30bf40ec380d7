"""What the three decoders share: JSON text of attributes, resources and scopes.

In: protobuf messages of OTLP, and bounds. Out: `Decoded`, one export as rows of the store's tables. No state beyond the
export.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan
from typing import Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from collector.local.errors import MalformedError
from collector.local.schema import EXEMPLARS, METRIC_POINTS

UNKNOWN_SERVICE = "unknown_service"
TIME_BEYOND = "time is above 2^63 - 1 nanoseconds (the year 2262); times are nanoseconds since 1970"


class UnfitError(MalformedError):
    """A record that cannot be stored; the text says which bound it breaks. The others of its export are kept."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one record may hold; see the settings of the same names."""

    max_elements: int = 10_000
    max_depth: int = 32


DEFAULT = Bounds()

Row = tuple[Any, ...]
"""The columns of a table in order, without the last, `ingested_unix_ns`, which the store fills."""


@dataclass
class Decoded:
    """One export: its rows by table, the resources and scopes they refer to, and what could not be taken."""

    signal: str
    bounds: Bounds = DEFAULT
    records: int = 0
    rejected: int = 0
    problem: str = ""
    rows: dict[str, list[Row]] = field(default_factory=dict)
    resources: dict[int, Row] = field(default_factory=dict)
    scopes: dict[int, Row] = field(default_factory=dict)

    def reject(self, problem: str) -> None:
        """One record is not taken; the first problem is the one that the sender is told."""
        self.rejected += 1
        self.problem = self.problem or problem

    def attributes(self, attributes: Sequence[KeyValue]) -> str:
        """Attributes as JSON text in the form that the query API gives back; of a repeated key the last value stands.

        Raises:
            UnfitError: they are more, or nested deeper, than the bounds allow.
        """
        return orjson.dumps(plain_map(attributes, self.bounds)).decode() if attributes else "{}"

    def few(self, elements: Sequence[Any], what: str) -> None:
        """See that a list of `what` is within its bound, before anything is made of it."""
        if len(elements) > self.bounds.max_elements:
            raise UnfitError(f"{len(elements)} {what} are more than max_elements, {self.bounds.max_elements}")

    def take(self, other: Decoded) -> None:
        """Add what was decoded from a later part of the same export."""
        self.records += other.records
        self.rejected += other.rejected
        self.problem = self.problem or other.problem
        self.resources |= other.resources
        self.scopes |= other.scopes
        points = len(self.rows.get(METRIC_POINTS.name, ()))
        for table, rows in other.rows.items():
            if points and table in {METRIC_POINTS.name, EXEMPLARS.name}:  # their first column counts the points
                rows = [(row[0] + points, *row[1:]) for row in rows]  # noqa: PLW2901 (the same rows, renumbered)
            self.rows.setdefault(table, []).extend(rows)

    def resource(self, resource: Resource, schema_url: str) -> tuple[int, str]:
        """Note the resource; return its id and its service."""
        attributes = self.attributes(resource.attributes)
        service = (
            next((a.value.string_value for a in resource.attributes if a.key == "service.name"), "") or UNKNOWN_SERVICE
        )
        row = (service, attributes, resource.dropped_attributes_count, schema_url)
        return self._note(self.resources, row), service

    def scope(self, scope: InstrumentationScope, schema_url: str) -> int:
        """Note the scope; return its id."""
        row = (scope.name, scope.version, self.attributes(scope.attributes), scope.dropped_attributes_count, schema_url)
        return self._note(self.scopes, row)

    @staticmethod
    def _note(seen: dict[int, Row], row: tuple[Any, ...]) -> int:
        digest = hashlib.sha256(orjson.dumps(row)).digest()
        identifier = int.from_bytes(digest[:8], "big", signed=True)
        seen[identifier] = (identifier, *row)
        return identifier


def plain_map(attributes: Sequence[KeyValue], bounds: Bounds, depth: int = 0) -> dict[str, Any]:
    """Attributes as a dictionary of plain JSON values."""
    if len(attributes) > bounds.max_elements:
        raise UnfitError(f"{len(attributes)} attributes are more than max_elements, {bounds.max_elements}")
    result: dict[str, Any] = {}
    for attribute in attributes:
        value = attribute.value
        # By far the most values are text, and the other kinds have none: this spares most of them the longer way.
        result[attribute.key] = value.string_value or plain(value, bounds, depth)
    return result


def plain(value: AnyValue, bounds: Bounds, depth: int = 0) -> Any:
    """One value of any type as a plain JSON value."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return _plain_list(value.array_value.values, bounds, _deeper(bounds, depth))
    if kind == "kvlist_value":
        return plain_map(value.kvlist_value.values, bounds, _deeper(bounds, depth))
    return None if kind is None else PLAIN[kind](value)


def _plain_list(values: Sequence[AnyValue], bounds: Bounds, depth: int) -> list[Any]:
    if len(values) > bounds.max_elements:
        raise UnfitError(f"a list of {len(values)} is longer than max_elements, {bounds.max_elements}")
    return [plain(value, bounds, depth) for value in values]


def _deeper(bounds: Bounds, depth: int) -> int:
    if depth >= bounds.max_depth:
        raise UnfitError(f"an attribute is nested deeper than max_depth, {bounds.max_depth}")
    return depth + 1


def _double(value: AnyValue) -> float | str:
    number = value.double_value
    return number if isfinite(number) else json_name_of(number)


def json_name_of(number: float) -> str:
    """How a number that JSON cannot hold is written, as in protobuf's own JSON."""
    if isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


PLAIN: Mapping[str, Callable[[AnyValue], Any]] = {
    "string_value": lambda value: value.string_value,
    "int_value": lambda value: value.int_value,
    "double_value": _double,
    "bool_value": lambda value: value.bool_value,
    "bytes_value": lambda value: b64encode(value.bytes_value).decode(),
}


def id_or_none(identifier: bytes, size: int) -> str | None:
    """An id as hexadecimal text; None when it is absent, of the wrong size or all zeros, as OTLP asks for logs."""
    return identifier.hex() if len(identifier) == size and any(identifier) else None
