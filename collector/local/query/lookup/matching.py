"""Finds once which traces have the spans that a filter asks for, of many traces in a sample.

In: a filter of traces with its time. Out: their numbers, so that the queries of an answer need not read spans again.
"""

from dataclasses import dataclass
from typing import Final

from duckdb import DuckDBPyConnection

from collector.local.query.language.conditions import Condition, all_of
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.lookup.numbers import OF_NUMBERS
from collector.local.query.lookup.paging import windows
from collector.local.query.model import Sample

FEW: Final = 20_000
"""Of up to so many traces, all are looked at."""
MOST: Final = 6_000
"""Of more, about so many."""
FEW_SEGMENTS: Final = 48
"""So many segments of spans are read whole: what is in few of them is rare, and a sample would lose it."""
BLOCK: Final = 64
"""Traces that follow each other are looked at together: their spans lie together in the store."""
_NUMBERS = "SELECT trace_no FROM traces WHERE {condition}"


@dataclass(frozen=True)
class Matching:
    """Traces that have the spans a filter asks for."""

    numbers: list[int]
    share: int
    """One of so many traces was looked at."""

    def condition(self, wanted: TraceFilter) -> Condition:
        """The condition on `traces` that they match a filter whose spans these have."""
        return all_of([(OF_NUMBERS, [self.numbers]), wanted.without_spans().condition()])


def matching(connection: DuckDBPyConnection, wanted: TraceFilter, count: int) -> Matching | None:
    """The traces that have the spans that a filter asks for; None if it asks for none.

    Args:
        connection: to the store.
        wanted: the filter.
        count: about how many traces are in its time.
    """
    if not wanted.of_spans:
        return None
    window = next(windows(connection, wanted, by_time=False), None)
    if window is None:
        return Matching([], 1)
    is_rare = window.segments is not None and window.segments <= FEW_SEGMENTS
    share = 1 if count <= FEW or is_rare else -(-count // MOST)
    some: Condition = (f"trace_no // {BLOCK} % {share} = 0", []) if share > 1 else ("true", [])
    condition, values = all_of([some, window.traces, wanted.only_spans().condition(all_of([window.spans, some]))])
    found = connection.execute(_NUMBERS.format(condition=condition), values).fetchall()
    return Matching([int(number) for (number,) in found], share)


def sample_of(found: Matching | None, count: int) -> Sample | None:
    """What was looked at of so many traces; None: all of them."""
    return Sample(round(count / found.share), count) if found is not None and found.share > 1 else None
