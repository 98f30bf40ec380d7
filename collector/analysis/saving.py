"""The saving potential: how much shorter a trace would be if a stage took no time.

This is CRISP's "saving potential" (Zhang, Z. et al.: "CRISP: Critical Path Analysis of Large-Scale Microservice
Architectures", USENIX ATC 2022; in its program `Graph.computeTimeSavedOnCP…`): a part of the trace is removed, the
trace is laid out anew, and the root's duration before and after is compared. The time on the critical path is only the
upper bound of that: if a sibling ran in parallel, it becomes the critical path itself.

CRISP removes spans that failed; we remove the own time of a stage's spans, and keep what they call. The layout keeps
every order that was observed: a span begins when all siblings that had ended before it have ended, and its parent has
spent as long as it did between them. Siblings that overlapped do not wait for each other. So the saving of a stage lies
between 0 and its time on the critical path.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from collector.analysis.tree import Tree

Stage = TypeVar("Stage", bound=Hashable)
"""What a part of a trace is named by."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A span in its parent, with the children that take time."""

    index: int
    start: int
    end: int
    children: Sequence[int]
    """By start: positions in the list of all of these."""
    ending: Sequence[int]
    """The same by end."""


def savings(tree: Tree, stages: Sequence[Stage], times: Mapping[Stage, int]) -> Mapping[Stage, int]:
    """By how many nanoseconds the root would be shorter without each stage on the critical path; for others it is 0.

    Args:
        tree: of one trace.
        stages: of the spans, by their index.
        times: on the critical path, by stage.
    """
    if not any(_overlap(children, tree) for children in tree.children if len(children) > 1):
        return times
    laid = lay_out(tree)
    whole = laid[0].end - laid[0].start
    return {stage: whole - duration_without(laid, stages, stage) for stage in times}


def _overlap(children: Sequence[int], tree: Tree) -> bool:
    """Whether some siblings, given by start, ran at the same time."""
    return any(tree.starts[later] < tree.ends[sooner] for sooner, later in pairwise(children))


def lay_out(tree: Tree) -> list[Laid]:
    """The root's spans clipped to their parents, as for the critical path, each parent before its children."""
    places = [(tree.root, tree.starts[tree.root], tree.ends[tree.root])]
    laid: list[Laid] = []
    for index, start, end in places:  # it grows meanwhile
        clipped = [
            (max(tree.starts[child], start), min(tree.ends[child], end), child) for child in tree.children[index]
        ]
        below = sorted(item for item in clipped if item[1] > item[0])
        first = len(places)
        places.extend((child, child_start, child_end) for child_start, child_end, child in below)
        children = range(first, len(places))
        laid.append(Laid(index, start, end, children, sorted(children, key=lambda at: places[at][2])))
    return laid


def duration_without(laid: Sequence[Laid], stages: Sequence[Stage], stage: Stage) -> int:
    """The root's duration if the spans of a stage had no time of their own."""
    durations = [0] * len(laid)
    for at in range(len(laid) - 1, -1, -1):  # children before their parents
        durations[at] = _duration(laid, at, durations, spends=stages[laid[at].index] != stage)
    return durations[0]


def _duration(laid: Sequence[Laid], at: int, durations: Sequence[int], *, spends: bool) -> int:
    """One span's duration, given those of its children. Times are from its start, before and after."""
    span = laid[at]
    if not span.children:
        return span.end - span.start if spends else 0
    ends: dict[int, int] = {}
    ended, was, now = 0, span.start, 0  # children that have ended; when the last of them did, before and after
    for child in span.children:
        while ended < len(span.ending) and laid[span.ending[ended]].end <= laid[child].start:
            was, now = laid[span.ending[ended]].end, max(now, ends[span.ending[ended]])
            ended += 1
        ends[child] = now + (laid[child].start - was if spends else 0) + durations[child]
    last = laid[span.ending[-1]].end
    return max(now, *ends.values()) + (span.end - last if spends else 0)
