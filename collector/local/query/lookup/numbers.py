"""Traces by number: how the spans of some traces are read without a look at all others.

A store keeps the spans of a trace under its number, which is about in the order of arrival; ids are in summaries only.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.query.model import Sample, TraceRow
from collector.local.store.views import FOLDED_TRACES, OF_ID_KEY, OPEN_TRACES

OF_NUMBERS = "trace_no IN (SELECT unnest(?::BIGINT[]))"
"""Spans of these traces; the parameter is a list of numbers."""

_HEXADECIMAL = re.compile("[0-9a-f]{32}")
_OF_ROWS = """
SELECT trace_no, trace_id FROM traces WHERE start_unix_ns BETWEEN ? AND ? AND list_contains(?::VARCHAR[], trace_id)
"""


_BY_KEY = "SELECT trace_no, trace_id FROM trace_ids WHERE id_key IN (SELECT unnest(?::UINTEGER[]))"
_BEGINS = "SELECT trace_id FROM trace_ids WHERE id_key BETWEEN ? AND ? ORDER BY trace_id LIMIT ?"
KEY_DIGITS = 8
"""The first digits of an id by which it is found."""


def numbers_by_id(connection: DuckDBPyConnection, trace_ids: Sequence[str]) -> list[int]:
    """The numbers of traces that are in the store: queries of spans are much faster by these than by ids."""
    wanted = set(trace_ids)
    keys = list({int(text[:KEY_DIGITS], 16) for text in wanted if _HEXADECIMAL.fullmatch(text)})
    return [int(number) for number, trace_id in _by_key(connection, keys) if trace_id in wanted]


def number_of(connection: DuckDBPyConnection, trace_id: str) -> int:
    """The number of a trace; -1 if it is not in the store."""
    return next(iter(numbers_by_id(connection, [trace_id])), -1)


def within(counts: Mapping[int, int], most: int) -> list[int]:
    """Those of some traces that have no more than so many spans together, the first ones first.

    Args:
        counts: how many spans each trace has, by its number.
        most: spans at most.
    """
    numbers: list[int] = []
    for number, count in counts.items():
        if count <= most:
            numbers.append(number)
            most -= count
    return numbers


def ids_beginning(connection: DuckDBPyConnection, digits: str, most: int) -> list[str]:
    """The ids of traces that begin with some hexadecimal digits, in order."""
    if len(digits) >= KEY_DIGITS:  # few ids have the same key
        found = _by_key(connection, [int(digits[:KEY_DIGITS], 16)])
        return sorted(trace_id for _, trace_id in found if trace_id.startswith(digits))[:most]
    least, greatest = int(digits.ljust(KEY_DIGITS, "0"), 16), int(digits.ljust(KEY_DIGITS, "f"), 16)
    return [str(text) for (text,) in connection.execute(_BEGINS, [least, greatest, most]).fetchall()]


def _by_key(connection: DuckDBPyConnection, keys: Sequence[int]) -> list[tuple[int, str]]:
    """The traces with these keys; a condition on the ids as well would read all of them."""
    if len(keys) == 1:
        found = connection.execute(OF_ID_KEY, [keys[0], f"{keys[0]:0{KEY_DIGITS}x}"]).fetchall()
        return list(dict.fromkeys(found))  # a trace that is not folded has several rows
    return connection.execute(_BY_KEY, [list(keys)]).fetchall() if keys else []


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

    Args: as of `latest_rows`.
    """
    rows, sample = latest_rows(connection, "trace_no, span_count", condition, values, most)
    return {int(number): int(count) for number, count in rows}, sample


def latest_rows(  # noqa: PLR0917  a condition and its parameters are one thing
    connection: DuckDBPyConnection, columns: str, condition: str, values: list[Any], most: int, of_open: str = "true"
) -> tuple[list[tuple[Any, ...]], Sample | None]:
    """The latest traces with a condition; and of how many they are, if there are more.

    If there are more, these are traces of which no span has come for some seconds: the others need not be summed up.

    Args:
        connection: to the store.
        columns: of `traces`.
        condition: on `traces`.
        values: its parameters.
        most: traces at most.
        of_open: a condition on the columns of `trace_parts` that a part of each trace that is not folded has.
    """
    rows: list[tuple[Any, ...]] = []
    for traces in (FOLDED_TRACES, "traces"):
        if traces == "traces" and not connection.execute(f"{OPEN_TRACES} WHERE {of_open} LIMIT 1").fetchone():
            break
        # Not `count(*) OVER ()`, which reads what is listed of all traces.
        sql = f"SELECT {columns} FROM {traces} WHERE {condition} ORDER BY start_unix_ns DESC LIMIT {most}"  # noqa: S608 (our own names)
        rows = connection.execute(sql, values).fetchall()
        if len(rows) == most:
            counted = connection.execute(f"SELECT count(*) FROM {traces} WHERE {condition}", values).fetchone()  # noqa: S608 (as above)
            of = int(counted[0]) if counted else 0
            if of > most:
                return rows, Sample(most, of)
    return rows, None
