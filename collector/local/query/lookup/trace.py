"""Reads one trace: each span with its place in the tree, its self time and its part of the critical path."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from collector.analysis.critical_path import critical_parts
from collector.analysis.finished import Missing
from collector.analysis.seen import NS, seen_of
from collector.analysis.self_time import self_times
from collector.analysis.transit import transit_ns
from collector.analysis.tree import build
from collector.local.errors import QueryError
from collector.local.query.logs import logs_of_trace
from collector.local.query.lookup.numbers import number_of, numbers_by_id
from collector.local.query.model import Attributes, Event, Link, Span, Trace
from collector.local.store.rows import SpanEventRow, SpanLinkRow, SpanRow
from telemetry.conventions import SCOPE, SEARCH_TRANSIT_DURATION

_SPANS = f"""
SELECT {", ".join(SpanRow._fields)} FROM spans WHERE trace_no = ? ORDER BY start_unix_ns, span_id, ingested_unix_ns
"""  # noqa: S608 (our own names)
_EVENTS = f"""
SELECT {", ".join(SpanEventRow._fields)}
FROM span_events WHERE trace_no = ? ORDER BY span_id, ingested_unix_ns, position
"""  # noqa: S608 (as above)
_LINKS = f"""
SELECT {", ".join(SpanLinkRow._fields)}
FROM span_links WHERE trace_no = ? ORDER BY span_id, ingested_unix_ns, position
"""  # noqa: S608 (as above)
_COUNTS = """
SELECT (SELECT count(*) FROM span_events WHERE trace_no = $1), (SELECT count(*) FROM span_links WHERE trace_no = $1),
       (SELECT count(*) FROM logs WHERE trace_id = $2)
