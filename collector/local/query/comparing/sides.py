"""Chooses the traces of one side of a comparison.

In: what a side is (`slow`, `typical`, `failing`, `version:…`, `region:…`, `platform:…`, or a trace), and the filter of
the view. Out: a stable sample of ids, and of how many. No state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.language.conditions import Condition, all_of, of_traces
from collector.local.query.language.terms import Term
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.lookup.listing import find_trace
from collector.local.query.lookup.numbers import numbers_by_id
from telemetry.errors import did_you_mean

MOST_TRACES: Final = 200
MOST_SPANS: Final = 20_000
"""Of one side: a comparison stays under a second."""
_COLUMNS: Final = ("version", "region", "platform")
_SIDES: Final = {
    "slow": "took >= (SELECT quantile_disc(took, 0.95) FROM matching)",
    "typical": """error_count = 0 AND took BETWEEN (SELECT quantile_disc(took, 0.25) FROM matching)
        AND (SELECT quantile_disc(took, 0.75) FROM matching)""",
    "failing": "error_count > 0",
}
_SAMPLED = """
WITH matching AS MATERIALIZED (
    SELECT trace_no, trace_id, span_count, error_count, versions, region, platform,
        coalesce(client_duration_ns, duration_ns) AS took FROM traces WHERE {condition}
), side AS (
    SELECT trace_no, trace_id, span_count, count(*) OVER () AS of, hash(trace_id) AS place FROM matching WHERE {side}
)
SELECT trace_no, trace_id, of, sum(span_count) OVER (ORDER BY place, trace_id) AS spans FROM side
QUALIFY row_number() OVER (ORDER BY place, trace_id) <= {most}
"""


@dataclass(frozen=True)
class Side:
    """The traces of one side."""

    label: str
    traces: Mapping[int, str]
    """Their ids, by number."""
    of: int
    """How many there are; these are a sample of them, the same each time."""


def side_of(connection: DuckDBPyConnection, name: str, text: str | None, wanted: TraceFilter) -> Side:
    """The traces of one side.

    Args:
        connection: to the store.
        name: of the parameter, `left` or `right`.
        text: what the side is.
        wanted: the traces of which it is taken, if it is not one trace.

    Raises:
        QueryError: it is none of these, or no trace is of it.
    """
    word, colon, value = (text or "").partition(":")
    if word in _SIDES and not colon:
        side: Condition = (_SIDES[word], [])
    elif word in _COLUMNS and value:
        side = of_traces([Term(word, "=", (value,))])
    else:
        return _one(connection, name, text)
    condition, values = _entering(wanted)
    found = _sampled(connection, (condition, values), side)
    if not found and wanted.operation:  # it is not one that a client calls, but is inside of others
        found = _sampled(connection, wanted.condition(), side)
    if not found:
        message = f"No trace is on the {name} side, {text}."
        raise QueryError("not_found", message, "Choose a longer time, or other traces.")
    few = {number: trace_id for number, trace_id, _, spans in found if spans <= MOST_SPANS}
    return Side(text or "", few or {found[0][0]: found[0][1]}, found[0][2])


def _entering(wanted: TraceFilter) -> Condition:
    """The condition on traces that enter by the operation: it needs no spans."""
    return all_of([wanted.without_operation().condition(), of_traces(wanted.entry)])


def _sampled(connection: DuckDBPyConnection, matching: Condition, side: Condition) -> list[tuple[int, str, int, int]]:
    sql = _SAMPLED.format(condition=matching[0], side=side[0], most=MOST_TRACES)
    return connection.execute(sql, [*matching[1], *side[1]]).fetchall()


def _one(connection: DuckDBPyConnection, name: str, text: str | None) -> Side:
    """A side that is one trace."""
    try:
        trace_id = find_trace(connection, text or "")
    except QueryError as error:
        if error.code != "bad_request":
            raise
        kinds = [*_SIDES, *(f"{column}:…" for column in _COLUMNS)]
        hint = did_you_mean(text or "", kinds) or f"Use a trace id, {', '.join(kinds)}."
        raise QueryError("bad_request", f"{name}={text or ''!r} is not a side of a comparison.", hint) from error
    return Side(trace_id, dict.fromkeys(numbers_by_id(connection, [trace_id]), trace_id), 1)
