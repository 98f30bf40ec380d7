"""Why requests failed: each is counted once, by the error in which its failure began.

In: a condition on traces. Out: types of errors with their counts. State: the failures that were found last.

An error passes from the span where it began to those around it, sometimes past one that does not show it: the server of
a web page answers 400, which is not an error of its own, so that page and gateway have one each. What counts is the
innermost: an error that no span below has, at any depth; of several in one request, the first to begin.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from duckdb import DuckDBPyConnection

from collector.local.query.language.conditions import json_path
from collector.local.query.lookup.numbers import OF_NUMBERS, latest_rows, within
from collector.local.query.model import Sample
from telemetry.conventions import ERROR_TYPE

OF_ERRORS = 200
"""Traces whose spans are read."""
MOST_ERRORS = 20
_OF_ONE_TRACE = 50
"""Errors of one trace among which the innermost is looked for."""
_MOST_SPANS = 20_000
"""Of the traces that have several, together; of traces beyond, the error that began last counts."""

_MOST_KEPT = 2_000
"""Failures that are kept in memory."""

NOT_BY_CALLER = "outcome NOT IN ('rejected', 'cancelled')"
"""Leaves out requests that did not fail by the service, though the client's span of them may have an error."""
_FAILED = f"""
WITH failed AS MATERIALIZED (
    SELECT trace_no, span_id, parent_span_id, service, start_unix_ns,
           coalesce(json_extract_string(attributes, '{json_path(ERROR_TYPE.name)}'), '') AS type
    FROM span_facts WHERE {OF_NUMBERS} AND status = 'error'
)
SELECT trace_no, span_id, type, service, start_unix_ns FROM failed
WHERE (trace_no, span_id) NOT IN (SELECT trace_no, parent_span_id FROM failed WHERE parent_span_id IS NOT NULL)
QUALIFY row_number() OVER (PARTITION BY trace_no ORDER BY start_unix_ns DESC, span_id) <= {_OF_ONE_TRACE}
ORDER BY trace_no, start_unix_ns, span_id
"""  # noqa: S608 (our own names)
_PARENTS = f"SELECT trace_no, span_id, parent_span_id FROM span_facts WHERE {OF_NUMBERS}"  # noqa: S608 (our own names)


@dataclass(frozen=True)
class ErrorCount:
    """Errors of one type that began in one service."""

    type: str
    service: str
    count: int
    """Requests that failed by it: each counts once, by its innermost error."""
    trace_id: str
    """The latest trace with it."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """A span with an error that none of its children has."""

    span_id: str
    type: str
    service: str
    start_unix_ns: int


def errors(connection: DuckDBPyConnection, condition: str, values: list[Any]) -> tuple[list[ErrorCount], Sample | None]:
    """The errors of the latest failed traces, by type and service, the most frequent first.

    Args:
        connection: to the store.
        condition: on `traces`.
        values: its parameters.

    Returns:
        The counts, and of how many failed traces the latest were looked at, if not of all.
    """
    failed = f"error_count > 0 AND {condition}"
    rows, sample = latest_rows(connection, ", ".join(_State._fields), failed, values, OF_ERRORS, "error_count > 0")
    of_kind: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for state, failure in _failures.of(connection, [_State(*row) for row in rows]):
        of_kind[failure.type, failure.service].append((failure.start_unix_ns, state.trace_id))
    counted = [ErrorCount(*kind, len(all_of_it), max(all_of_it)[1]) for kind, all_of_it in of_kind.items()]
    return sorted(counted, key=lambda one: (-one.count, one.type, one.service))[:MOST_ERRORS], sample


class _State(NamedTuple):
    """A trace as it was at one moment: with a span more, it is another one."""

    trace_no: int
    trace_id: str
    span_count: int
    last_ingested_unix_ns: int


class _Failures:
    """Where the failures of traces began, kept for those that were asked for last.

    A page asks again and again, and most of the latest failed traces are those of before: their attributes, which lie
    among those of a hundred times as many traces, are not read again. State: at most `_MOST_KEPT` failures. It has no
    lock: what two threads find out at once is the same.
    """

    def __init__(self) -> None:
        self._kept: dict[_State, _Failure] = {}

    def of(self, connection: DuckDBPyConnection, states: Sequence[_State]) -> list[tuple[_State, _Failure]]:
        """The failure of each of these failed traces that has one."""
        kept = self._kept
        missing = {state.trace_no: state.span_count for state in states if state not in kept}
        read = _read(connection, missing) if missing else {}
        known = {state: kept.get(state) or read.get(state.trace_no) for state in states}
        found = {state: failure for state, failure in known.items() if failure is not None}
        self._kept = found if len(kept) + len(read) > _MOST_KEPT else {**kept, **found}
        return list(found.items())


_failures: Final = _Failures()


def _read(connection: DuckDBPyConnection, counts: Mapping[int, int]) -> dict[int, _Failure]:
    """The failures of traces, by number, of those with so many spans."""
    failures: dict[int, list[_Failure]] = defaultdict(list)
    for number, *fields in connection.execute(_FAILED, [list(counts)]).fetchall():
        failures[int(number)].append(_Failure(*fields))
    return _innermost(connection, failures, counts)


def _innermost(
    connection: DuckDBPyConnection, failures: Mapping[int, Sequence[_Failure]], counts: Mapping[int, int]
) -> dict[int, _Failure]:
    """One failure of each trace."""
    differing = [number for number, some in failures.items() if len({(one.type, one.service) for one in some}) > 1]
    several = within({number: counts[number] for number in differing}, _MOST_SPANS)
    parents: dict[int, dict[str, str | None]] = {number: {} for number in several}
    for number, span_id, parent in connection.execute(_PARENTS, [several]).fetchall() if several else ():
        parents[number][span_id] = parent
    return {
        number: _first(of_trace, parents[number]) if number in parents else of_trace[-1]
        for number, of_trace in failures.items()
    }


def _first(failures: Sequence[_Failure], parents: Mapping[str, str | None]) -> _Failure:
    """The first to begin of those that have none of the others below them."""
    above: set[str] = set()
    for failure in failures:
        parent = parents.get(failure.span_id)
        while parent is not None and parent not in above:
            above.add(parent)
            parent = parents.get(parent)
    return next((failure for failure in failures if failure.span_id not in above), failures[-1])
