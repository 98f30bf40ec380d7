"""Finds what some traces share: attributes that they have more often than the other traces, and not by chance.

The traces that match a filter are compared with those that match it but for its status and its duration: slow ones with
fast ones, failed ones with those that succeeded. Attributes of spans and of their resources count, each once a trace.
The decision is that of the suspects (`collector.analysis.suspects.attributes`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from duckdb import DuckDBPyConnection

from collector.analysis.suspects.attributes import suspects
from collector.analysis.suspects.candidates import PRESENT, STAGE, Candidate, candidates
from collector.analysis.suspects.consequences import restates
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.model import SharedRow
from collector.local.query.suspects.values import observed

MOST_TRACES = 2000
"""The latest traces that match, and of the others, that are compared."""
LEAST = 0.1
"""Without others, so many of the traces have it at least."""

_NUMBERS = f"SELECT trace_no FROM traces WHERE {{condition}} ORDER BY start_unix_ns DESC LIMIT {MOST_TRACES}"  # noqa: S608


def shared(connection: DuckDBPyConnection, wanted: TraceFilter, limit: int = 10) -> list[SharedRow]:
    """The attributes whose share is larger, the surest difference first.

    Args:
        connection: to the store.
        wanted: the filter; without a status or a duration there are no others, and all shared attributes are returned.
        limit: rows at most.
    """
    matching, others = _fetched(connection, *wanted.condition()), list[int]()
    if wanted.status is not None or wanted.min_duration_ns:
        condition, parameters = replace(wanted, status=None, min_duration_ns=0).condition()
        chosen, values = wanted.condition()
        condition = f"({condition}) AND trace_no NOT IN (SELECT trace_no FROM traces WHERE {chosen})"  # noqa: S608 (ours)
        others = _fetched(connection, condition, [*parameters, *values])
    values_of = observed(connection, [*matching, *others], lambda key: restates(None, key))
    found = [one for one in candidates(values_of) if one.key != PRESENT]
    every = (1 << len(matching) + len(others)) - 1
    first = (1 << len(matching)) - 1
    named = _named(found, first, every - first) if others else _frequent(found, first)
    return _rows(named, found, first, every - first)[:limit]


def _fetched(connection: DuckDBPyConnection, condition: str, parameters: Sequence[object]) -> list[int]:
    return [row[0] for row in connection.execute(_NUMBERS.format(condition=condition), parameters).fetchall()]


def _named(found: Iterable[Candidate], matching: int, others: int) -> list[Candidate]:
    return [one for suspect in suspects(found, matching, others) for one in (suspect.candidate, *suspect.same)]


def _frequent(found: Iterable[Candidate], matching: int) -> list[Candidate]:
    frequent = [one for one in found if one.sign == "=" and one.traces.bit_count() >= LEAST * matching.bit_count()]
    return sorted(frequent, key=lambda one: -one.traces.bit_count())


def _rows(named: Iterable[Candidate], found: Iterable[Candidate], matching: int, others: int) -> list[SharedRow]:
    """One row for what spans of several services have in the same traces."""
    services: dict[tuple[str, str, object, int], set[str]] = defaultdict(set)
    for one in found:
        services[one.key, one.sign, one.value, one.traces].add(one.stage.partition(STAGE)[0])
    rows: dict[tuple[str, str, object, int], SharedRow] = {}
    for one in named:
        at = (one.key, one.sign, one.value, one.traces)
        counts = (one.traces & matching).bit_count(), matching.bit_count()
        of_others = (one.traces & others).bit_count(), others.bit_count()
        rows.setdefault(at, SharedRow(sorted(services[at]), one.key, one.sign, str(one.value), *counts, *of_others))
    return list(rows.values())
