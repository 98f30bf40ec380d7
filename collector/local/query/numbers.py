"""Traces by number: how the spans of some traces are read without a look at all others.

A store keeps the spans of a trace under its number, which is about in the order of arrival; ids are in summaries only.
"""

from collections.abc import Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.query.model import Sample, TraceRow

OF_NUMBERS = "trace_no IN (SELECT unnest(?::BIGINT[]))"
"""Spans of these traces; the parameter is a list of numbers."""

_OF_ROWS = """
SELECT trace_no, trace_id FROM traces WHERE start_unix_ns BETWEEN ? AND ? AND list_contains(?::VARCHAR[], trace_id)
"""


def numbers_of(connection: DuckDBPyConnection, rows: Sequence[TraceRow]) -> dict[str, int]:
    """The numbers of some traces, by id."""
    if not rows:
        return {}
    starts = [row.start_unix_ns for row in rows]
    values = [min(starts), max(starts), [row.trace_id for row in rows]]
    return {trace_id: int(number) for number, trace_id in connection.execute(_OF_ROWS, values).fetchall()}


def latest(
    connection: DuckDBPyConnection, condition: str, values: list[Any], most: int
) -> tuple[dict[int, int], Sample | None]:
    """The numbers of the latest traces with a condition, each with its count of spans; of how many, if there are more.

    Args:
        connection: to the store.
        condition: on `traces`.
        values: its parameters.
        most: traces at most.
    """
    sql = f"SELECT trace_no, span_count FROM traces WHERE {condition} ORDER BY start_unix_ns DESC LIMIT {most}"  # noqa: S608
    found = {int(number): int(count) for number, count in connection.execute(sql, values).fetchall()}
    if len(found) < most:
        return found, None
    counted = connection.execute(f"SELECT count(*) FROM traces WHERE {condition}", values).fetchone()  # noqa: S608
    of = int(counted[0]) if counted else len(found)
    return found, Sample(len(found), of) if of > len(found) else None
