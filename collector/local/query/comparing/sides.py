"""Chooses the traces of one side of a comparison.

In: what a side is (`slow`, `typical`, `failing`, `version:…`, `region:…`, `platform:…`, or a trace), and the filter of
the view. Out: a stable sample of ids, and of how many. No state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.language.conditions import Condition, all_of, of_traces
from collector.local.query.language.terms import Term
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.lookup.listing import find_trace
from collector.local.query.lookup.numbers import OF_NUMBERS, numbers_by_id
from telemetry.errors import did_you_mean

MOST_TRACES: Final = 200
MOST_SPANS: Final = 20_000
"""Of one side: a comparison stays under a second."""
_COLUMNS: Final = ("version", "region", "platform")
_TOOK: Final = "coalesce(client_duration_ns, duration_ns)"
_SIDES: Final[dict[str, tuple[str, list[float]]]] = {
    "slow": (f"{_TOOK} >= ?", [0.95]),
    "typical": (f"error_count = 0 AND {_TOOK} BETWEEN ? AND ?", [0.25, 0.75]),
    "failing": ("error_count > 0", []),
}
"""A condition, and which quantiles of the time that all took are its parameters."""
_QUANTILES = f"SELECT quantile_disc({_TOOK}, ?) FROM traces WHERE {{condition}}"  # noqa: S608 (our own names)
_COUNT = "SELECT count(*) FROM traces WHERE {condition}"
_SAMPLED = "SELECT trace_no, span_count FROM traces WHERE {condition} ORDER BY hash(trace_no), trace_no LIMIT {most}"
_IDS = f"SELECT trace_no, trace_id FROM traces WHERE {OF_NUMBERS}"  # noqa: S608 (our own names)


@dataclass(frozen=True)
class Side:
    """The traces of one side."""

    label: str
    traces: Mapping[int, str]
    """Their ids, by number."""
    of: int
    """How many there are; these are a sample of them, the same each time."""


def is_of_many(text: str | None) -> bool:
    """Whether a side has many traces: then `traces` is asked several times."""
    word, colon, value = (text or "").partition(":")
    return (word in _SIDES and not colon) or bool(word in _COLUMNS and value)


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
    if text is None or not is_of_many(text):
        return _one(connection, name, text)
    counts, of = _sampled(connection, _entering(wanted), text)
    if not counts and wanted.operation:  # it is not one that a client calls, but is inside of others
        counts, of = _sampled(connection, wanted.condition(), text)
    if not counts:
        message = f"No trace is on the {name} side, {text}."
        raise QueryError("not_found", message, "Choose a longer time, or other traces.")
    upto = accumulate(counts.values())
    few = [number for number, spans in zip(counts, upto, strict=True) if spans <= MOST_SPANS] or [next(iter(counts))]
    ids = dict(connection.execute(_IDS, [few]).fetchall())
    return Side(text, {number: ids[number] for number in few}, of)


def _entering(wanted: TraceFilter) -> Condition:
    """The condition on traces that enter by the operation: it needs no spans."""
    return all_of([wanted.without_operation().condition(), of_traces(wanted.entry)])


def _sampled(connection: DuckDBPyConnection, matching: Condition, text: str) -> tuple[dict[int, int], int]:
    """Some traces of a side, each with its count of spans, and how many there are."""
    word, _, value = text.partition(":")
    if word in _SIDES:
        condition, quantiles = _SIDES[word]
        sql, limits = _QUANTILES.format(condition=matching[0]), list[int | None]()
        if quantiles:
            (found,) = connection.execute(sql, [quantiles, *matching[1]]).fetchone() or (None,)
            limits = found or [None] * len(quantiles)
        side: Condition = (condition, limits)
    else:
        side = of_traces([Term(word, "=", (value,))])
    condition, values = all_of([matching, side])
    counts = dict(connection.execute(_SAMPLED.format(condition=condition, most=MOST_TRACES), values).fetchall())
    (of,) = connection.execute(_COUNT.format(condition=condition), values).fetchone() or (0,)
    return counts, of


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
