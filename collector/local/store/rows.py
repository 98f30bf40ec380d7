"""What the store takes: the rows of one export, and the named columns of spans, events and links.

The fields of a row are its table's columns in order, without the last, `ingested_unix_ns`, which the store fills.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from collector.local.store.schema import EXEMPLARS, METRIC_POINTS, SPANS
from collector.local.store.spans.facts import FactsOfSpans

Row = tuple[Any, ...]


class SpanRow(NamedTuple):
    """A row of `spans`."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    service: str
    start_unix_ns: int
    end_unix_ns: int
    status: str
    status_message: str
    attributes: str
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    trace_state: str
    flags: int
    resource_id: int
    scope_id: int


class SpanEventRow(NamedTuple):
    """A row of `span_events`."""

    trace_id: str
    span_id: str
    position: int
    name: str
    time_unix_ns: int
    attributes: str
    dropped_attributes: int


class SpanLinkRow(NamedTuple):
    """A row of `span_links`."""

    trace_id: str
    span_id: str
    position: int
    linked_trace_id: str
    linked_span_id: str
    trace_state: str
    flags: int
    attributes: str
    dropped_attributes: int


@dataclass
class ExportRows:
    """One export as rows by table, with the resources and scopes that they refer to."""

    signal: str
    records: int = 0
    rows: dict[str, list[Row]] = field(default_factory=dict)
    resources: dict[int, Row] = field(default_factory=dict)
    scopes: dict[int, Row] = field(default_factory=dict)
    facts: FactsOfSpans | None = field(default=None, compare=False)
    """Of its spans, if its decoder found them; else the store does."""
    hashes: bytes | None = field(default=None, compare=False)
    """Of all attributes of its spans, 32 bits each; None as for `facts`."""

    def add(self, other: ExportRows) -> None:
        """Add the rows of a later part of the same export."""
        self.records += other.records
        self.resources |= other.resources
        self.scopes |= other.scopes
        self.add_facts(other)
        points = len(self.rows.get(METRIC_POINTS.name, ()))
        for table, rows in other.rows.items():
            if points and table in {METRIC_POINTS.name, EXEMPLARS.name}:  # their first column counts the points
                rows = [(row[0] + points, *row[1:]) for row in rows]  # noqa: PLW2901 (the same rows, renumbered)
            self.rows.setdefault(table, []).extend(rows)

    def add_facts(self, other: ExportRows) -> None:
        """Add the facts of the spans of a later part, before these are added."""
        before = len(self.rows.get(SPANS.name, ()))
        if other.facts is None or other.hashes is None or (before and self.facts is None):
            self.facts = None  # the store finds them
            return
        if self.facts is None:
            self.facts, self.hashes = other.facts, other.hashes
            return
        self.facts.add_all(other.facts)
        self.hashes = (self.hashes or b"") + other.hashes
