"""Stores spans: typed rows, parts of summaries, counts of minutes and filters, in the transaction of their exports.

In: a cursor of the writing thread, in a transaction, and exports. Out: rows. State: the numbers of traces and
operations, the open segment, and the generation of parts; read from the store again after a failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import orjson

from collector.local.store.columns import Columns, insert_columns, texts
from collector.local.store.rows import ExportRows
from collector.local.store.spans import filters, folding, summing
from collector.local.store.spans.arriving import Arriving, arriving, events_of, links_of
from collector.local.store.spans.facts import Pairs
from collector.local.store.spans.numbers import Numbers
from collector.local.store.spans.tables import (
    ATTRIBUTE_FILTERS,
    EVENT_ROWS,
    LINK_ROWS,
    SPAN_MINUTE_PARTS,
    SPAN_ROWS,
    TRACE_PARTS,
)

Array = np.ndarray[Any, Any]
SEGMENT_SPANS = 15_360
"""Spans in a segment, at least. Fewer would make an attribute of a few requests quicker to find, and their filters
larger. Earlier stores have segments of four times as many, too."""
MOST_OPEN = 100_000
"""With more traces that are not folded, those that are quiet for less are folded, too."""
MOST_PATIENCE_NS, CALM_FOLDS, LATE = 7_500_000_000, 24, 0.02
"""If more than this share of the traces that are folded were folded too soon, the next ones wait for a fold more, as
long as these folds are not so far apart; after so many folds without any, for one less."""
MINUTE_OVER_S = 70
"""So long after a minute began it is over."""


class SpanStore:
    """Everything about spans in one open store."""

    def __init__(self) -> None:
        self._numbers = Numbers()
        self._generation = 0
        self._segment = 0
        self._in_segment = 0
        self._hashes: list[Array] = []
        self._read = False
        self._patience, self._late, self._calm = 1, 0, 0
        self._folded_ns = 0
        self.has_parts = False
        """Whether there may be something to fold."""

    @property
    def open_traces(self) -> int:
        """How many traces are not folded."""
        return self._numbers.open_traces

    def forget(self) -> None:
        """A transaction failed, or the store was opened again: what is in memory may be wrong."""
        self._read = False

    def write(
        self, cursor: duckdb.DuckDBPyConnection, exports: Sequence[ExportRows], ingested_unix_ns: int | Sequence[int]
    ) -> None:
        """Add the spans of some exports, with their events and links.

        Args:
            cursor: in a transaction.
            exports: have the spans.
            ingested_unix_ns: the collector's clock; or when each span was stored, of exports without events and links.
        """
        spans = arriving(exports)
        if spans is None:
            return
        self.read(cursor)
        numbered = self._numbers.traces(cursor, spans.trace_ids)
        if numbered.folded:
            folding.unfold(cursor, numbered.folded)
            self._late += len(numbered.folded)
        get = numbered.numbers.__getitem__
        numbers = np.array([get(text) for text in spans.trace_ids], np.int64)
        operations = spans.of_kind(self._numbers.operations(cursor, [kind.operation for kind in spans.kinds]))
        ingested = np.broadcast_to(np.array(ingested_unix_ns, np.int64), numbers.shape)
        columns: Columns = {"trace_no": numbers, "operation_no": operations, "ingested_unix_ns": np.array(ingested)}
        insert_columns(cursor, SPAN_ROWS, spans.columns | columns, segment_no=self._segment)
        self._sum_up(cursor, spans, columns)
        for table, found in ((EVENT_ROWS, events_of(exports)), (LINK_ROWS, links_of(exports))):
            if found:
                ids, around = found
                around["trace_no"] = np.array([get(text) for text in ids], np.int64)
                around["ingested_unix_ns"] = np.full(len(ids), ingested[0])
                insert_columns(cursor, table, around)
        self._fill_segment(cursor, len(numbers), spans.hashes)

    def fold(self, cursor: duckdb.DuckDBPyConnection, now_unix_ns: int, *, everything: bool = False) -> None:
        """Fold what is quiet since the last fold, or one of those before where spans come late; or fold everything."""
        self.read(cursor)
        if self._numbers.open_traces > MOST_OPEN:
            everything = True
        self._generation += 1
        most = max(MOST_PATIENCE_NS // max(now_unix_ns - self._folded_ns, 1), 1)
        self._folded_ns = now_unix_ns
        before = self._generation + 1 if everything else self._generation - min(self._patience, most)
        minute = now_unix_ns // 1_000_000_000 - MINUTE_OVER_S
        folded = folding.fold(cursor, before, minute)
        if folded:
            self._numbers.folded(folded)
            self._wait_longer_or_less(len(folded), most)
        self.has_parts = self._numbers.open_traces > 0

    def _wait_longer_or_less(self, folded: int, most: int) -> None:
        """A span that comes once its trace is folded costs more than a trace that waits."""
        self._calm = 0 if self._late else self._calm + 1
        if self._late > LATE * folded:
            self._patience = min(self._patience + 1, most)
        elif self._calm == CALM_FOLDS:
            self._patience, self._calm = max(self._patience - 1, 1), 0
        self._late = 0

    def deleted(self, traces: Sequence[int]) -> None:
        """Traces, and perhaps operations, were deleted from the store."""
        self._numbers.folded(traces)
        self._numbers.forget_operations()

    def read(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Read the state from the store, unless it is known."""
        if self._read:
            return
        self._numbers.read(cursor)
        self._generation = 2 + _number(cursor, f"SELECT coalesce(max(generation), 0) FROM {TRACE_PARTS.name}")  # noqa: S608 (our names)
        last = f"(SELECT coalesce(max(segment_no), 0) FROM {SPAN_ROWS.name})"  # noqa: S608
        full = _number(cursor, f"SELECT coalesce(max(segment_no) + 1, 0) FROM {ATTRIBUTE_FILTERS.name}")  # noqa: S608
        self._segment = max(full, _number(cursor, f"SELECT {last}"))
        rows = cursor.execute(
            f"SELECT attributes FROM {SPAN_ROWS.name} WHERE segment_no = ?",  # noqa: S608
            [self._segment],
        ).fetchall()
        pairs = Pairs()
        for (text,) in rows:
            pairs.add(orjson.loads(text))
        self._in_segment, self._hashes = len(rows), [np.frombuffer(pairs.hashes(), np.uint32)]
        self.has_parts = self._numbers.open_traces > 0
        self._read = True

    def _sum_up(self, cursor: duckdb.DuckDBPyConnection, spans: Arriving, numbered: Columns) -> None:
        parts = summing.parts_of(spans, numbered)
        insert_columns(cursor, TRACE_PARTS, parts, generation=self._generation)
        minutes = summing.minutes_of(spans, numbered["operation_no"])
        insert_columns(cursor, SPAN_MINUTE_PARTS, minutes)
        self.has_parts = True

    def _fill_segment(self, cursor: duckdb.DuckDBPyConnection, spans: int, hashes: Array) -> None:
        """Count spans into the open segment, and write its filter once it is full."""
        self._in_segment += spans
        self._hashes.append(hashes)
        if self._in_segment < SEGMENT_SPANS:
            return
        slices = filters.build(filters.different(np.concatenate(self._hashes)))
        # DuckDB finds it by its name; of bytes in an array it would take the text
        incoming = {"slice": np.arange(len(slices)), "bits": texts([bits.hex() for bits in slices])}  # noqa: F841
        cursor.execute(
            f"INSERT INTO {ATTRIBUTE_FILTERS.name} SELECT {self._segment}, slice, unhex(bits) FROM incoming"  # noqa: S608 (our names)
        )
        self._segment += 1
        self._in_segment, self._hashes = 0, []


def _number(cursor: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = cursor.execute(sql).fetchone()
    return int(row[0]) if row else 0
