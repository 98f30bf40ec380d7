"""Reads what the shape of traces needs of their spans: no attributes, which are most of a trace.

In: a connection to the store, ids of traces. Out: lines, by trace; marks (events and log records). No state.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from duckdb import DuckDBPyConnection

from collector.local.query.lookup.numbers import OF_NUMBERS, number_of
from telemetry.conventions import BAGGAGE, SCOPE

MAX_SPANS: Final = 100_000
"""Of one trace: those that began first. It bounds the memory that one request takes."""
MAX_MARKS: Final = 20_000
_CHUNK: Final = 10_000

# The operation of a span by the rules of the layer `sentry.yaml`, so that one name is known everywhere.
_OP = f"""CASE
    WHEN contains(attributes, '"rpc.system')
        THEN CASE kind WHEN 'server' THEN 'rpc.server' WHEN 'client' THEN 'rpc.client' ELSE 'rpc' END
    WHEN contains(attributes, '"db.system') THEN 'db'
    WHEN scope_id IN (SELECT scope_id FROM scopes WHERE name = '{SCOPE}')
        THEN CASE WHEN starts_with(name, '/') THEN 'search.endpoint' ELSE 'search.' || name END
    WHEN contains(attributes, '"http.request.method"') THEN 'http'
    WHEN contains(attributes, '"messaging.system"') THEN 'messaging' ELSE '' END"""  # noqa: S608 (our own names)
_LINES = """
SELECT trace_no, span_id, parent_span_id, name, kind, service, start_unix_ns, end_unix_ns, status, {op}
FROM span_facts WHERE {condition} ORDER BY start_unix_ns, span_id, ingested_unix_ns LIMIT ?
"""
_OPS = f"""
SELECT service, name, kind, scope_id::VARCHAR, min({_OP}) FROM span_facts WHERE {OF_NUMBERS} GROUP BY ALL
"""  # noqa: S608 (our own names)
_EVENTS = """
SELECT span_id, time_unix_ns, CASE WHEN name = 'exception' THEN 'exception' ELSE 'event' END, left(name, 80)
FROM span_events WHERE trace_no = ? ORDER BY time_unix_ns LIMIT ?
"""
_LOGS = """
SELECT span_id, CASE WHEN time_unix_ns > 0 THEN time_unix_ns ELSE observed_unix_ns END AS moment,
    CASE WHEN severity_number >= 17 THEN 'error' WHEN severity_number >= 13 THEN 'warn' ELSE 'log' END, left(body, 80)
FROM logs WHERE trace_id = ? AND span_id IS NOT NULL ORDER BY moment LIMIT ?
"""
_LINKS = "SELECT span_id, count(*) FROM span_links WHERE trace_no = ? GROUP BY span_id"
_STATE = """
SELECT count(*), max(ingested_unix_ns), (SELECT count(*) FROM logs WHERE trace_id = $id)
FROM span_facts WHERE trace_no = $no
"""
_ATTRIBUTES = "SELECT attributes FROM span_facts WHERE trace_no = ? AND span_id = ? LIMIT 1"
_LOG_COUNT = "SELECT count(*) FROM logs WHERE trace_id = ?"


class Line(NamedTuple):
    """One span, as far as its place in the tree and its looks depend on it. `Timed` of `analysis.tree`."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    service: str
    start_unix_ns: int
    end_unix_ns: int
    status: str
    op: str
    """`rpc.server`, `rpc.client`, `db`, `search.encode`, …; empty if it is not known."""


class Mark(NamedTuple):
    """Something at one moment of a span."""

    span_id: str
    time_unix_ns: int
    kind: str
    """`event`, `exception`; of a log record `log`, `warn`, `error`."""
    text: str


class State(NamedTuple):
    """It changes whenever something of a trace arrives or is deleted."""

    number: int
    """Of the trace; -1 if it is not in the store."""
    spans: int
    latest: int | None
    logs: int


def state_of(connection: DuckDBPyConnection, trace_id: str) -> State:
    """What is stored of a trace now."""
    number = number_of(connection, trace_id)
    row = connection.execute(_STATE, {"id": trace_id, "no": number}).fetchone()
    return State(number, *(row or (0, None, 0)))


def lines_of_trace(connection: DuckDBPyConnection, number: int, trace_id: str, most: int = MAX_SPANS) -> list[Line]:
    """The spans of a trace by start, at most `most`, those that began first."""
    return _lines(connection, _LINES.format(op=_OP, condition="trace_no = ?"), [number, most], {number: trace_id})


def lines_of(connection: DuckDBPyConnection, traces: Mapping[int, str], most: int = MAX_SPANS) -> dict[str, list[Line]]:
    """The spans of several traces, by trace, each list by start; at most `most` together, those that began first.

    Spans of the same name, kind, service and scope have the same `op`, that of one of them: attributes are most of what
    would be read, and are read of few traces.

    Args:
        connection: to the store.
        traces: the id of each, by its number.
        most: spans at most.
    """
    sql = _LINES.format(op="scope_id::VARCHAR", condition=OF_NUMBERS)
    lines = _lines(connection, sql, [list(traces), most], traces)
    numbers = {trace_id: number for number, trace_id in traces.items()}
    first: dict[tuple[str, str, str, str], int] = {}
    for line in lines:
        first.setdefault(_kind_of(line), numbers[line.trace_id])
    ops = {tuple(row[:4]): row[4] for row in connection.execute(_OPS, [list(set(first.values()))]).fetchall()}
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line.trace_id].append(line._replace(op=ops[_kind_of(line)]))
    return found


def _kind_of(line: Line) -> tuple[str, str, str, str]:
    """What spans with the same `op` have in common; the line has its scope there."""
    return line.service, line.name, line.kind, line.op


def _lines(connection: DuckDBPyConnection, sql: str, values: Sequence[object], traces: Mapping[int, str]) -> list[Line]:
    result = connection.execute(sql, values)
    found: list[Line] = []
    known: dict[str, str] = {}  # one object for equal names: most of the memory of many rows
    same = known.setdefault
    while rows := result.fetchmany(_CHUNK):
        found += [
            Line(
                traces[number], span_id, parent, same(name, name), same(kind, kind), same(service, service),
                start, end, same(status, status), same(op, op),
            )
            for number, span_id, parent, name, kind, service, start, end, status, op in rows
        ]  # fmt: skip
    return found


def marks_of(connection: DuckDBPyConnection, number: int, trace_id: str) -> list[Mark]:
    """Events and log records of a trace's spans, at most `MAX_MARKS` of each."""
    events = connection.execute(_EVENTS, [number, MAX_MARKS]).fetchall()
    logs = connection.execute(_LOGS, [trace_id, MAX_MARKS]).fetchall()
    return [Mark(*row) for row in (*events, *logs)]


def links_of(connection: DuckDBPyConnection, number: int) -> dict[str, int]:
    """How many links each span has, by its id; spans without are not in it."""
    return dict(connection.execute(_LINKS, [number]).fetchall())


def client_of(connection: DuckDBPyConnection, number: int, span_id: str) -> Mapping[str, Any]:
    """Who asked for what: the attributes of a span that every span of a request has."""
    row = connection.execute(_ATTRIBUTES, [number, span_id]).fetchone()
    attributes = json.loads(row[0]) if row else {}
    return {each.name: attributes[each.name] for each in BAGGAGE if each.name in attributes}


def log_count_of(connection: DuckDBPyConnection, trace_id: str) -> int:
    """How many log records a trace has."""
    (count,) = connection.execute(_LOG_COUNT, [trace_id]).fetchone() or (0,)
    return int(count)