"""
_STORED = "SELECT trace_id FROM trace_ids WHERE trace_no IN (SELECT unnest(?::BIGINT[]))"
_RESOURCES_AND_SCOPES = """
SELECT true, resource_id, '', '', attributes FROM resources WHERE list_contains(?::BIGINT[], resource_id)
UNION ALL
SELECT false, scope_id, name, version, attributes FROM scopes WHERE list_contains(?::BIGINT[], scope_id)
"""


def trace(connection: DuckDBPyConnection, trace_id: str) -> Trace:
    """The trace with this id.

    Raises:
        QueryError: no span of it is in the store.
    """
    number = number_of(connection, trace_id)
    stored = [SpanRow(*row) for row in connection.execute(_SPANS, [number]).fetchall()]
    if not stored:
        raise QueryError("not_found", f"There is no span of trace {trace_id}.", "List the traces: telemetry traces.")
    tree = build(stored)
    around = _Around.read(connection, trace_id, number, stored, tree.start)
    own, critical = self_times(tree), critical_parts(tree)
    transit = transit_ns(tree, [row.kind for row in stored])
    spans = []
    for index, depth in tree.order:
        row = stored[index]
        scope, version, scope_attributes = around.scopes.get(row.scope_id, ("", "", {}))
        spans.append(
            Span(
                trace_id=trace_id,
                span_id=row.span_id,
                parent_span_id=row.parent_span_id,
                depth=depth,
                name=row.name,
                kind=row.kind,
                service=row.service,
                start_unix_ns=row.start_unix_ns,
                end_unix_ns=row.end_unix_ns,
                offset_ns=tree.starts[index] - tree.start,
                duration_ns=tree.ends[index] - tree.starts[index],
                self_ns=own[index],
                critical_ns=sum(end - start for start, end in critical[index]),
                critical_parts=[(start - tree.start, end - start) for start, end in critical[index]],
                status=row.status,
                status_message=row.status_message,
                attributes=_attributes(row, transit if index == tree.root else None),
                resource=around.resources.get(row.resource_id, {}),
                scope=scope,
                scope_version=version,
                scope_attributes=scope_attributes,
                trace_state=row.trace_state,
                flags=row.flags,
                events=around.events.get(row.span_id, ()),
                links=around.links.get(row.span_id, ()),
                dropped_attributes=row.dropped_attributes,
                dropped_events=row.dropped_events,
                dropped_links=row.dropped_links,
            )
        )
    services = list(dict.fromkeys(span.service for span in spans))
    logs = logs_of_trace(connection, trace_id, tree.start) if around.logs else []
    return Trace(trace_id, tree.start, tree.end - tree.start, services, spans, tuple(logs), around.logs)


def _attributes(row: SpanRow, transit: int | None) -> Attributes:
    """Those of the span, and the time on the way if it is the root of a call."""
    found: Attributes = json.loads(row.attributes)
    return found if transit is None else {**found, SEARCH_TRANSIT_DURATION.name: transit / NS}


@dataclass(frozen=True)
class _Around:
    """The rows of the other tables: events and links by span id, resources and scopes by their ids."""

    events: Mapping[str, Sequence[Event]]
    links: Mapping[str, Sequence[Link]]
    resources: Mapping[int, Attributes]
    scopes: Mapping[int, tuple[str, str, Attributes]]
    logs: int
    """How many log records there are."""

    @classmethod
    def read(
        cls, connection: DuckDBPyConnection, trace_id: str, number: int, stored: Sequence[SpanRow], trace_start: int
    ) -> "_Around":
        counts = connection.execute(_COUNTS, [number, trace_id]).fetchone() or (0, 0, 0)
        events: dict[str, list[Event]] = defaultdict(list)
        for event in map(SpanEventRow._make, _rows(connection, _EVENTS, number, counts[0])):
            events[event.span_id].append(
                Event(
                    name=event.name,
                    time_unix_ns=event.time_unix_ns,
                    offset_ns=event.time_unix_ns - trace_start,
                    attributes=json.loads(event.attributes),
                    dropped_attributes=event.dropped_attributes,
                )
            )
        links: dict[str, list[Link]] = defaultdict(list)
        found = [SpanLinkRow(*row) for row in _rows(connection, _LINKS, number, counts[1])]
        there = _stored_of(connection, [link.linked_trace_id for link in found])
        for link in found:
            links[link.span_id].append(
                Link(
                    trace_id=link.linked_trace_id,
                    span_id=link.linked_span_id,
                    attributes=json.loads(link.attributes),
                    trace_state=link.trace_state,
                    flags=link.flags,
                    dropped_attributes=link.dropped_attributes,
                    stored=link.linked_trace_id in there,
                )
            )
        wanted = [list({row.resource_id for row in stored}), list({row.scope_id for row in stored})]
        resources: dict[int, Attributes] = {}
        scopes: dict[int, tuple[str, str, Attributes]] = {}
        for is_resource, key, *fields, text in connection.execute(_RESOURCES_AND_SCOPES, wanted).fetchall():
            if is_resource:
                resources[key] = json.loads(text)
            else:
                scopes[key] = (*fields, json.loads(text))
        return cls(events, links, resources, scopes, counts[2])


def _rows(connection: DuckDBPyConnection, sql: str, number: int, count: int) -> list[Any]:
    """The rows of a trace, of which there are so many: to look whether there are any is quicker than to read them."""
    return connection.execute(sql, [number]).fetchall() if count else []


def _stored_of(connection: DuckDBPyConnection, trace_ids: Sequence[str]) -> set[str]:
    """The traces of which a span is stored."""
    if not trace_ids:
        return set()
    numbers = numbers_by_id(connection, list(set(trace_ids)))
    return {row[0] for row in connection.execute(_STORED, [numbers]).fetchall()}


def is_complete(found: Trace) -> bool:
    """Whether a trace is complete: a root, no missing parent, a server span under each client span of an rpc.

    A call that no server answered (status UNAVAILABLE) needs none; see `has_unanswered_call`.
    """
    return _missing(found).nothing


def has_unanswered_call(found: Trace) -> bool:
    """Whether a client span ended UNAVAILABLE and has no server span, which may still arrive."""
    return _missing(found).answers > 0


def _missing(found: Trace) -> Missing:
    return Missing([seen_of(span, span.scope == SCOPE, span.attributes) for span in found.spans])
