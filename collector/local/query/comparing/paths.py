"""Adds up traces by path: the services and names from the root down to a span.

In: spans of traces. Out: `Paths`, sums of times by path. Siblings of one name are one path, and counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from collector.analysis.critical_path import critical_times
from collector.analysis.self_time import self_times
from collector.analysis.skew import align
from collector.analysis.tree import build
from collector.local.query.waterfall.reading import Line


class Step(NamedTuple):
    """The last step of a path: what all spans on it have in common."""

    service: str
    name: str
    kind: str


Path = tuple[Step, ...]


@dataclass
class Sums:
    """Of the spans on one path, of several traces."""

    op: str
    on_the_way: bool = False
    """It is a call that was answered: its own time is that of the way."""
    traces: int = 0
    """Those that have it."""
    count: int = 0
    errors: int = 0
    duration: int = 0
    own: int = 0
    critical: int = 0
    offset: int = 0
    """Of the first span on it, from the trace's start, summed."""


@dataclass
class Paths:
    """Sums by path of some traces."""

    sums: dict[Path, Sums] = field(default_factory=dict)
    traces: int = 0
    duration: int = 0
    """Of the roots."""
    durations: list[int] = field(default_factory=list)
    """Of each root."""

    def add(self, lines: Sequence[Line]) -> None:
        """Add one trace, of at least one span."""
        kinds = [line.kind for line in lines]
        tree = align(build(lines), kinds).tree
        own, critical = self_times(tree), critical_times(tree)
        served = {tree.parents[index] for index, kind in enumerate(kinds) if kind == "server"}
        self.traces += 1
        took = tree.ends[tree.root] - tree.starts[tree.root]
        self.duration += took
        self.durations.append(took)
        seen: set[int] = set()
        paths: dict[int, Path] = {}
        for index, _ in tree.order:
            line, above = lines[index], tree.parents[index]
            path = (*(() if above is None else paths[above]), Step(line.service, line.name, line.kind))
            # Deeper than a page can show: the spans of one branch are one path from here on.
            paths[index] = path = path if len(path) <= DEEPEST else (*path[: DEEPEST - 1], path[-1])
            sums = self.sums.setdefault(path, Sums(line.op))
            sums.count += 1
            sums.errors += line.status == "error"
            sums.duration += tree.ends[index] - tree.starts[index]
            sums.own += own[index]
            sums.critical += critical[index]
            sums.on_the_way |= line.kind == "client" and index in served
            if id(sums) not in seen:  # the first of this trace
                seen.add(id(sums))
                sums.traces += 1
                sums.offset += tree.starts[index] - tree.start


DEEPEST = 64
"""Steps of a path at most."""


def paths_of(traces: Sequence[Sequence[Line]]) -> Paths:
    """The sums of some traces."""
    found = Paths()
    for lines in traces:
        found.add(lines)
    return found


_ENTRIES: tuple[Callable[[Step, Sums], bool], ...] = (
    lambda _, sums: sums.op == "search.endpoint",
    lambda step, _: step.kind == "server",
)
"""What may be where requests enter, the best first."""


def aligned(left: Paths, right: Paths) -> tuple[Paths, Paths]:
    """Both sides; if their traces begin in different ways, with paths from where they enter.

    A search that a page sends and one that a command sends have nothing in common above the entry. Below it they have;
    so what is below the first entry of both begins there, and what is above it stays a tree of its own.
    """
    if {path[0] for path in left.sums} == {path[0] for path in right.sums}:
        return left, right
    for is_entry in _ENTRIES:
        entries = [{path[-1] for path, sums in side.sums.items() if is_entry(path[-1], sums)} for side in (left, right)]
        common = entries[0] & entries[1]
        if common:
            return _from(common, left), _from(common, right)
    return left, right


def _from(entries: set[Step], side: Paths) -> Paths:
    """Paths that pass one of these begin there."""
    found = Paths({}, side.traces, side.duration)
    for path, sums in side.sums.items():
        at = next((at for at, step in enumerate(path) if step in entries), 0)
        into = found.sums.setdefault(path[at:], Sums(sums.op))
        into.on_the_way |= sums.on_the_way
        into.traces = min(into.traces + sums.traces, side.traces)
        for name in _ADDED:
            setattr(into, name, getattr(into, name) + getattr(sums, name))
    return found


_ADDED = [one.name for one in fields(Sums) if one.name not in {"op", "on_the_way", "traces"}]
