"""Lists traces that match a filter of spans without reading all spans: by filters of attributes, or by windows.

A rare attribute is in few segments of spans, which are read whole. Anything else is looked for backwards in time, from
window to longer window, until the page is full; of each window only the spans of its traces are read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.query.language.conditions import EVERY_SPAN, Condition, all_of, is_of_span, json_path, of_spans
from collector.local.query.language.fields import TRACE_FIELDS
from collector.local.query.language.terms import Term
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.lookup.numbers import OF_NUMBERS
from collector.local.query.lookup.rare import segments_with

FEW_SEGMENTS = 6
"""Up to so many segments are read whole."""
FIRST_TRACES = 3_000
"""About how many traces the first window has; each further one has four times as many."""
LONGER = 4
ALL_TRACES = 200_000
"""From so many traces on, a window is the rest."""

_RANGE = "SELECT count(*), min(start_unix_ns), max(start_unix_ns) FROM traces WHERE {condition}"
_RESOURCES = "SELECT 1 FROM resources WHERE list_contains(?::VARCHAR[], json_extract_string(attributes, ?)) LIMIT 1"
_WITH = "SELECT DISTINCT trace_no FROM span_facts WHERE {condition}"
_NUMBERS = "SELECT min(trace_no), max(trace_no) FROM traces WHERE start_unix_ns BETWEEN ? AND ?"


@dataclass(frozen=True)
class Window:
    """Part of the traces in question."""

    since_ns: int
    until_ns: int
    spans: Condition
    """Holds for all spans of these traces that can match."""
    segments: int | None = None
    """In so many segments of spans is what must be found; None: it may be in all."""


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
    if rarest and len(segments) <= FEW_SEGMENTS:
        among = of_spans(rarest, _among("segment_no", segments))
        numbers = [row[0] for row in connection.execute(_WITH.format(condition=among[0]), among[1]).fetchall()]
        yield Window(wanted.since_ns, wanted.until_ns, (OF_NUMBERS, [numbers]), len(segments))
        return
    # Spans that other terms ask for may be in other segments.
    only = rarest is not None and sum(map(is_of_span, wanted.terms)) == 1
    among = _among("segment_no", segments) if only else EVERY_SPAN
    count_of = len(segments) if only else None
    count, first, last = _range(connection, wanted)
    if not count:
        return
    traces, until = float(FIRST_TRACES if by_time else count), last
    while until >= first:
        left = (until - first) * count / max(last - first, 1)
        whole = traces >= left or traces >= ALL_TRACES
        since = first if whole else max(first, until - int(traces * max(last - first, 1) / count))
        ends = connection.execute(_NUMBERS, [since, until]).fetchone()
        if ends and ends[0] is not None:
            yield Window(since, until, all_of([("trace_no BETWEEN ? AND ?", list(ends)), among]), count_of)
        traces, until = traces * LONGER, since - 1


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


def _range(connection: DuckDBPyConnection, wanted: TraceFilter) -> tuple[int, int, int]:
    """How many traces are in the range, and when the first and the last of them began."""
    sql = _RANGE.format(condition="start_unix_ns BETWEEN ? AND ?")
    count, first, last = connection.execute(sql, [wanted.since_ns, wanted.until_ns]).fetchone() or (0, 0, 0)
    return int(count), int(first or 0), int(last or 0)
