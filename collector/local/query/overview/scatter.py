"""Durations over a number that requests have, such as `len_docs`: a point for each request."""

from collections.abc import Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.language.conditions import all_of, of_traces
from collector.local.query.model import Sample
from collector.local.query.overview.asked import Asked
from telemetry.errors import did_you_mean

AXES = {"len_docs": "len_docs", "hits": "hits", "spans": "span_count", "transit_ns": "transit_ns"}
MOST_POINTS, LONGEST = 600, 60


@dataclass(frozen=True)
class ScatterPoint:
    """One request."""

    trace_id: str
    start_unix_s: float
    x: int
    duration_ns: int
    """At the entry."""
    outcome: str


@dataclass(frozen=True)
class Scatter:
    """The points, by x and duration; of many requests a random part, always with the longest ones."""

    x: str
    points: Sequence[ScatterPoint]
    sample: Sample | None


_COUNT = f"SELECT count(*), list_min(max(entry_duration_ns, {LONGEST})) FROM traces WHERE {{condition}}"  # noqa: S608 (our own)
_POINT = "SELECT trace_id, start_unix_ns / 1e9, {x}, entry_duration_ns, outcome FROM traces WHERE {condition}"
_SOME = f"""
{_POINT} AND (entry_duration_ns >= ?::BIGINT OR hash(trace_no) % ?::UBIGINT = 0)
ORDER BY greatest(entry_duration_ns, ?::BIGINT - 1) DESC, hash(trace_no) LIMIT {MOST_POINTS}"""
"""The longest first, then any."""


def scatter(connection: DuckDBPyConnection, asked: Asked, x: str = "len_docs") -> Scatter:
    """The points of a range.

    Args:
        connection: to the store.
        asked: the range and the filters.
        x: one of `AXES`.
    """
    if x not in AXES:
        hint = did_you_mean(x, list(AXES)) or f"Use one of {', '.join(AXES)}."
        raise QueryError("bad_request", f"x={x!r} is not a number of requests.", hint)
    matching, values = entry_condition(asked)
    condition = f"{AXES[x]} IS NOT NULL AND entry_duration_ns IS NOT NULL AND {matching}"
    of, long = connection.execute(_COUNT.format(condition=condition), values).fetchone() or (0, None)
    sql, parameters = _POINT, values
    if of > MOST_POINTS:
        sql, parameters = _SOME, [*values, long, of // (MOST_POINTS - LONGEST), long]
    found = connection.execute(sql.format(x=AXES[x], condition=condition), parameters).fetchall()
    points = sorted((ScatterPoint(*row) for row in found), key=lambda point: (point.x, point.duration_ns))
    sample = Sample(len(points), of) if of > len(points) else None
    return Scatter(x, points, asked.scaled(sample, len(points)))


def entry_condition(asked: Asked) -> tuple[str, list[object]]:
    """The condition on `traces` that they match and entered at the operation that is asked for."""
    return all_of([asked.traces_but_operation(), of_traces(asked.wanted.entry)])
