"""Reads requests from the view `traces`: those of a time, and those of the same length of time before.

In: a filter of traces. Out: requests as `collector.analysis.suspects.problems` needs them, a stable sample if
there are many.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from duckdb import DuckDBPyConnection

from collector.analysis.suspects.candidates import STAGE
from collector.analysis.suspects.problems import Request
from collector.local.query.language.conditions import EVERY_SPAN, all_of
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.lookup.matching import matching
from collector.local.query.lookup.numbers import OF_NUMBERS

MOST_REQUESTS = 3000
"""Of each of the two times, about."""
BLOCK = 64
"""Requests that follow each other are chosen together: their spans lie together in the store."""

_SPANS_OF = """
    SELECT trace_no, max(greatest(end_unix_ns - start_unix_ns, 0)) AS took FROM span_facts
    WHERE (? IS NULL OR name = ?) AND (? IS NULL OR service = ?) AND trace_no IN (SELECT trace_no FROM chosen)
    GROUP BY trace_no
"""
_REQUESTS = f"""
WITH chosen AS (SELECT * FROM traces WHERE {{condition}})
SELECT trace_no, entry_service || '{STAGE}' || entry_operation, {{inside}}, transit_ns, outcome,
       coalesce(len_docs = 0, false), {{waited}}
FROM chosen {{spans}} ORDER BY trace_no
"""  # noqa: S608 (our own text)
_ENTRY = "(? IS NULL OR entry_operation = ?) AND (? IS NULL OR entry_service = ?)"
_IN_RANGE = "SELECT count(*) FROM traces WHERE start_unix_ns BETWEEN ? AND ?"
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
    bare = wanted.without_operation()
    found = matching(connection, bare, _in_range(connection, wanted)) if bare.of_spans else None
    condition, parameters = found.condition(bare) if found else bare.condition()
    inside, waited, spans, of_spans = "entry_duration_ns", "client_duration_ns", "", list[Any]()
    of, entering = _counts(connection, condition, [*entry, *parameters])
    if entering:
        condition, parameters, of = f"({condition}) AND {_ENTRY}", [*parameters, *entry], entering
    elif wanted.operation is not None or wanted.service is not None:
        having = TraceFilter(operation=wanted.operation, service=wanted.service, batches=True)
        among = (OF_NUMBERS, [found.numbers]) if found else EVERY_SPAN
        condition, parameters = all_of([(condition, parameters), having.condition(among)])
        inside, waited, spans, of_spans = "took", "NULL", f"JOIN ({_SPANS_OF}) USING (trace_no)", entry
        of, _ = _counts(connection, condition, [*entry, *parameters])
    every = -(-of // most) or 1
    # Blocks of a sample are counted by their place in it, others by their number.
    blocks = sorted({number // BLOCK for number in found.numbers})[::every] if found else None
    some = (
        f"trace_no // {BLOCK} % {every} = 0"
        if blocks is None
        else f"trace_no // {BLOCK} IN (SELECT unnest(?::BIGINT[]))"
    )
    sql = _REQUESTS.format(condition=f"({condition}) AND {some}", inside=inside, waited=waited, spans=spans)
    values = [*parameters, *([] if blocks is None else [blocks]), *of_spans]
    rows = [Request(*row) for row in connection.execute(sql, values).fetchall()]
    return Requests(rows, of * (found.share if found else 1))


def _in_range(connection: DuckDBPyConnection, wanted: TraceFilter) -> int:
    row = connection.execute(_IN_RANGE, [wanted.since_ns, wanted.until_ns]).fetchone()
    return int(row[0]) if row else 0


def _counts(connection: DuckDBPyConnection, condition: str, parameters: list[Any]) -> tuple[int, int]:
    """How many requests match, and how many of these enter at the operation."""
    every, entering = connection.execute(_COUNT.format(condition=condition), parameters).fetchone() or (0, 0)
    return int(every), int(entering)


def before(wanted: TraceFilter) -> TraceFilter:
    """The same filter for the same length of time before."""
    length = max(wanted.until_ns - wanted.since_ns, 1)
    return replace(wanted, since_ns=max(wanted.since_ns - length, 0), until_ns=wanted.since_ns - 1)
