"""Sums the spans of a transaction up: a part of the summary of each trace, and counts of its minutes.

In: the columns of `arriving.py` with their numbers. Out: columns of `trace_parts` and `span_minute_parts`. State: none.
Everything is computed by numpy over all spans at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from collector.local.store.columns import Columns, texts
from collector.local.store.spans.arriving import Arriving
from collector.local.store.spans.facts import UNKNOWN

Array = np.ndarray[Any, Any]
ROOT_FIRST = -(2**63)
"""Added to when a span began, it comes before all spans without."""
NO_BUCKET = -1
"""Of a duration that is not known."""
MOST_VERSIONS = 62
"""So many fit into the bits of a number."""


def bucket_of(durations: Array) -> Array:
    """The bucket of each duration in nanoseconds; `NO_BUCKET` of one below 0."""
    found: Array = np.floor(8 * np.log2(np.maximum(durations, 1))).astype(np.int64)
    return np.where(durations < 0, NO_BUCKET, found)


def began_of(columns: Columns) -> tuple[Array, Array]:
    """When each span began, or ended if it has no start; and its duration, -1 if that is not known."""
    start, lasted = columns["start_unix_ns"], columns["lasted_ns"]
    took = np.where((start > 0) & (lasted >= 0), lasted, -1)
    return np.where(start == 0, start + lasted, start), took


def parts_of(spans: Arriving, numbered: Columns) -> Columns:
    """The columns of `trace_parts`, without its generation and transit.

    Args:
        spans: of the transaction.
        numbered: for each span `trace_no`, `operation_no` and `ingested_unix_ns`.
    """
    numbers, operations = numbered["trace_no"], numbered["operation_no"]
    columns = spans.columns
    began, took = began_of(columns)
    parent = columns["parent_span_id"]
    orphan = parent != 0
    entry = spans.of_kind(kind.entry for kind in spans.kinds)
    start = columns["start_unix_ns"]
    end = start + columns["lasted_ns"]
    versions = _Versions(spans)
    order = np.lexsort((columns["span_id"], began, orphan, versions.group, numbers))
    group = _Groups(order, numbers[order], versions.group[order])
    root = group.first()
    entry_row, has_entry = group.least((columns["span_id"], began, entry), entry < 2)
    is_server = spans.of_kind(kind.operation[3] == "server" for kind in spans.kinds) != 0
    server_row, has_server = group.least((took, took < 0, parent, began), is_server)
    outcome, len_docs = spans.of_kind(kind.outcome for kind in spans.kinds), spans.len_docs
    known = np.where(began == 0, np.iinfo(np.int64).max, began)
    first = group.minimum(known)
    return {
        "trace_no": numbers[root],
        "trace_id": texts([spans.trace_ids[row] for row in root]),
        "start_unix_ns": np.where(first == np.iinfo(np.int64).max, UNKNOWN, first),
        "stop_unix_ns": group.maximum(np.maximum(start, end)),
        "span_count": group.sizes(),
        "error_count": group.total(columns["status"] == 2),
        "open_count": group.total(end == 0),
        "untimed_count": group.total((start == 0) | ((end != 0) & (end < start))),
        "is_batch": group.total(spans.batches) > 0,
        "root_key": np.where(orphan[root], began[root], began[root] + ROOT_FIRST),
        "root_id": columns["span_id"][root],
        "root_operation_no": operations[root],
        "root_ns": _or_unknown(took[root], took[root] >= 0),
        "root_outcome": outcome[root],
        "root_len_docs": len_docs[root],
        "entry_key": _or_unknown(began[entry_row] + np.where(entry[entry_row] == 0, ROOT_FIRST, 0), has_entry),
        "entry_operation_no": operations[entry_row],
        "entry_ns": _or_unknown(took[entry_row], took[entry_row] >= 0),
        "entry_outcome": outcome[entry_row],
        "entry_len_docs": len_docs[entry_row],
        "server_key": _or_unknown(began[server_row], has_server),
        "server_parent": parent[server_row],
        "server_ns": _or_unknown(took[server_row], took[server_row] >= 0),
        "search_operation": _first_text(spans, group, [kind.who[0] for kind in spans.kinds]),
        "platform": _first_text(spans, group, [kind.who[1] for kind in spans.kinds]),
        "region": _first_text(spans, group, [kind.who[2] for kind in spans.kinds]),
        "versions": versions.of(group),
        "hits": group.maximum(spans.hits),
        "last_ingested_unix_ns": group.maximum(numbered["ingested_unix_ns"]),
    }  # fmt: skip


def _first_text(spans: Arriving, group: _Groups, values: Sequence[str | None]) -> Array:
    """The first text in each group, by the alphabet, of one for each kind of span; None if there is none."""
    found: list[str | None] = [*sorted({value for value in values if value is not None}), None]
    places = {value: place for place, value in enumerate(found)}
    first = group.minimum(spans.of_kind(places[value] for value in values))
    return texts([found[place] for place in first.tolist()])


class _Versions:
    """The versions of spans, as bits; if there are too many, each has groups of its own."""

    def __init__(self, spans: Arriving) -> None:
        self._all = sorted({kind.who[3] for kind in spans.kinds} - {""})
        places = {version: place for place, version in enumerate(self._all)}
        place = spans.of_kind(places.get(kind.who[3], -1) for kind in spans.kinds)
        few = len(self._all) <= MOST_VERSIONS
        self.group: Array = np.zeros(len(place), np.int64) if few else place
        """By which spans of a trace have to be told apart."""
        self._bits: Array | None = np.where(place < 0, 0, np.left_shift(1, np.maximum(place, 0))) if few else None

    def of(self, group: _Groups) -> Array:
        """Those of each group, with ', ' between them."""
        if self._bits is None:
            return texts([self._all[place] if place >= 0 else "" for place in self.group[group.first()].tolist()])
        found, place = np.unique(group.any_bits(self._bits), return_inverse=True)
        named = [", ".join(name for bit, name in enumerate(self._all) if bits >> bit & 1) for bits in found.tolist()]
        return texts([named[number] for number in place.tolist()])


def minutes_of(spans: Arriving, operations: Array) -> Columns:
    """The columns of `span_minute_parts`; a bucket may be `NO_BUCKET`."""
    began, took = began_of(spans.columns)
    minute = began // 60_000_000_000 * 60
    bucket = bucket_of(took)
    is_error = spans.columns["status"] == 2
    order = np.lexsort((bucket, is_error, operations, minute))
    group = _Groups(order, minute[order], operations[order], is_error[order], bucket[order])
    row = group.first()
    return {
        "minute_unix_s": minute[row],
        "operation_no": operations[row],
        "is_error": is_error[row],
        "bucket": bucket[row],
        "n": group.sizes(),
        "total_ns": group.total(np.maximum(took, 0)),
    }


def _or_unknown(values: Array, known: Array) -> Array:
    return np.where(known, values, UNKNOWN)


class _Groups:
    """Rows in an order in which those of a group follow each other; a key changes from group to group."""

    def __init__(self, order: Array, *keys: Array) -> None:
        changed = np.zeros(len(order), np.bool_)
        changed[0] = True
        for key in keys:
            changed[1:] |= key[1:] != key[:-1]
        self._order = order
        self._starts = np.flatnonzero(changed)
        self._group = np.cumsum(changed) - 1

    def first(self) -> Array:
        """The first row of each group."""
        found: Array = self._order[self._starts]
        return found

    def sizes(self) -> Array:
        """How many rows each group has."""
        return np.diff(np.append(self._starts, len(self._order)))

    def total(self, values: Array) -> Array:
        """Their sum in each group."""
        found: Array = np.add.reduceat(values[self._order].astype(np.int64), self._starts)
        return found

    def minimum(self, values: Array) -> Array:
        """The least in each group."""
        found: Array = np.minimum.reduceat(values[self._order], self._starts)
        return found

    def maximum(self, values: Array) -> Array:
        """The greatest in each group."""
        found: Array = np.maximum.reduceat(values[self._order], self._starts)
        return found

    def any_bits(self, values: Array) -> Array:
        """The bits that some have in each group."""
        found: Array = np.bitwise_or.reduceat(values[self._order], self._starts)
        return found

    def least(self, by: tuple[Array, ...], among: Array) -> tuple[Array, Array]:
        """The least of some rows in each group, the last key first; and whether the group has any of these rows."""
        rows = np.flatnonzero(among)
        found = self.first().copy()
        has = np.zeros(len(found), np.bool_)
        if len(rows):
            group_of = np.empty(len(self._order), np.int64)
            group_of[self._order] = self._group
            order = rows[np.lexsort((*(key[rows] for key in by), group_of[rows]))]
            groups = group_of[order]
            firsts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
            found[groups[firsts]] = order[firsts]
            has[groups[firsts]] = True
        return found, has
