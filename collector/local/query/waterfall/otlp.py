"""Exports one trace as OTLP JSON: sent to any receiver of OTLP, it is the same trace again.

In: a connection, an id of a trace, a window of its spans. Out: a document of OTLP's `TracesData`. No state.

What the store does not keep cannot be exported: bytes come back as base64 text, NaN and the infinities as text, and of
a repeated key the last value.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.lookup.numbers import number_of
from collector.local.store.rows import SpanEventRow, SpanLinkRow, SpanRow

MAX_SPANS: Final = 10_000
"""In one document."""
Document = dict[str, Any]
_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES: Final = ("unset", "ok", "error")
_SPANS = f"""
SELECT {", ".join(SpanRow._fields)} FROM spans WHERE trace_no = ?
ORDER BY start_unix_ns, span_id, ingested_unix_ns LIMIT ? OFFSET ?
"""  # noqa: S608 (our own names)
_EVENTS = f"""
SELECT {", ".join(SpanEventRow._fields)} FROM span_events
WHERE trace_no = ? AND span_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY span_id, ingested_unix_ns, position
"""  # noqa: S608 (as above)
_LINKS = f"""
SELECT {", ".join(SpanLinkRow._fields)} FROM span_links
WHERE trace_no = ? AND span_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY span_id, ingested_unix_ns, position
"""  # noqa: S608 (as above)
_RESOURCES = """
SELECT resource_id, attributes, dropped_attributes, schema_url FROM resources
WHERE resource_id IN (SELECT unnest(?::BIGINT[]))
"""
_SCOPES = """
SELECT scope_id, name, version, attributes, dropped_attributes, schema_url FROM scopes
WHERE scope_id IN (SELECT unnest(?::BIGINT[]))
"""


def otlp(connection: DuckDBPyConnection, trace_id: str, offset: int, limit: int = MAX_SPANS) -> tuple[Document, int]:
    """Some spans of a trace as a document, and how many spans are in it.

    Args:
        connection: to the store.
        trace_id: whole.
        offset: spans to leave out, by start.
        limit: spans at most.

    Raises:
        QueryError: no span of the trace is in the store.
    """
    number = number_of(connection, trace_id)
    rows = [SpanRow(*row) for row in connection.execute(_SPANS, [number, limit, offset]).fetchall()]
    if not rows and not offset:
        raise QueryError("not_found", f"There is no span of trace {trace_id}.", "List the traces: telemetry traces.")
    ids = list({row.span_id for row in rows})
    events = [SpanEventRow(*row) for row in connection.execute(_EVENTS, [number, ids]).fetchall()]
    links = [SpanLinkRow(*row) for row in connection.execute(_LINKS, [number, ids]).fetchall()]
    its_events, its_links = _shared_out(rows, events), _shared_out(rows, links)
    scopes: dict[int, dict[int, list[Document]]] = defaultdict(lambda: defaultdict(list))
    for at, row in enumerate(rows):
        span = _span(row, [_event(event) for event in its_events[at]], [_link(link) for link in its_links[at]])
        scopes[row.resource_id][row.scope_id].append(span)
    resources = _by_id(connection, _RESOURCES, list(scopes))
    known = _by_id(connection, _SCOPES, list({scope for below in scopes.values() for scope in below}))
    found = []
    for resource_id, below in scopes.items():
        attributes, dropped, url = resources.get(resource_id, ("{}", 0, ""))
        its_scopes = [_scope_spans(known.get(scope_id), spans) for scope_id, spans in below.items()]
        resource = _without_empty({"attributes": _attributes(attributes), "droppedAttributesCount": dropped})
        found.append(_without_empty({"resource": resource, "scopeSpans": its_scopes, "schemaUrl": url}))
    return {"resourceSpans": found}, len(rows)


def _by_id(connection: DuckDBPyConnection, sql: str, ids: Sequence[int]) -> Mapping[int, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in connection.execute(sql, [list(ids)]).fetchall()}


def _shared_out(rows: Sequence[SpanRow], parts: Sequence[Any]) -> Mapping[int, Sequence[Any]]:
    """Events or links by the index of their span.

    Spans with one id each get what was sent with them: positions begin at 0 again. If that cannot be told, the first
    one gets all.
    """
    groups: dict[str, list[list[Any]]] = defaultdict(list)
    for part in parts:
        if part.position == 0 or not groups[part.span_id]:
            groups[part.span_id].append([])
        groups[part.span_id][-1].append(part)
    holders: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        holders[row.span_id].append(at)
    found: dict[int, Sequence[Any]] = defaultdict(list)
    for span_id, its in groups.items():
        mine = holders[span_id]
        if len(its) == len(mine):
            found.update(zip(mine, its, strict=True))
        else:
            found[mine[0]] = [part for group in its for part in group]
    return found


def _scope_spans(scope: tuple[Any, ...] | None, spans: list[Document]) -> Document:
    name, version, attributes, dropped, url = scope or ("", "", "{}", 0, "")
    described = {"name": name, "version": version, "attributes": _attributes(attributes)}
    described["droppedAttributesCount"] = dropped
    return _without_empty({"scope": _without_empty(described), "spans": spans, "schemaUrl": url})


def _span(row: SpanRow, events: list[Document], links: list[Document]) -> Document:
    status = {"code": _STATUSES.index(row.status), "message": row.status_message}
    return _without_empty(
        {
            "traceId": row.trace_id,
            "spanId": row.span_id,
            "parentSpanId": row.parent_span_id,
            "traceState": row.trace_state,
            "flags": row.flags,
            "name": row.name,
            "kind": _KINDS.index(row.kind),
            "startTimeUnixNano": str(row.start_unix_ns),
            "endTimeUnixNano": str(row.end_unix_ns),
            "attributes": _attributes(row.attributes),
            "droppedAttributesCount": row.dropped_attributes,
            "events": events,
            "droppedEventsCount": row.dropped_events,
            "links": links,
            "droppedLinksCount": row.dropped_links,
            "status": _without_empty(status),
        }
    )


def _event(row: SpanEventRow) -> Document:
    return _without_empty(
        {
            "timeUnixNano": str(row.time_unix_ns),
            "name": row.name,
            "attributes": _attributes(row.attributes),
            "droppedAttributesCount": row.dropped_attributes,
        }
    )


def _link(row: SpanLinkRow) -> Document:
    return _without_empty(
        {
            "traceId": row.linked_trace_id,
            "spanId": row.linked_span_id,
            "traceState": row.trace_state,
            "flags": row.flags,
            "attributes": _attributes(row.attributes),
            "droppedAttributesCount": row.dropped_attributes,
        }
    )


def _without_empty(fields: Document) -> Document:
    """Without what OTLP takes as its default."""
    return {name: value for name, value in fields.items() if value not in (None, "", 0, [], {}, "0")}


def _attributes(text: str) -> list[Document]:
    return [{"key": key, "value": _value(value)} for key, value in json.loads(text).items()]


def _value(value: Any) -> Document:
    if value is None:
        return {}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": _value(item)} for key, item in value.items()]}}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"intValue": str(value)}
    return {_SCALARS[type(value)]: value}


_SCALARS: Final = {bool: "boolValue", float: "doubleValue", str: "stringValue"}
