"""Selects and deletes the oldest telemetry.

In: a cursor on the store, and a limit. Out: an `Expiry`, selected by any thread while others write; the writing thread
deletes its rows in one short transaction.

Age is counted from arrival, by the collector's clock (`ingested_unix_ns`): senders' clocks may be years off. Traces are
deleted as a whole: an expiry by age keeps a trace until its last span is too old; an expiry by size deletes those that
began before the limit, so that it frees enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import duckdb

from collector.local.store.schema import EXEMPLARS, LOGS, METRIC_POINTS, RESOURCES, SCOPES
from collector.local.store.spans.folding import subtract
from collector.local.store.spans.tables import (
    ATTRIBUTE_FILTERS,
    OF_TRACES,
    OPERATIONS,
    SPAN_MINUTE_PARTS,
    SPAN_MINUTE_ROWS,
    SPAN_ROWS,
    TRACE_PARTS,
    TRACE_ROWS,
)

BY_TIME = (METRIC_POINTS, EXEMPLARS, LOGS)
RECORDS = {"traces": SPAN_ROWS, "metrics": METRIC_POINTS, "logs": LOGS}
STEP_ROWS = 1_000_000
"""About how many rows of a table one step deletes: its transaction takes some hundredths of a second."""
SAMPLE_ROWS = 100_000
"""About how many rows are sampled to find when a share of a table had arrived."""

MANY_OPERATIONS = 10_000
"""More of them are looked through at each step."""

Expired = Mapping[str, int]
"""Deleted records by signal: spans, metric points and log records."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """What to delete."""

    before_unix_ns: int
    """Everything that arrived before this time."""
    whole: bool
    """Keep the traces that went on after it; else delete their later spans, too."""
    resources: tuple[int, ...] = ()
    """Resources that no record seems to refer to."""
    scopes: tuple[int, ...] = ()
    """The same for scopes."""


def by_age(cursor: duckdb.DuckDBPyConnection, limit_unix_ns: int, after_unix_ns: int) -> Expiry | None:
    """The first step of deleting what arrived before the limit; None if there is nothing.

    Args:
        cursor: on the store.
        limit_unix_ns: what arrived before this is too old.
        after_unix_ns: the end of the previous step, 0 at first: what that one kept is not examined again.
    """
    ends = []
    for table in (*OF_TRACES, *BY_TIME):
        found = cursor.execute(
            f"SELECT count(*) FROM {table.name} WHERE ingested_unix_ns >= ? AND ingested_unix_ns < ?",  # noqa: S608 (our names)
            [after_unix_ns, limit_unix_ns],
        ).fetchone()
        rows = int(found[0]) if found else 0
        if rows:
            end = limit_unix_ns
            if rows > STEP_ROWS:
                end = min(end, _arrival(cursor, table.name, STEP_ROWS / rows, rows, (after_unix_ns, limit_unix_ns)))
            ends.append(end)
    return Expiry(min(ends), whole=True) if ends else None


def by_share(cursor: duckdb.DuckDBPyConnection, share: float) -> Expiry | None:
    """Select about this share (0 to 1) of everything, the oldest; None if there is nothing.

    At most `STEP_ROWS` rows of the largest table, or the rows of one transaction if those are more.
    """
    counts = {table.name: _count(cursor, table.name) for table in (*OF_TRACES, *BY_TIME)}
    largest = max(counts, key=lambda name: counts[name])
    rows = counts[largest]
    if not rows:
        return None
    end = _arrival(cursor, largest, min(share, STEP_ROWS / rows), rows, (0, 2**63 - 1))
    return Expiry(end, whole=False)


def live_share(cursor: duckdb.DuckDBPyConnection) -> float:
    """The share of rows in the file's blocks that is not deleted; a checkpoint frees the blocks of the others."""
    counted = " UNION ALL ".join(
        f"SELECT count(*) AS live, coalesce(max(rowid) + 1, 0) AS held FROM {table.name}"  # noqa: S608 (our names)
        for table in (*OF_TRACES, *BY_TIME)
    )
    row = cursor.execute(f"SELECT sum(live), sum(greatest(live, held)) FROM ({counted})").fetchone()  # noqa: S608
    return float(row[0]) / float(row[1]) if row and row[1] else 1.0


def unused(cursor: duckdb.DuckDBPyConnection, before_unix_ns: int) -> Expiry | None:
    """Old resources and scopes that no record refers to; None if there are none."""
    resources, scopes = (
        tuple(
            int(row[0])
            for row in cursor.execute(
                f"SELECT {key} FROM {table.name} WHERE ingested_unix_ns < ? AND {_unreferenced(key)}",  # noqa: S608
                [before_unix_ns],
            ).fetchall()
        )
        for table, key in ((RESOURCES, "resource_id"), (SCOPES, "scope_id"))
    )
    return Expiry(0, True, resources, scopes) if resources or scopes else None


