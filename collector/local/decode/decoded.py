"""What the three decoders share: JSON text of attributes, resources and scopes."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan
from typing import Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from collector.local.decode.reasons import Rejected, Repaired
from collector.local.store.rows import ExportRows, Row
from collector.local.store.spans.facts import version_of

UNKNOWN_SERVICE = "unknown_service"
TIME_TOO_LATE = "time is above 2^63 - 1 nanoseconds (the year 2262); times are nanoseconds since 1970"


class UnfitError(Exception):
    """A record that cannot be stored, with the reason. The others of its export are kept."""

    def __init__(self, reason: Rejected, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one record; see the settings of the same names."""

    max_elements: int = 10_000
    max_depth: int = 32


DEFAULT = Bounds()

Scope = tuple[str, int, int, Any]
"""Service, id of the resource, id of the scope, and the message that has the records."""


@dataclass
class Decoded(ExportRows):
    """One export: its rows, and what was rejected and repaired."""

    bounds: Bounds = DEFAULT
    problem: str = ""
    versions: dict[int, str] = field(default_factory=dict)
    """`service version` of each resource; '' without a version."""
    rejected_by: Counter[Rejected] = field(default_factory=Counter)
    repaired_by: Counter[Repaired] = field(default_factory=Counter)

    @property
    def rejected(self) -> int:
        """How many records are rejected."""
        return self.rejected_by.total()

    def reject(self, reason: Rejected, problem: str, records: int = 1) -> None:
        """Reject records; the first problem is reported to the sender."""
        self.rejected_by[reason] += records
        self.problem = self.problem or problem

    def repair(self, what: Repaired) -> None:
        """Count a record, a resource or a scope that is not stored as it was sent."""
        self.repaired_by[what] += 1

    def attributes(self, attributes: Sequence[KeyValue]) -> str:
        """Attributes as JSON text in the form that the query API returns; the last value of a repeated key counts.

        Raises:
            UnfitError: they are too many, or nested too deep.
        """
        return orjson.dumps(plain_map(attributes, self.bounds)).decode() if attributes else "{}"

    def few(self, elements: Sequence[Any], what: str) -> None:
        """Check the length of a list of `what`, before it is decoded."""
        if len(elements) > self.bounds.max_elements:
            raise _too_many(f"{len(elements)} {what} are more than max_elements, {self.bounds.max_elements}")

    def take(self, other: Decoded) -> None:
        """Add what was decoded of a later piece of the same export."""
        self.add(other)
        self.rejected_by += other.rejected_by
        self.repaired_by += other.repaired_by
        self.problem = self.problem or other.problem

    def id_or_none(self, identifier: bytes, size: int) -> str | None:
        """An id as hexadecimal text; None if it is absent, of wrong size or all zeros, as OTLP requires for logs."""
        if len(identifier) == size and any(identifier):
            return identifier.hex()
        if identifier and len(identifier) != size:
            self.repair(Repaired.ID)
        return None

    def scopes_of(self, resources: Sequence[Any], scopes: str, count: Callable[[Any], int]) -> Iterator[Scope]:
        """The scopes of an export, with service, resource and scope id.

        If a resource or a scope cannot be stored, its records are rejected.

        Args:
            resources: `resource_spans` and the like.
            scopes: the field with a resource's scopes.
            count: how many records a scope has.
        """
        for resource in resources:
            try:
                resource_id, service = self.resource(resource.resource, resource.schema_url)
            except UnfitError as error:
                self.reject(error.reason, f"a resource: {error}", sum(map(count, getattr(resource, scopes))))
                continue
            for scope in getattr(resource, scopes):
                try:
                    yield service, resource_id, self.scope(scope.scope, scope.schema_url), scope
                except UnfitError as error:
                    self.reject(error.reason, f"a scope: {error}", count(scope))

    def resource(self, resource: Resource, schema_url: str) -> tuple[int, str]:
        """Add the resource; return its id and its service."""
        attributes = self.attributes(resource.attributes)
        service = (
            next((a.value.string_value for a in resource.attributes if a.key == "service.name"), "") or UNKNOWN_SERVICE
        )
        row = (service, attributes, resource.dropped_attributes_count, schema_url)
        resource_id = self._note(self.resources, row)
        if resource_id not in self.versions:
            self.versions[resource_id] = version_of(service, orjson.loads(attributes))
        return resource_id, service

    def scope(self, scope: InstrumentationScope, schema_url: str) -> int:
        """Add the scope; return its id."""
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
        raise _too_many(f"{len(attributes)} attributes are more than max_elements, {bounds.max_elements}")
    result: dict[str, Any] = {}
    for attribute in attributes:
        value = attribute.value
        # Most values are texts or whole numbers, and these fields of any other kind are empty: this is the fast path.
        result[attribute.key] = value.string_value or value.int_value or plain(value, bounds, depth)
    return result


def plain(value: AnyValue, bounds: Bounds, depth: int = 0) -> Any:
    """One value of any type as a JSON value."""
    kind = value.WhichOneof("value")
    if kind == "double_value":
        number = value.double_value
        return number if isfinite(number) else json_name_of(number)
    if kind == "array_value":
        return _plain_list(value.array_value.values, bounds, _deeper(bounds, depth))
    if kind == "kvlist_value":
        return plain_map(value.kvlist_value.values, bounds, _deeper(bounds, depth))
    return None if kind is None else PLAIN[kind](value)


def _plain_list(values: Sequence[AnyValue], bounds: Bounds, depth: int) -> list[Any]:
    if len(values) > bounds.max_elements:
        raise _too_many(f"a list of {len(values)} is longer than max_elements, {bounds.max_elements}")
    return [plain(value, bounds, depth) for value in values]


def _too_many(message: str) -> UnfitError:
    return UnfitError(Rejected.MAX_ELEMENTS, message)


def _deeper(bounds: Bounds, depth: int) -> int:
    if depth >= bounds.max_depth:
        raise UnfitError(Rejected.MAX_DEPTH, f"an attribute is nested deeper than max_depth, {bounds.max_depth}")
    return depth + 1


def json_name_of(number: float) -> str:
    """The name of a number that JSON does not have, as in protobuf's JSON."""
    if isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


PLAIN: Mapping[str, Callable[[AnyValue], Any]] = {
    "string_value": lambda value: value.string_value,
    "int_value": lambda value: value.int_value,
    "bool_value": lambda value: value.bool_value,
    "bytes_value": lambda value: b64encode(value.bytes_value).decode(),
}
