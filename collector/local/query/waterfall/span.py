"""One span with all that is known of it: attributes, events, links both ways, log records.

In: a connection, a shape, an id. Out: a `SpanDetails`. No state.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.lookup.numbers import numbers_by_id
from collector.local.query.model import Attributes, Event
from collector.local.query.waterfall.rows import Way, note_of, way_of
from collector.local.query.waterfall.shape import NONE, Shape

MOST: Final = 200
"""Of events, links and log records each."""
_SPAN = """
SELECT spans.name, kind, spans.service, start_unix_ns, end_unix_ns, status, status_message, spans.attributes,
    spans.dropped_attributes, dropped_events, dropped_links, trace_state, flags, parent_span_id,
    coalesce(resources.attributes, '{}'), coalesce(scopes.name, ''), coalesce(scopes.version, '')
FROM spans LEFT JOIN resources USING (resource_id) LEFT JOIN scopes USING (scope_id)
WHERE trace_no = ? AND span_id = ? ORDER BY start_unix_ns, spans.ingested_unix_ns LIMIT 1 OFFSET ?
"""
_EVENTS = """
SELECT name, time_unix_ns, attributes, dropped_attributes, count(*) OVER () FROM span_events
WHERE trace_no = ? AND span_id = ? ORDER BY time_unix_ns, position LIMIT ?
"""
_LOGS = """
SELECT CASE WHEN time_unix_ns > 0 THEN time_unix_ns ELSE observed_unix_ns END AS moment, severity_text,
    severity_number, body, attributes, count(*) OVER () FROM logs
WHERE trace_id = ? AND span_id = ? ORDER BY moment LIMIT ?
"""
_TO = """
SELECT linked_trace_id, linked_span_id, attributes, count(*) OVER () FROM span_links
WHERE trace_no = ? AND span_id = ? ORDER BY position LIMIT ?
"""
_FROM = """
SELECT trace_id, span_id, attributes, count(*) OVER () FROM span_links
WHERE linked_trace_id = ? AND linked_span_id = ? ORDER BY ingested_unix_ns, trace_id LIMIT ?
"""
_LINKED = """
SELECT trace_id, span_id, name, service, greatest(0, end_unix_ns - start_unix_ns) FROM spans
WHERE trace_no IN (SELECT unnest(?::BIGINT[])) AND list_contains(?, span_id)
"""


@dataclass(frozen=True)
class LinkedSpan:
    """A span at the other end of a link."""

    trace_id: str
    span_id: str
    attributes: Attributes
    """Of the link."""
    stored: bool
    """It may not have been sampled, or not have arrived."""
    name: str
    service: str
    duration_ns: int | None


@dataclass(frozen=True)
class SpanLog:
    """A log record of a span."""

    offset_ns: int
    severity: str
    severity_number: int
    body: Any
    attributes: Attributes


@dataclass(frozen=True)
class SpanDetails:
    """One span. Lists have at most 200 items; the counts are of all."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    place: int
    above: Sequence[str]
    """Names of the spans above it, the root first, at most the last fifty."""
    name: str
    kind: str
    service: str
    op: str
    status: str
    status_message: str
    start_unix_ns: int
    end_unix_ns: int
    offset_ns: int
    duration_ns: int
    self_ns: int
    critical_ns: int
    way: Way | None
    moved_ns: int
    note: str
    attributes: Attributes
    resource: Attributes
    scope: str
    scope_version: str
    trace_state: str
    flags: int
    dropped: Mapping[str, int]
    """Attributes, events and links that the sender dropped."""
    events: Sequence[Event]
    event_count: int
    logs: Sequence[SpanLog]
    log_count: int
    links: Sequence[LinkedSpan]
    """Spans that this one links to."""
    link_count: int
    linked_from: Sequence[LinkedSpan]
    """Spans that link to this one."""
    linked_from_count: int