def delete(cursor: duckdb.DuckDBPyConnection, what: Expiry) -> tuple[Expired, list[int]]:
    """Delete all of it or nothing, in the writing thread. If it raises `duckdb.Error`, nothing was deleted.

    Returns:
        How many records of each signal, and the numbers of the traces.
    """
    cursor.begin()
    try:
        gone, traces = _delete_traces(cursor, what)
        for table in BY_TIME:
            gone[table.name] = _run(cursor, f"DELETE FROM {table.name} WHERE ingested_unix_ns < ?", what.before_unix_ns)  # noqa: S608
        for table, key, ids in ((RESOURCES, "resource_id", what.resources), (SCOPES, "scope_id", what.scopes)):
            if ids:  # checked again: what was stored since may refer to one
                sql = f"DELETE FROM {table.name} WHERE {key} IN (SELECT unnest(?::BIGINT[])) AND {_unreferenced(key)}"  # noqa: S608
                _run(cursor, sql, list(ids))
        cursor.commit()
    except BaseException:
        with suppress(duckdb.Error):
            cursor.rollback()
        raise
    return {signal: gone[table.name] for signal, table in RECORDS.items()}, traces


def _delete_traces(cursor: duckdb.DuckDBPyConnection, what: Expiry) -> tuple[dict[str, int], list[int]]:
    if what.whole:
        going = (
            f"SELECT trace_no FROM {TRACE_ROWS.name} WHERE last_ingested_unix_ns < $before "  # noqa: S608 (our names)
            f"UNION SELECT trace_no FROM {TRACE_PARTS.name} GROUP BY trace_no "
            "HAVING max(last_ingested_unix_ns) < $before"
        )
    else:
        going = f"SELECT DISTINCT trace_no FROM {SPAN_ROWS.name} WHERE ingested_unix_ns < $before"  # noqa: S608
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE going AS {going}", {"before": what.before_unix_ns})
    traces = [int(row[0]) for row in cursor.execute("SELECT trace_no FROM going").fetchall()]
    gone = {table.name: 0 for table in OF_TRACES}
    if traces:
        subtract(cursor, "going")
        for table in (*OF_TRACES, TRACE_ROWS, TRACE_PARTS):
            gone[table.name] = _run(
                cursor,
                f"DELETE FROM {table.name} WHERE trace_no IN (SELECT trace_no FROM going)",  # noqa: S608
            )
        cursor.execute(
            f"DELETE FROM {ATTRIBUTE_FILTERS.name} WHERE segment_no < "  # noqa: S608
            f"(SELECT coalesce(min(segment_no), 0) FROM {SPAN_ROWS.name})"
        )
        _delete_operations(cursor)
    cursor.execute("DROP TABLE going")
    return gone, traces


def _delete_operations(cursor: duckdb.DuckDBPyConnection) -> None:
    """Delete those that no span has, once they are many: names may be without bound."""
    if _count(cursor, OPERATIONS.name) > MANY_OPERATIONS:
        used = " UNION ALL ".join(
            f"SELECT operation_no FROM {table.name}"  # noqa: S608 (our names)
            for table in (SPAN_ROWS, SPAN_MINUTE_ROWS, SPAN_MINUTE_PARTS)
        )
        cursor.execute(f"DELETE FROM {OPERATIONS.name} WHERE operation_no NOT IN ({used})")  # noqa: S608


def _arrival(cursor: duckdb.DuckDBPyConnection, table: str, share: float, rows: int, interval: tuple[int, int]) -> int:
    """Just after the time when this share of a table's rows in the interval had arrived."""
    every = max(1, rows // SAMPLE_ROWS)
    row = cursor.execute(
        f"SELECT quantile_disc(ingested_unix_ns, ?) FROM {table} "  # noqa: S608 (our names)
        "WHERE ingested_unix_ns >= ? AND ingested_unix_ns < ? AND rowid % ? = 0",
        [share, *interval, every],
    ).fetchone()
    return interval[1] if row is None or row[0] is None else int(row[0]) + 1


def _unreferenced(key: str) -> str:
    used = " UNION ALL ".join(f"SELECT {key} FROM {table.name}" for table in RECORDS.values())  # noqa: S608 (our names)
    return f"{key} NOT IN ({used})"


def _count(cursor: duckdb.DuckDBPyConnection, table: str) -> int:
    row = cursor.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 (our names)
    return int(row[0]) if row else 0


def _run(cursor: duckdb.DuckDBPyConnection, sql: str, *parameters: object) -> int:
    row = cursor.execute(sql, list(parameters)).fetchone()
    return int(row[0]) if row else 0
