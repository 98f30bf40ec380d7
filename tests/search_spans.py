"""The spans of one request as OTLP/JSON, at times that are easy to check by hand (milliseconds)."""

from collections.abc import Iterable
from typing import Any

from telemetry import conventions as c

MS = 1_000_000
BEGIN_NS = 1_700_000_000 * 10**9
KINDS = {"i": 1, "s": 2, "c": 3}
Row = tuple[str, str, str | None, str, str, float, float]
"""Service, id, parent, name, kind, start, end."""

SEARCH: tuple[Row, ...] = (
    ("pamazon", "1", None, "/pamazon.Gateway/Search", "c", 0, 100),
    ("gateway", "2", "1", "/pamazon.Gateway/Search", "s", 5, 95),
    ("gateway", "3", "2", "/search", "i", 10, 90),
    ("gateway", "4", "3", "/pamazon.Executor/Process", "c", 15, 55),
    ("encoder", "5", "4", "/pamazon.Executor/Process", "s", 20, 50),
    ("encoder", "6", "5", "encode", "i", 22, 48),
    ("gateway", "7", "3", "qdrant_search", "i", 60, 80),
)
TIMES = {"transit": 0.02, "server": 0.014, "endpoint": 0.02, "encode": 0.026, "qdrant_search": 0.02}
"""Seconds on the critical path by stage; `transit` of the whole request is 0.01."""


def export_of(trace_id: str, rows: Iterable[Row], **attributes: str) -> dict[str, Any]:
    """An export with these spans of one trace; `search.operation` is that of a search."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes({c.SERVICE_NAME.name: row[0]})},
                "scopeSpans": [{"scope": {"name": c.SCOPE}, "spans": [_span(trace_id, row, attributes)]}],
            }
            for row in rows
        ]
    }


def _span(trace_id: str, row: Row, more: dict[str, str]) -> dict[str, Any]:
    _, span_id, parent, name, kind, start, end = row
    attributes = {c.SEARCH_OPERATION.name: "search", **more}
    if kind in "cs":
        attributes[c.RPC_SYSTEM_NAME.name] = "grpc"
    return {
        "traceId": trace_id,
        "spanId": span_id.zfill(16),
        "parentSpanId": parent.zfill(16) if parent else "",
        "name": name,
        "kind": KINDS[kind],
        "startTimeUnixNano": str(BEGIN_NS + int(start * MS)),
        "endTimeUnixNano": str(BEGIN_NS + int(end * MS)),
        "attributes": _attributes(attributes),
    }


def _attributes(values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]
