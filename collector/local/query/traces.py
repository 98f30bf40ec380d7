"""Lists traces, latest first, and finds one by the beginning of its id."""

import re

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.cursor import decode, encode
from collector.local.query.filters import BEGAN, FIRST, TraceFilter
from collector.local.query.model import Page, TraceRow
from telemetry.errors import did_you_mean

# The start of a trace is that of its first span. Its root is its earliest span without a parent, else its earliest one;
# only the roots of the page's traces are looked up, which halves the time.
_TRACES = """
WITH page AS (
    SELECT trace_id, {first} AS start, max(greatest(start_unix_ns, end_unix_ns)) - {first} AS duration,
           count(*) AS span_count, count_if(status = 'error') AS error_count, count_if(end_unix_ns = 0) AS open_count,
           count_if(start_unix_ns = 0 OR (end_unix_ns <> 0 AND end_unix_ns < start_unix_ns)) AS untimed_count
    FROM spans WHERE {condition} GROUP BY trace_id
    HAVING duration >= ? AND start BETWEEN ? AND ? AND (? IS NULL OR (start, trace_id) < (?, ?))
    ORDER BY start DESC, trace_id DESC LIMIT ?
), roots AS (
    SELECT trace_id, arg_min((service, name), (parent_span_id IS NOT NULL, {began}, span_id)) AS root
    FROM spans WHERE trace_id IN (SELECT trace_id FROM page) GROUP BY trace_id
)
SELECT trace_id, root[1], root[2], start, duration, span_count, error_count, open_count, untimed_count
FROM page JOIN roots USING (trace_id) ORDER BY start DESC, trace_id DESC
"""

_FIND = "SELECT DISTINCT trace_id FROM {table} WHERE starts_with(trace_id, ?) ORDER BY trace_id LIMIT 3"


def traces(
    connection: DuckDBPyConnection, wanted: TraceFilter, limit: int = 100, before: str | None = None
) -> Page[TraceRow]:
    """The traces that match, latest first.

    Args:
        connection: to the store.
        wanted: the filter.
        limit: rows at most.
        before: the cursor of the previous page.
    """
    condition, parameters = wanted.condition()
    last = decode(before, int, str)
    sql = _TRACES.format(condition=condition, began=BEGAN, first=FIRST)
    parameters += [*_bounds(wanted), last[0], *last, limit + 1]
    found = connection.execute(sql, parameters).fetchall()
    rows = [TraceRow(*row) for row in found[:limit]]
    return Page(rows, encode(rows[-1].start_unix_ns, rows[-1].trace_id) if len(found) > limit else None)


def rows_of(connection: DuckDBPyConnection, ids: list[str], wanted: TraceFilter, limit: int) -> list[TraceRow]:
    """The traces with these ids that match, latest first."""
    condition, parameters = wanted.condition()
    sql = _TRACES.format(condition=f"list_contains(?, trace_id) AND {condition}", began=BEGAN, first=FIRST)
    found = connection.execute(sql, [ids, *parameters, *_bounds(wanted), None, None, None, limit]).fetchall()
    return [TraceRow(*row) for row in found]


def _bounds(wanted: TraceFilter) -> list[int]:
    return [wanted.min_duration_ns, wanted.since_ns, wanted.until_ns]


def find_trace(connection: DuckDBPyConnection, name: str, *, with_logs: bool = False) -> str:
    """The id of the trace that `name` means.

    Args:
        connection: to the store.
        name: an id, the beginning of one, or `last`: the latest trace that is not a batch.
        with_logs: also accept a trace with log records only, and a complete id without any record.

    Raises:
        QueryError: there is none, or several ids begin with it.
    """
    if name == "last":
        return _last(connection)
    if not re.fullmatch("[0-9a-fA-F]{1,32}", name):
        hint = did_you_mean(name, ["last"]) or "Use up to 32 hexadecimal digits, or `last`."
        raise QueryError("bad_request", f"{name!r} is not a trace id.", hint)
    name = name.lower()
    found = connection.execute(_FIND.format(table="spans"), [name]).fetchall()
    if not found and with_logs:
        found = connection.execute(_FIND.format(table="logs"), [name]).fetchall() or [(name,)] * (len(name) == 32)
    if not found:
        what = "span or log record" if with_logs else "span"
        raise QueryError("not_found", f"There is no {what} of trace {name}.", "List the traces: telemetry traces.")
    if len(found) > 1:
        examples = " and ".join(row[0] for row in found[:2])
        raise QueryError("ambiguous", f"Several traces begin with {name}: {examples}.", "Use more digits of the id.")
    return str(found[0][0])


def _last(connection: DuckDBPyConnection) -> str:
    latest = traces(connection, TraceFilter(), limit=1).rows
    if not latest:
        hint = "Send a request to an instrumented service. List batches: telemetry traces --batches."
        raise QueryError("not_found", "There is no trace yet, except batches.", hint)
    return latest[0].trace_id
