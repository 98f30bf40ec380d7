"""A store in memory with the tables and views of `reference_views.py`, filled by hand.

Its spans may have ids of any text. The store itself shows the same tables and views; see `test_store_summaries.py`.
"""

import json
import re
from typing import Any

import duckdb

from collector.local.store.spans.facts import OUTCOMES
from collector.local.store.spans.tables import (
    ENTRY_MINUTE_PARTS,
    ENTRY_MINUTE_ROWS,
    OPERATIONS,
    SPAN_ROWS,
    TRACE_PARTS,
    TRACE_ROWS,
)
from collector.local.store.views import ENTRY_MINUTES, TRACES
from tests.unit.reference_views import TABLES, VIEWS

NUMBERED = """, trace_no BIGINT GENERATED ALWAYS AS ((hash(trace_id) >> 1)::BIGINT),
segment_no INTEGER GENERATED ALWAYS AS (0)"""
"""What the store adds to spans, their events and links."""
MS = 1_000_000
START = 1_700_000_000_000_000_000
A, B, C = ("a" * 32, "b" * 32, "c" * 32)


_OUTCOME = f"list_position({list(OUTCOMES)}, outcome) - 1"
_ID_KEY = "try_cast('0x' || trace_id[:8] AS UINTEGER)"
_AS_STORED = {
    TRACE_ROWS: (
        TRACES,
        {"outcome": _OUTCOME, "client_less_ns": "duration_ns - client_duration_ns", "id_key": _ID_KEY},
    ),
    ENTRY_MINUTE_ROWS: (
        ENTRY_MINUTES,
        {"outcome": _OUTCOME, "is_client": "side = 'client'", "bucket": "coalesce(bucket, -1)"},
    ),
}
"""Tables of the store, all of whose traces are folded, made of the views."""


class HandFilledStore:
    """Rows are written as in the schema; columns left out get the value that means "not given"."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        for table in TABLES:
            numbered = NUMBERED if any(column.name == "trace_id" for column in table.columns) else ""
            self.connection.execute(table.ddl().removesuffix(")") + numbered + ")")
        for view in VIEWS:
            self.connection.execute(view)
            if f'"{TRACES.name}"' in view or f'"{ENTRY_MINUTES.name}"' in view:  # under a name that no question hides
                self.connection.execute(re.sub(rf"\b({TRACES.name}|{ENTRY_MINUTES.name})\b", r"\1_by_hand", view))
        for empty in (OPERATIONS, SPAN_ROWS, TRACE_PARTS, ENTRY_MINUTE_PARTS):
            self.connection.execute(empty.ddl())
        for rows, (shown, differing) in _AS_STORED.items():
            same = {column.name: column.name for column in shown.columns} | differing
            columns = ", ".join(f"{same.get(column.name, 'NULL')} AS {column.name}" for column in rows.columns)
            self.connection.execute(f"CREATE VIEW {rows.name} AS SELECT {columns} FROM {shown.name}_by_hand")

    def insert(self, table: str, **values: Any) -> None:
        columns = next(t for t in TABLES if t.name == table).columns
        row = {column.name: values.get(column.name, _not_given(column.kind)) for column in columns}
        assert not values.keys() - row.keys(), "no such column"
        marks = ", ".join("?" for _ in row)
        self.connection.execute(f"INSERT INTO {table} VALUES ({marks})", list(row.values()))

    def span(
        self,
        trace_id: str,
        span_id: str,
        parent: str | None = None,
        name: str = "work",
        start_ms: float = 0,
        end_ms: float = 10,
        *,
        attributes: dict[str, Any] | None = None,
        **values: Any,
    ) -> None:
        values = {"kind": "internal", "service": "gateway", "status": "unset", **values}
        self.insert(
            "spans",
            trace_id=trace_id,
            span_id=span_id,
            parent_span_id=parent,
            name=name,
            start_unix_ns=START + int(start_ms * MS),
            end_unix_ns=START + int(end_ms * MS),
            attributes=json.dumps(attributes or {}),
            **values,
        )


def _not_given(kind: str) -> Any:
    if "NOT NULL" not in kind:
        return None
    return "" if kind.startswith("VARCHAR") else 0


def fill_with_three_traces(store: HandFilledStore) -> None:
    """A search that failed in the indexer (A), a slow one (B), an indexing without an rpc (C); C is the latest."""
    rpc = {"rpc.system.name": "grpc", "client.platform": "web"}
    store.insert("resources", resource_id=5, service="indexer", attributes='{"host.name": "shelf"}')
    store.span(A, "a1", None, "/search", 0, 10, kind="server", attributes=rpc)
    store.span(A, "a2", "a1", "qdrant_search", 2, 9, service="indexer", status="error", resource_id=5)
    store.span(B, "b1", None, "/search", 100, 190, kind="server", attributes={**rpc, "client.platform": "ios"})
    store.span(C, "c1", None, "/index", 200, 230, attributes={"len_docs": 512, "exact": True, "score": 0.5})
    store.span(C, "c2", "c1", "qdrant_index", 205, 225, service="indexer", status="ok")