def span(connection: DuckDBPyConnection, shape: Shape, span_id: str, place: int | None = None) -> SpanDetails:
    """One span of a trace.

    Args:
        connection: to the store.
        shape: of the trace.
        span_id: of the span.
        place: of the span, if several have this id; else the first one is meant.

    Raises:
        QueryError: there is none.
    """
    places = shape.places(span_id)
    if not places:
        message = f"There is no span {span_id} in trace {shape.trace_id}."
        raise QueryError("not_found", message, f"See its spans: telemetry trace {shape.trace_id}.")
    at = place if place in places else places[0]
    by_start = sorted(places, key=lambda each: int(shape.offset[each] - shape.moved[each]))
    row = connection.execute(_SPAN, [shape.number, span_id, by_start.index(at)]).fetchone()
    if row is None:  # deleted since the shape was computed
        raise QueryError("not_found", f"Span {span_id} was deleted.", "List the traces: telemetry traces.")
    name, kind, service, start, end, status, message, attributes, lost_a, lost_e, lost_l, state, flags = row[:13]
    return SpanDetails(
        trace_id=shape.trace_id,
        span_id=span_id,
        parent_span_id=row[13],
        place=at,
        above=_above(shape, at),
        name=name,
        kind=kind,
        service=service,
        op=shape.ops[shape.op[at]],
        status=status,
        status_message=message,
        start_unix_ns=start,
        end_unix_ns=end,
        offset_ns=int(shape.offset[at]),
        duration_ns=int(shape.duration[at]),
        self_ns=int(shape.own[at]),
        critical_ns=int(shape.critical[at]),
        way=way_of(shape, at),
        moved_ns=int(shape.moved[at]),
        note=note_of(shape, at),
        attributes=json.loads(attributes),
        resource=json.loads(row[14]),
        scope=row[15],
        scope_version=row[16],
        trace_state=state,
        flags=flags,
        dropped={"attributes": lost_a, "events": lost_e, "links": lost_l},
        **_moments(connection, shape, span_id, shape.start_unix_ns - int(shape.moved[at])),
        **_both_ways(connection, shape, span_id),
    )


def _moments(connection: DuckDBPyConnection, shape: Shape, span_id: str, began: int) -> dict[str, Any]:
    """Events and log records, with their places after `began`."""
    events = connection.execute(_EVENTS, [shape.number, span_id, MOST]).fetchall()
    logs = connection.execute(_LOGS, [shape.trace_id, span_id, MOST]).fetchall()
    return {
        "events": [Event(what, when, when - began, json.loads(found), lost) for what, when, found, lost, _ in events],
        "event_count": events[0][-1] if events else 0,
        "logs": [
            SpanLog(when - began, text, severity, json.loads(body), json.loads(found))
            for when, text, severity, body, found, _ in logs
        ],
        "log_count": logs[0][-1] if logs else 0,
    }


def _both_ways(connection: DuckDBPyConnection, shape: Shape, span_id: str) -> dict[str, Any]:
    """The spans that this one links to, and those that link to it."""
    to = connection.execute(_TO, [shape.number, span_id, MOST]).fetchall()
    back = connection.execute(_FROM, [shape.trace_id, span_id, MOST]).fetchall()
    ends = _ends_of(connection, [*to, *back])
    return {
        "links": [_linked(link, ends) for link in to],
        "link_count": to[0][-1] if to else 0,
        "linked_from": [_linked(link, ends) for link in back],
        "linked_from_count": back[0][-1] if back else 0,
    }


def _above(shape: Shape, place: int) -> list[str]:
    found: list[str] = []
    above = int(shape.parent[place])
    while above != NONE and len(found) < 50:
        found.append(shape.names[shape.name[above]])
        above = int(shape.parent[above])
    return found[::-1]


Ends = Mapping[tuple[str, str], tuple[str, str, int]]


def _ends_of(connection: DuckDBPyConnection, links: Sequence[tuple[Any, ...]]) -> Ends:
    """Name, service and duration of spans at the other ends, by both ids."""
    if not links:
        return {}
    traces, spans = (list({link[column] for link in links}) for column in (0, 1))
    found = connection.execute(_LINKED, [numbers_by_id(connection, traces), spans]).fetchall()
    return {(trace_id, span_id): (name, service, took) for trace_id, span_id, name, service, took in found}


def _linked(link: tuple[Any, ...], ends: Ends) -> LinkedSpan:
    trace_id, span_id, attributes, _ = link
    end = ends.get((trace_id, span_id))
    name, service, took = end or ("", "", None)
    return LinkedSpan(trace_id, span_id, json.loads(attributes), end is not None, name, service, took)
