"""Lists traces that match a filter of spans without reading all spans: by filters of attributes, or by windows.

A rare attribute is in few segments of spans, which are read whole. Anything else is looked for backwards in time, from
window to longer window, until the page is full; of each window only the spans of its traces are read. What the latest
windows show to be rare, though it is in more segments, is read from these at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.query.language.conditions import (
    EVERY_SPAN,
    EVERY_TRACE,
    Condition,
    all_of,
    is_of_span,
    json_path,
    span_has,
)
from collector.local.query.language.fields import TRACE_FIELDS
from collector.local.query.language.terms import Term
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.lookup.rare import segments_with
from collector.local.store.views import STARTS

FEW_SEGMENTS = 48
"""Up to so many segments are read whole: those of what is in one request of 30 million spans, as one in fifty of the
others seems to have it."""
SOME_SEGMENTS = 120
"""Up to so many are once the first windows did not fill the page."""
FIRST_TRACES = 500
"""About how many traces the first window has; each further one has six times as many."""
LONGER = 6
FIRST_WINDOWS = 2
ALL_TRACES = 200_000
"""From so many traces on, a window is the rest."""

_RANGE = f"""
SELECT min(start_unix_ns), max(start_unix_ns), max(trace_no) FROM ({STARTS})
WHERE start_unix_ns BETWEEN ? AND ? AND error_count >= ?
"""  # noqa: S608 (our own names)
_SINCE = f"""
SELECT quantile_disc(start_unix_ns, 0.1) FROM ({STARTS})
WHERE trace_no > ? AND start_unix_ns BETWEEN ? AND ? AND error_count >= ?
"""  # noqa: S608 (as above)
_RESOURCES = "SELECT 1 FROM resources WHERE list_contains(?::VARCHAR[], json_extract_string(attributes, ?)) LIMIT 1"
_WITH = "SELECT DISTINCT trace_no FROM span_facts WHERE {condition}"
_NUMBERS = f"""
SELECT min(trace_no), max(trace_no) FROM ({STARTS}) WHERE start_unix_ns BETWEEN ? AND ? AND error_count >= ?
"""  # noqa: S608 (as above)


@dataclass(frozen=True)
class Window:
    """Part of the traces in question."""

    since_ns: int
    until_ns: int
    spans: Condition
    """Holds for all spans of these traces that can match."""
    traces: Condition = EVERY_TRACE
    """Holds for these traces: with their numbers, the view need not look at others."""
    segments: int | None = None
    """In so many segments of spans is what must be found; None: it may be in all."""
    is_found: bool = False
    """These traces have the spans that the filter asks for: it need not be asked again."""

    def condition(self, wanted: TraceFilter) -> Condition:
        """The condition on `traces` that they are in this window, and match a filter."""
        part = replace(wanted, since_ns=self.since_ns, until_ns=self.until_ns)
        return all_of([self.traces, (part.without_spans() if self.is_found else part).condition(self.spans)])


def windows(connection: DuckDBPyConnection, wanted: TraceFilter, *, by_time: bool) -> Iterator[Window]:
    """The windows in which to look for matching traces, the latest first; together they are the filter's range.

    Args:
        connection: to the store.
        wanted: the filter.
        by_time: the list is sorted by time, so that later windows need not be read; else there is one window.
    """
    everything = Window(wanted.since_ns, wanted.until_ns, EVERY_SPAN)
    if not wanted.of_spans:
        yield everything
        return
    rarest, segments = _rarest(connection, wanted)
    # Spans that other terms ask for may be in other segments.
    only = rarest is not None and sum(map(is_of_span, wanted.terms)) == 1
    if rarest and len(segments) <= FEW_SEGMENTS:
        yield _found(connection, wanted, rarest, segments, only=only)
        return
    among = _among("segment_no", segments) if only and len(segments) <= SOME_SEGMENTS else EVERY_SPAN
    count_of = len(segments) if only else None
    errors = int(any(_asks_for_errors(term) for term in wanted.terms))  # of others, the summary says enough
    first, until, last_no = _range(connection, wanted, errors)
    if last_no is None:
        return
    traces, looked = FIRST_TRACES, 0
    while until >= first:
        if rarest and looked == FIRST_WINDOWS and len(segments) <= SOME_SEGMENTS:
            yield _found(connection, replace(wanted, since_ns=first, until_ns=until), rarest, segments, only=only)
            return
        since = first
        if by_time and traces < ALL_TRACES:
            since = _since(connection, last_no - traces, first, until, errors)
        ends = connection.execute(_NUMBERS, [since, until, errors]).fetchone()
        if ends and ends[0] is not None:
            mine: Condition = ("trace_no BETWEEN ? AND ?", list(ends))
            failing: Condition = ("error_count >= ?", [errors])
            yield Window(since, until, all_of([mine, among]), all_of([mine, failing]), count_of)
        traces, until, looked = traces * LONGER, since - 1, looked + 1


def _found(
    connection: DuckDBPyConnection, wanted: TraceFilter, rarest: Term, segments: Sequence[int], *, only: bool
) -> Window:
    """The traces that have an attribute, which no resource has, in segments that are read whole."""
    condition, values = span_has(rarest, _among("segment_no", segments))
    numbers = sorted(row[0] for row in connection.execute(_WITH.format(condition=condition), values).fetchall())
    mine = _among("trace_no", numbers)
    return Window(wanted.since_ns, wanted.until_ns, mine, mine, len(segments), is_found=only)


def _rarest(connection: DuckDBPyConnection, wanted: TraceFilter) -> tuple[Term | None, Sequence[int]]:
    """The rarest of the attributes that are asked for, and the segments that may have it; None if none is asked for."""
    rarest: Term | None = None
    found: Sequence[int] = ()
    for term in wanted.terms:
        is_attribute = term.quoted or term.key not in TRACE_FIELDS
        if is_attribute and term.operator == "=" and term.values and not _of_resources(connection, term):
            mine = sorted({number for text in term.values for number in segments_with(connection, term.key, text)})
            if rarest is None or len(mine) < len(found):
                rarest, found = term, mine
    return rarest, found


def _of_resources(connection: DuckDBPyConnection, term: Term) -> bool:
    """Whether a resource has the attribute, of which the filters of segments know nothing."""
    return bool(connection.execute(_RESOURCES, [list(term.values), json_path(term.key)]).fetchone())


def _among(column: str, numbers: Sequence[int]) -> Condition:
    if not numbers:
        return "false", []
    values: list[Any] = [numbers[0], numbers[-1], list(numbers)]
    return f"{column} BETWEEN ? AND ? AND {column} IN (SELECT unnest(?::BIGINT[]))", values


def _asks_for_errors(term: Term) -> bool:
    """Whether a trace can only match if a span of it has an error."""
    return term.key == "status" and not term.quoted and term.operator == "=" and term.values == ("error",)


def _range(connection: DuckDBPyConnection, wanted: TraceFilter, errors: int) -> tuple[int, int, int | None]:
    """When the first and the last trace in the range began, and the last number; None: there is none."""
    values = [wanted.since_ns, wanted.until_ns, errors]
    first, last, number = connection.execute(_RANGE, values).fetchone() or (None,) * 3
    return int(first or 0), int(last or 0), number


def _since(connection: DuckDBPyConnection, number: int, first: int, until: int, errors: int) -> int:
    """When most traces after a number began: numbers are about in the order of arrival."""
    (since,) = connection.execute(_SINCE, [number, first, until, errors]).fetchone() or (None,)
    return until + 1 if since is None else int(since)
