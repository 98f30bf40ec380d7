"""Chooses the traces of one side of a comparison.

In: what a side is (`slow`, `typical`, `failing`, `version:…`, `region:…`, `platform:…`, or a trace), and the filters of
the view. Out: a stable sample of ids, and of how many. No state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.traces import find_trace
from telemetry.errors import did_you_mean

MOST_TRACES: Final = 200
MOST_SPANS: Final = 20_000
"""Of one side: a comparison stays under a second."""
WORDS: Final = ("slow", "typical", "failing")
_COLUMNS: Final = ("version", "region", "platform")

_TOOK = "coalesce(client_duration_ns, duration_ns)"
_VERSION = "list_contains(string_split(versions, ', '), $version)"
_MATCHING = f"""
SELECT trace_id, span_count, {_TOOK} AS took, error_count > 0 AS failed, versions, region, platform FROM traces
WHERE NOT is_batch AND start_unix_ns BETWEEN $since AND $until
"""  # noqa: S608 (our own names)
_CONDITIONS: Final = {
    "operation": " AND (entry_operation = $operation OR root_operation = $operation)",
    "service": " AND entry_service = $service",
    "version": f" AND {_VERSION}",
    "region": " AND region = $region",
    "platform": " AND platform = $platform",
}
_SIDES: Final = {
    "slow": "took >= (SELECT quantile_disc(took, 0.95) FROM matching)",
    "typical": """NOT failed AND took BETWEEN (SELECT quantile_disc(took, 0.25) FROM matching)
        AND (SELECT quantile_disc(took, 0.75) FROM matching)""",
    "failing": "failed",
    "version": "list_contains(string_split(versions, ', '), $side)",
    "region": "region = $side",
    "platform": "platform = $side",
}
_SAMPLED = """
WITH matching AS MATERIALIZED ({matching}), side AS (
    SELECT trace_id, span_count, count(*) OVER () AS of, hash(trace_id) AS place FROM matching WHERE {side}
)
SELECT trace_id, of, sum(span_count) OVER (ORDER BY place, trace_id) AS spans FROM side
QUALIFY row_number() OVER (ORDER BY place, trace_id) <= {most}
"""


@dataclass(frozen=True)
class Wanted:
    """The traces of which both sides are taken. Default values do not filter."""

    since_ns: int = 0
    until_ns: int = 2**63 - 1
    equal: Mapping[str, str] = field(default_factory=dict)
    """Values of `operation`, `service`, `version` (with its service before it), `region`, `platform`."""

    def sql(self) -> tuple[str, dict[str, Any]]:
        """A query of the matching traces, and its parameters."""
        text = _MATCHING + "".join(_CONDITIONS[name] for name in self.equal)
        return text, {"since": self.since_ns, "until": self.until_ns, **self.equal}


@dataclass(frozen=True)
class Side:
    """The traces of one side."""

    label: str
    trace_ids: tuple[str, ...]
    of: int
    """How many there are; those with ids are a sample of them, the same each time."""


def side_of(connection: DuckDBPyConnection, name: str, text: str | None, wanted: Wanted) -> Side:
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
    if not (word in WORDS and not colon) and not (word in _COLUMNS and value):
        return _one(connection, name, text)
    matching, parameters = wanted.sql()
    sql = _SAMPLED.format(matching=matching, side=_SIDES[word], most=MOST_TRACES)
    if value:
        parameters["side"] = value
    found = connection.execute(sql, parameters).fetchall()
    if not found:
        message = f"No trace is on the {name} side, {text}."
        raise QueryError("not_found", message, "Choose a longer time, or other traces.")
    few = [trace_id for trace_id, _, spans in found if spans <= MOST_SPANS]
    return Side(text or "", tuple(few or [found[0][0]]), found[0][1])


def _one(connection: DuckDBPyConnection, name: str, text: str | None) -> Side:
    """A side that is one trace."""
    try:
        trace_id = find_trace(connection, text or "")
    except QueryError as error:
        if error.code != "bad_request":
            raise
        kinds = [*WORDS, *(f"{column}:…" for column in _COLUMNS)]
        hint = did_you_mean(text or "", kinds) or f"Use a trace id, {', '.join(kinds)}."
        raise QueryError("bad_request", f"{name}={text or ''!r} is not a side of a comparison.", hint) from error
    return Side(trace_id, (trace_id,), 1)
