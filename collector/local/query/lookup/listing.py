"""Lists traces, latest first, and finds one by the beginning of its id."""

import re
from dataclasses import fields, replace
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.cursor import decode, encode
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.lookup.numbers import ids_beginning
from collector.local.query.lookup.paging import windows
from collector.local.query.model import Page, TraceRow
from telemetry.errors import did_you_mean

_TRACES = f"""
SELECT {", ".join(field.name for field in fields(TraceRow))} FROM traces
WHERE {{condition}} AND (? IS NULL OR ({{column}}, trace_id) < (?, ?)) ORDER BY {{column}} DESC, trace_id DESC LIMIT ?
"""  # noqa: S608 (our own names)
ORDERS = {"start": "start_unix_ns", "duration": "duration_ns"}
"""What a list is sorted by, the largest first."""

_FIND = "SELECT DISTINCT trace_id FROM logs WHERE starts_with(trace_id, ?) ORDER BY trace_id LIMIT 3"


def traces(
    connection: DuckDBPyConnection,
    wanted: TraceFilter,
    limit: int = 100,
    before: str | None = None,
    order: str = "start",
) -> Page[TraceRow]:
    """The traces that match, latest first.

    Args:
        connection: to the store.
        wanted: the filter.
        limit: rows at most.
        before: the cursor of the previous page.
        order: one of `ORDERS`; `duration`: the longest first.
    """
    last = decode(before, int, str)
    by_time = order == "start"
    if by_time and last[0] is not None:
        wanted = replace(wanted, until_ns=min(wanted.until_ns, last[0]))
    found: list[tuple[Any, ...]] = []
    for window in windows(connection, wanted, by_time=by_time):
        condition, parameters = window.condition(wanted)
        sql = _TRACES.format(condition=condition, column=ORDERS[order])
        found += connection.execute(sql, [*parameters, last[0], *last, limit + 1 - len(found)]).fetchall()
        if len(found) > limit:
            break
    rows = [TraceRow(*row) for row in found[:limit]]
    if len(found) <= limit:
        return Page(rows)
    end = rows[-1]
    return Page(rows, encode(end.start_unix_ns if order == "start" else end.duration_ns, end.trace_id))


def rows_of(connection: DuckDBPyConnection, ids: list[str], wanted: TraceFilter, limit: int) -> list[TraceRow]:
    """The traces with these ids that match, latest first."""
    condition, parameters = wanted.condition()
    sql = _TRACES.format(condition=f"list_contains(?, trace_id) AND {condition}", column=ORDERS["start"])
    found = connection.execute(sql, [ids, *parameters, None, None, None, limit]).fetchall()
    return [TraceRow(*row) for row in found]


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
    found = ids_beginning(connection, name, 3)
    if not found and with_logs:
        found = [str(row[0]) for row in connection.execute(_FIND, [name]).fetchall()] or [name] * (len(name) == 32)
    if not found:
        what = "span or log record" if with_logs else "span"
        raise QueryError("not_found", f"There is no {what} of trace {name}.", "List the traces: telemetry traces.")
    if len(found) > 1:
        examples = " and ".join(found[:2])
        raise QueryError("ambiguous", f"Several traces begin with {name}: {examples}.", "Use more digits of the id.")
    return found[0]


def trace_named(connection: DuckDBPyConnection, name: str) -> str:
    """As `find_trace`, but a whole id is returned without a look into the store: what is asked next finds out.

    Raises:
        QueryError: as there.
    """
    return name.lower() if re.fullmatch("[0-9a-fA-F]{32}", name) else find_trace(connection, name)


def _last(connection: DuckDBPyConnection) -> str:
    latest = traces(connection, TraceFilter(), limit=1).rows
    if not latest:
        hint = "Send a request to an instrumented service. List batches: telemetry traces --batches."
        raise QueryError("not_found", "There is no trace yet, except batches.", hint)
    return latest[0].trace_id
