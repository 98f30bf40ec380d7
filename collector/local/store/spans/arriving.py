"""Turns the spans of a transaction into columns of numbers.

In: rows of spans, events and links as decoded, with ids as text. Out: columns of `span_rows`, `event_rows` and
`link_rows`, and what `summing.py` needs to sum the spans up. State: none.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import orjson

from collector.local.store.columns import Columns, texts
from collector.local.store.rows import ExportRows, Row, SpanEventRow, SpanLinkRow, SpanRow
from collector.local.store.schema import SPAN_EVENTS, SPAN_LINKS, SPANS
from collector.local.store.spans.facts import UNKNOWN, Facts, FactsOfSpans, Pairs, member_of, version_of
from collector.local.store.spans.numbers import halves_of
from telemetry.conventions import BATCH

Array = np.ndarray[Any, Any]
_STATUS = {"unset": 0, "ok": 1, "error": 2}


@dataclass(frozen=True)
class Arriving:
    """The spans of a transaction."""

    kinds: Sequence[Facts]
    """Each different fact once, or a few times."""
    kind: Array
    """Of each span, its place among these."""
    columns: Columns
    """Of `span_rows`, without `trace_no`, `segment_no` and `operation_no`."""
    trace_ids: Sequence[str]
    len_docs: Array
    hits: Array
    hashes: Array
    """Of the attributes, for the filters; some repeat."""

    def of_kind(self, values: Iterable[int | bool]) -> Array:
        """A number of each span, from one of each of its kinds."""
        found: Array = np.fromiter(values, np.int64, len(self.kinds))[self.kind]
        return found

    @property
    def batches(self) -> Array:
        """Whether each span is a dynamic batch without a parent."""
        named = self.of_kind(kind.operation[2] == BATCH.name for kind in self.kinds)
        found: Array = (named != 0) & (self.columns["parent_span_id"] == 0)
        return found


def arriving(exports: Sequence[ExportRows]) -> Arriving | None:
    """The spans of some exports; None if they have none. Raises `duckdb.DataError` for a row that no decoder makes."""
    try:
        return _arriving(exports)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise duckdb.DataError(f"a span cannot be stored: {error}") from error


def _arriving(exports: Sequence[ExportRows]) -> Arriving | None:
    rows: list[Row] = []
    facts: list[Facts] = []
    counts: list[Array] = []
    hashes = b""
    for export in exports:
        mine: Sequence[Any] = export.rows.get(SPANS.name, ())
        if not mine:
            continue
        found = find_facts(export) if export.facts is None or export.hashes is None else export.facts
        counts.append(found.counts_after(len(rows)))
        rows.extend(mine)
        facts.extend(found.each)
        hashes += export.hashes or b""
    if not rows:
        return None
    (trace, span, parent, _, _, _, start, end, status, message, attributes, lost, lost_events, lost_links, state, flags,
     resource, scope) = zip(*rows, strict=True)  # fmt: skip
    starts = _numbers("q", start)
    columns = {
        "span_id": span_ids(span),
        "parent_span_id": span_ids([text or _NONE for text in parent]),
        "start_unix_ns": starts,
        "lasted_ns": _numbers("q", end) - starts,
        "attributes": texts(attributes),
        "resource_id": _numbers("q", resource),
        "scope_id": _numbers("q", scope),
    }
    columns["status"] = np.fromiter(map(_STATUS.__getitem__, status), np.uint8, len(rows))
    rare = {"dropped_attributes": lost, "dropped_events": lost_events, "dropped_links": lost_links, "flags": flags}
    columns |= {name: _numbers("I", values) for name, values in rare.items() if any(values)}
    columns |= {
        name: texts(values) for name, values in (("status_message", message), ("trace_state", state)) if any(values)
    }
    halves_of(list(dict.fromkeys(trace)))  # or it raises
    places = {fact: place for place, fact in enumerate(dict.fromkeys(facts))}
    kind = np.fromiter(map(places.__getitem__, facts), np.int64, len(facts))
    len_docs, hits = np.full(len(rows), UNKNOWN), np.full(len(rows), UNKNOWN)
    for place, docs, found_hits in (found.T for found in counts):
        len_docs[place], hits[place] = docs, found_hits
    return Arriving(list(places), kind, columns, trace, len_docs, hits, np.frombuffer(hashes, np.uint32))


def _numbers(code: str, values: Sequence[int]) -> Array:
    """Whole numbers as an array, of a type of the module `array`, which takes half of the time that numpy takes."""
    return np.frombuffer(array(code, values), code)


def find_facts(export: ExportRows) -> FactsOfSpans:
    """Find the facts of spans that were not decoded just now, from their rows."""
    versions = {key: version_of(row[1], orjson.loads(row[2])) for key, row in export.resources.items()}
    pairs, facts = Pairs(), FactsOfSpans()
    for row in map(SpanRow._make, export.rows.get(SPANS.name, ())):
        attributes = orjson.loads(row.attributes)
        pairs.add(attributes)
        members = {key: member_of(key, value) for key, value in attributes.items()}
        facts.add(row, members, versions.get(row.resource_id, ""))
    export.facts, export.hashes = facts, pairs.hashes()
    return facts


def events_of(exports: Sequence[ExportRows]) -> tuple[Sequence[str], Columns] | None:
    """The traces of all events, and the other columns of `event_rows`; None if there are none."""
    return _around(exports, SPAN_EVENTS.name, SpanEventRow._fields)


def links_of(exports: Sequence[ExportRows]) -> tuple[Sequence[str], Columns] | None:
    """The same of links and `link_rows`."""
    return _around(exports, SPAN_LINKS.name, SpanLinkRow._fields)


def _around(exports: Sequence[ExportRows], name: str, fields: Sequence[str]) -> tuple[Sequence[str], Columns] | None:
    rows: list[Row] = [row for export in exports for row in export.rows.get(name, ())]
    if not rows:
        return None
    values = dict(zip(fields, zip(*rows, strict=True), strict=True))
    trace_ids = values.pop("trace_id")
    columns: Columns = {"span_id": span_ids(values.pop("span_id"))}
    columns |= {field: _array(column) for field, column in values.items()}
    return trace_ids, columns


def _array(values: Sequence[Any]) -> Array:
    return texts(values) if isinstance(values[0], str) else np.array(values, np.int64)


_NONE = "0" * 16


def span_ids(ids: Sequence[str]) -> Array:
    """Ids of 16 hexadecimal digits as numbers."""
    return np.frombuffer(bytes.fromhex("".join(ids)), ">u8").astype(np.uint64)
