"""What the three decoders share: JSON text of attributes, resources and scopes.

In: protobuf messages of OTLP. Out: `Decoded`, one export as rows of the store's tables. No state beyond the export.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite, isnan
from typing import Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

UNKNOWN_SERVICE = "unknown_service"
TIME_BEYOND = "time is above 2^63 - 1 nanoseconds (the year 2262); times are nanoseconds since 1970"

Row = tuple[Any, ...]
"""The columns of a table in order, without the last, `ingested_unix_ns`, which the store fills."""


@dataclass
class Decoded:
    """One export: its rows by table, the resources and scopes they refer to, and what could not be taken."""

    signal: str
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

    def resource(self, resource: Resource, schema_url: str) -> tuple[int, str]:
        """Note the resource; return its id and its service."""
        attributes = attributes_json(resource.attributes)
        service = (
            next((a.value.string_value for a in resource.attributes if a.key == "service.name"), "") or UNKNOWN_SERVICE
        )
        row = (service, attributes, resource.dropped_attributes_count, schema_url)
        return self._note(self.resources, row), service

    def scope(self, scope: InstrumentationScope, schema_url: str) -> int:
        """Note the scope; return its id."""
        row = (scope.name, scope.version, attributes_json(scope.attributes), scope.dropped_attributes_count, schema_url)
        return self._note(self.scopes, row)

    @staticmethod
    def _note(seen: dict[int, Row], row: tuple[Any, ...]) -> int:
        digest = hashlib.sha256(orjson.dumps(row)).digest()
        identifier = int.from_bytes(digest[:8], "big", signed=True)
        seen[identifier] = (identifier, *row)
        return identifier


def attributes_json(attributes: Iterable[KeyValue]) -> str:
    """Attributes as JSON text in the form that the query API gives back; of a repeated key the last value stands."""
    if not attributes:
        return "{}"
    return orjson.dumps(plain_map(attributes)).decode()


def plain_map(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    """Attributes as a dictionary of plain JSON values."""
    result: dict[str, Any] = {}
    for attribute in attributes:
        value = attribute.value
        # By far the most values are text, and the other kinds have none: this spares most of them the longer way.
        result[attribute.key] = value.string_value or plain(value)
    return result


def plain(value: AnyValue) -> Any:
    """One value of any type as a plain JSON value."""
    kind = value.WhichOneof("value")
    return None if kind is None else PLAIN[kind](value)


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
    "array_value": lambda value: [plain(item) for item in value.array_value.values],
    "kvlist_value": lambda value: plain_map(value.kvlist_value.values),
}


def id_or_none(identifier: bytes, size: int) -> str | None:
    """An id as hexadecimal text; None when it is absent, of the wrong size or all zeros, as OTLP asks for logs."""
    return identifier.hex() if len(identifier) == size and any(identifier) else None
