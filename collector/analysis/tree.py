"""The tree of one trace, valid for any spans: in any order, with missing parents, duplicate ids, cycles, skewed clocks.

In a `Tree`, every span is reachable from exactly one root. Every analysis of this package starts from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Timed(Protocol):
    """The fields of a span that the tree needs. Times are Unix nanoseconds."""

    @property
    def span_id(self) -> str:
        """Its id, in hex."""

    @property
    def parent_span_id(self) -> str | None:
        """Its parent's id; None at the root."""

    @property
    def start_unix_ns(self) -> int:
        """Its start; 0 if it is not known."""

    @property
    def end_unix_ns(self) -> int:
        """Its end; 0 if it has none."""


@dataclass(frozen=True)
class Tree:
    """A trace as a forest; every number is an index into the spans it was built from, or nanoseconds."""

    starts: Sequence[int]
    """If a span's start is not known, its end: the duration is 0. Without either, the trace's start."""
    ends: Sequence[int]
    """Never before the start: a span without an end, or with one before its start, has the duration 0."""
    parents: Sequence[int | None]
    children: Sequence[Sequence[int]]
    """By start time."""
    roots: Sequence[int]
    """True roots first, then spans whose parent is missing; each group by start time."""
    start: int
    """When the first span began."""
    end: int
    """When the last span ended."""
    order: Sequence[tuple[int, int]]
    """All spans as (index, depth), each parent before its children, siblings by start time."""

    @property
    def root(self) -> int:
        """The span of the whole trace."""
        return self.roots[0]


def ordered(roots: Sequence[int], children: Sequence[Sequence[int]]) -> Sequence[tuple[int, int]]:
    """All spans as (index, depth), each parent before its children, in the order given."""
    result: list[tuple[int, int]] = []
    stack = [(root, 0) for root in reversed(roots)]
    while stack:
        item = stack.pop()
        result.append(item)
        index, depth = item
        if children[index]:
            stack += [(child, depth + 1) for child in reversed(children[index])]
    return result


def build(spans: Sequence[Timed]) -> Tree:
    """Build the tree of one trace.

    A span whose parent is missing becomes a root, and so does the earliest span of a cycle. If several spans have the
    same id, the earliest is the parent of all children with that parent id.

    Args:
        spans: at least one span, all of one trace.
    """
    known = [span.start_unix_ns or span.end_unix_ns for span in spans]
    first = min(filter(None, known), default=0)
    starts = [start or first for start in known]
    ends = [max(start, span.end_unix_ns) for start, span in zip(starts, spans, strict=True)]
    ordered_starts = sorted(zip(starts, [span.span_id for span in spans], range(len(spans)), strict=True))
    by_start = [index for _, _, index in ordered_starts]
    parents = _parents(spans, by_start)
    _break_cycles(parents, by_start)
    children: list[list[int]] = [[] for _ in spans]
    roots: list[int] = []
    for index in by_start:
        parent = parents[index]
        (roots if parent is None else children[parent]).append(index)
    if len(roots) > 1:
        roots.sort(key=lambda index: bool(spans[index].parent_span_id))  # stable: by start within each group
    return Tree(starts, ends, parents, children, roots, min(starts), max(ends), ordered(roots, children))


def _parents(spans: Sequence[Timed], by_start: Sequence[int]) -> list[int | None]:
    holder: dict[str, int] = {}
    for index in by_start:
        holder.setdefault(spans[index].span_id, index)
    parents = [holder.get(span.parent_span_id) if span.parent_span_id else None for span in spans]
    return [None if parent == index else parent for index, parent in enumerate(parents)]


def _break_cycles(parents: list[int | None], by_start: Sequence[int]) -> None:
    """Make the earliest span of every cycle a root, in place."""
    rank = {index: position for position, index in enumerate(by_start)}
    if all(parent is None or rank[parent] < rank[index] for index, parent in enumerate(parents)):
        return  # each parent began before its child, as in almost every trace
    done: set[int] = set()
    for first in by_start:
        path: list[int] = []
        on_path: set[int] = set()
        index: int | None = first
        while index is not None and index not in done and index not in on_path:
            path.append(index)
            on_path.add(index)
            index = parents[index]
        if index is not None and index in on_path:
            cycle = path[path.index(index) :]
            parents[min(cycle, key=rank.__getitem__)] = None
        done.update(path)
