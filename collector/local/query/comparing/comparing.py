"""Compares two sides, each of one trace or many, path by path.

In: what the sides are. Out: rows in tree order, and in one sentence where the difference is. No state.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from duckdb import DuckDBPyConnection

from collector.analysis.differing import differ
from collector.local.errors import QueryError
from collector.local.query.comparing.paths import Path, Paths, Sums, aligned, paths_of
from collector.local.query.comparing.sides import Side, side_of
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.waterfall.reading import lines_of

MOST_ROWS: Final = 250
MOST_SPANS: Final = 50_000
"""Of one side: only one trace can have more, of which those that began first are compared."""


@dataclass(frozen=True)
class Part:
    """One path on one side. Times and counts are of one trace, on average over all of the side."""

    traces: int
    """Those that have it."""
    count: float
    errors: float
    duration_ns: int
    """Of its spans together."""
    self_ns: int
    critical_ns: int
    """The values of all paths add up to `duration_ns` of the side."""


@dataclass(frozen=True)
class ComparedPath:
    """One path on both sides; None on the side that does not have it."""

    depth: int
    service: str
    name: str
    kind: str
    op: str
    on_the_way: bool
    """Its own time is that of the way between CLIENT and SERVER."""
    left: Part | None
    right: Part | None
    critical_delta_ns: int
    """Right without left."""


@dataclass(frozen=True)
class ComparedSide:
    """One side as a whole."""

    label: str
    traces: int
    of: int
    trace_id: str
    """One of its traces."""
    duration_ns: int
    """Of the roots, on average."""
    span_count: float


@dataclass(frozen=True)
class Comparison:
    """Two sides."""

    left: ComparedSide
    right: ComparedSide
    sentence: str
    """Where the difference is."""
    is_certain: bool | None
    """Whether the durations of the sides differ beyond chance; None: they are too few to say."""
    rows: Sequence[ComparedPath]
    """In tree order: at most 250, those with most time and what is above them."""
    row_count: int
    sample: Mapping[str, int]
    """`traces` that were looked at, `of` all."""


def compare(connection: DuckDBPyConnection, left: str | None, right: str | None, wanted: TraceFilter) -> Comparison:
    """Compare two sides.

    Args:
        connection: to the store.
        left: what the side is: a trace, `slow`, `typical`, `failing`, `version:…`, `region:…`, `platform:…`.
        right: the other.
        wanted: the traces of which a side is taken, unless it is one trace.

    Raises:
        QueryError: a side is none of these, or has no trace.
    """
    sides = [side_of(connection, name, text, wanted) for name, text in (("left", left), ("right", right))]
    # One after the other, so that the spans of one side are in memory at a time.
    sums = [paths_of([*lines_of(connection, side.traces, MOST_SPANS).values()]) for side in sides]
    if not all(found.traces for found in sums):
        message = "The traces of a side were deleted meanwhile."
        raise QueryError("not_found", message, "Compare again.")
    rows = _rows(*aligned(*sums))
    is_certain = differ(*(found.durations for found in sums))
    return Comparison(
        left=_side(sides[0], sums[0]),
        right=_side(sides[1], sums[1]),
        sentence=_by_chance(*sums) if is_certain is False else _sentence(rows, *sums),
        is_certain=is_certain,
        rows=_longest(rows),
        row_count=len(rows),
        sample={"traces": sum(found.traces for found in sums), "of": sum(side.of for side in sides)},
    )


def _side(side: Side, found: Paths) -> ComparedSide:
    spans = sum(sums.count for sums in found.sums.values()) / found.traces
    took = found.duration // found.traces
    return ComparedSide(side.label, found.traces, side.of, next(iter(side.traces.values())), took, round(spans, 2))


def _rows(left: Paths, right: Paths) -> list[ComparedPath]:
    """All paths of both sides, in tree order: the root that most traces have first, siblings by when they begin."""
    below: dict[Path, list[Path]] = defaultdict(list)
    for path in {**left.sums, **right.sums}:
        below[path[:-1]].append(path)

    def begins(path: Path) -> tuple[float, Path]:
        known = [sums for sums in (left.sums.get(path), right.sums.get(path)) if sums]
        return sum(sums.offset for sums in known) / sum(sums.traces for sums in known), path

    def seldom(path: Path) -> tuple[int, float, Path]:
        return -sum(sums.traces for sums in (left.sums.get(path), right.sums.get(path)) if sums), *begins(path)

    rows: list[ComparedPath] = []
    pending = sorted(below[()], key=seldom, reverse=True)
    while pending:
        path = pending.pop()
        rows.append(_row(path, left, right))
        pending += sorted(below[path], key=begins, reverse=True)
    return rows


def _row(path: Path, left: Paths, right: Paths) -> ComparedPath:
    mine, other = left.sums.get(path), right.sums.get(path)
    before, after = _part(mine, left.traces), _part(other, right.traces)
    known = [sums for sums in (mine, other) if sums]
    return ComparedPath(
        depth=len(path) - 1,
        service=path[-1].service[:200],
        name=path[-1].name[:200],
        kind=path[-1].kind,
        op=known[0].op[:200],
        on_the_way=any(sums.on_the_way for sums in known),
        left=before,
        right=after,
        critical_delta_ns=(after.critical_ns if after else 0) - (before.critical_ns if before else 0),
    )


def _part(sums: Sums | None, traces: int) -> Part | None:
    if sums is None:
        return None
    return Part(
        traces=sums.traces,
        count=round(sums.count / traces, 2),
        errors=round(sums.errors / traces, 3),
        duration_ns=sums.duration // traces,
        self_ns=sums.own // traces,
        critical_ns=sums.critical // traces,
    )


def _longest(rows: Sequence[ComparedPath]) -> list[ComparedPath]:
    """The rows with most time, and all that is above them."""
    if len(rows) <= MOST_ROWS:
        return list(rows)

    def weight(at: int) -> int:
        return max((part.duration_ns for part in (rows[at].left, rows[at].right) if part), default=0)

    above: list[int] = []
    parents: list[int | None] = []
    for at, row in enumerate(rows):
        del above[row.depth :]
        parents.append(above[-1] if above else None)
        above.append(at)
    kept: set[int] = set()
    for at in sorted(range(len(rows)), key=lambda at: -weight(at)):
        line, step = [], at
        while step not in kept:
            line.append(step)
            parent = parents[step]
            if parent is None:
                break
            step = parent
        if len(kept) + len(line) <= MOST_ROWS:
            kept.update(line)
    return [rows[at] for at in sorted(kept)]


def _by_chance(left: Paths, right: Paths) -> str:
    """What two sides that do not differ are said to do."""
    took = _took(left, right)
    return f"{took}, which is not a difference beyond chance." if took else "Both take equally long."


def _took(left: Paths, right: Paths) -> str:
    delta = right.duration // right.traces - left.duration // left.traces
    return f"The right side takes {_time(abs(delta))} {'longer' if delta > 0 else 'less'}" if delta else ""


def _sentence(rows: Sequence[ComparedPath], left: Paths, right: Paths) -> str:
    """Where most of the difference is on the critical path."""
    delta = right.duration // right.traces - left.duration // left.traces
    if not delta:
        return "Both take equally long."
    took = _took(left, right)
    most = max(rows, key=lambda row: row.critical_delta_ns * (1 if delta > 0 else -1))
    change = most.critical_delta_ns
    if change * delta <= 0:
        return f"{took}; no single step explains it."
    place = f"on the way of {most.name}" if most.on_the_way else f"in {most.name}"
    share = abs(change) / abs(delta)
    if share > 1.05:  # other steps make up for some of it
        word = "more" if change > 0 else "less"
        return f"{took}: {_time(abs(change))} {word} {place} ({most.service}), partly made up for elsewhere."
    return f"{took}, {100 * min(share, 1):.0f} % of it {place} ({most.service})."


def _time(nanoseconds: int) -> str:
    for unit, size in (("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:,.{3 if nanoseconds < 1000 * size else 6}g} {unit}"
    return f"{nanoseconds} ns"
