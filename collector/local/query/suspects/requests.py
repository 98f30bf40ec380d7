"""Reads requests from the view `traces`: those of a time, and those of the same length of time before.

In: a filter of traces. Out: requests as `collector.analysis.suspects.problems` needs them, a stable sample if
there are many.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from duckdb import DuckDBPyConnection

from collector.analysis.suspects.problems import Request
from collector.local.query.lookup.filters import TraceFilter

MOST_REQUESTS = 3000
"""Of each of the two times, about."""
BLOCK = 64
"""Requests that follow each other are chosen together: their spans lie together in the store."""

_SPANS_OF = """
    SELECT trace_no, max(greatest(end_unix_ns - start_unix_ns, 0)) AS took FROM span_facts
    WHERE (? IS NULL OR name = ?) AND (? IS NULL OR service = ?) AND trace_no IN (SELECT trace_no FROM chosen)
    GROUP BY trace_no
"""
_REQUESTS = """
WITH chosen AS (SELECT * FROM traces WHERE ({condition}) AND trace_no // {block} % {every} = 0)
SELECT trace_no, entry_service || ' › ' || entry_operation, {inside}, transit_ns, outcome,
       coalesce(len_docs = 0, false), {waited}
FROM chosen {spans} ORDER BY trace_no
"""
_ENTRY = "(? IS NULL OR entry_operation = ?) AND (? IS NULL OR entry_service = ?)"
_COUNT = f"SELECT count(*), count(*) FILTER ({_ENTRY}) FROM traces WHERE {{condition}}"  # noqa: S608 (our own text)


@dataclass(frozen=True)
class Requests:
    """Some requests, and how many there are."""

    rows: Sequence[Request]
    of: int


def requests(connection: DuckDBPyConnection, wanted: TraceFilter, most: int = MOST_REQUESTS) -> Requests:
    """The requests that match.

    If the filter names an operation that is an entry, the requests are those that enter there; of another operation,
    all with such a span, whose duration is then that of the span.

    Args:
        connection: to the store.
        wanted: the filter.
        most: about so many are read.
    """
    entry = [wanted.operation, wanted.operation, wanted.service, wanted.service]
    condition, parameters = wanted.without_operation().condition()
    inside, waited, spans, of_spans = "entry_duration_ns", "client_duration_ns", "", list[Any]()
    of, entering = _counts(connection, condition, [*entry, *parameters])
    if entering:
        condition, parameters, of = f"({condition}) AND {_ENTRY}", [*parameters, *entry], entering
    elif wanted.operation is not None or wanted.service is not None:
        condition, parameters = wanted.condition()
        inside, waited, spans, of_spans = "took", "NULL", f"JOIN ({_SPANS_OF}) USING (trace_no)", entry
        of, _ = _counts(connection, condition, [*entry, *parameters])
    every = -(-of // most) or 1
    columns = {"inside": inside, "waited": waited}
    sql = _REQUESTS.format(condition=condition, block=BLOCK, every=every, spans=spans, **columns)
    return Requests([Request(*found) for found in connection.execute(sql, [*parameters, *of_spans]).fetchall()], of)


def _counts(connection: DuckDBPyConnection, condition: str, parameters: list[Any]) -> tuple[int, int]:
    """How many requests match, and how many of these enter at the operation."""
    every, entering = connection.execute(_COUNT.format(condition=condition), parameters).fetchone() or (0, 0)
    return int(every), int(entering)


def before(wanted: TraceFilter) -> TraceFilter:
    """The same filter for the same length of time before."""
    length = max(wanted.until_ns - wanted.since_ns, 1)
    return replace(wanted, since_ns=max(wanted.since_ns - length, 0), until_ns=wanted.since_ns - 1)
