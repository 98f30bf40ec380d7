"""Selects and deletes the oldest telemetry.

In: a cursor on the store, and a limit. Out: an `Expiry`, selected by any thread while others write; the writing thread
deletes its rows in one short transaction.

Age is counted from arrival, by the collector's clock (`ingested_unix_ns`): senders' clocks may be years off. Traces are
deleted as a whole. For traces with spans on both sides of the limit, `crossing`, an expiry by age keeps all spans, so
that a trace is deleted when its last span is too old; an expiry by size deletes all, so that it frees enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import duckdb

from collector.local.store.schema import (
    EXEMPLARS,
    LOGS,
    METRIC_POINTS,
    RESOURCES,
    SCOPES,
    SPAN_EVENTS,
    SPAN_LINKS,
    SPANS,
)

OF_TRACES = (SPANS, SPAN_EVENTS, SPAN_LINKS)
BY_TIME = (METRIC_POINTS, EXEMPLARS, LOGS)
RECORDS = {"traces": SPANS, "metrics": METRIC_POINTS, "logs": LOGS}
STEP_ROWS = 1_000_000
"""About how many rows of a table one step deletes: its transaction takes some hundredths of a second."""
SAMPLE_ROWS = 100_000
"""About how many rows are sampled to find when a share of a table had arrived."""

Expired = Mapping[str, int]
"""Deleted records by signal: spans, metric points and log records."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """What to delete."""

    before_unix_ns: int
    """Everything that arrived before this time, except `crossing` if they are kept."""
    crossing: tuple[str, ...]
    """Traces with spans before and after the limit."""
    crossing_end_unix_ns: int
    """When the last of their spans arrived."""
    keep_crossing: bool
    """Whether they are kept, or deleted."""
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
    return _expiry(cursor, min(ends), keep_crossing=True) if ends else None


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
    return _expiry(cursor, end, keep_crossing=False)


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
    return Expiry(0, (), 0, True, resources, scopes) if resources or scopes else None


def delete(cursor: duckdb.DuckDBPyConnection, what: Expiry) -> Expired:
    """Delete all of it or nothing, in the writing thread. If it raises `duckdb.Error`, nothing was deleted."""
    cursor.begin()
    try:
        gone = {table.name: _delete_rows(cursor, table.name, what) for table in OF_TRACES}
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
    return {signal: gone[table.name] for signal, table in RECORDS.items()}


def _delete_rows(cursor: duckdb.DuckDBPyConnection, table: str, what: Expiry) -> int:
    """Delete rows of traces. Conditions on the time come first, so that DuckDB skips the rest of the table."""
    old = f"DELETE FROM {table} WHERE ingested_unix_ns < ?"  # noqa: S608 (our names)
    crossing = "(SELECT unnest(?::VARCHAR[]))"
    if not what.crossing:
        return _run(cursor, old, what.before_unix_ns)
    if what.keep_crossing:
        return _run(cursor, f"{old} AND trace_id NOT IN {crossing}", what.before_unix_ns, list(what.crossing))
    gone = _run(cursor, old, what.before_unix_ns)
    return gone + _run(cursor, f"{old} AND trace_id IN {crossing}", what.crossing_end_unix_ns + 1, list(what.crossing))


def _expiry(cursor: duckdb.DuckDBPyConnection, before_unix_ns: int, *, keep_crossing: bool) -> Expiry:
    crossing = cursor.execute(
        "SELECT trace_id, max(ingested_unix_ns) FROM spans WHERE ingested_unix_ns >= $before AND trace_id IN "
        "(SELECT trace_id FROM spans WHERE ingested_unix_ns < $before) GROUP BY trace_id",
        {"before": before_unix_ns},
    ).fetchall()
    end = max((int(last) for _, last in crossing), default=0)
    return Expiry(before_unix_ns, tuple(str(trace_id) for trace_id, _ in crossing), end, keep_crossing)


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
