"""Clocks of two hosts that differ: a SERVER span is moved into its CLIENT span.

A server works while its client waits. If its span lies outside of the client's, their clocks differ, and the SERVER
span is moved, with every span below it of the same process. The rule is that of Jaeger's clock skew adjuster
(cmd/query/app/querysvc/adjuster/clockskew.go): the middle of the client's span, as if both directions took the same
time; a server that took longer than its client, which gave up, only so that it does not begin before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from collector.analysis.tree import Tree, ordered

MOST_NS: Final = 3_600 * 10**9
"""Clocks that differ by more than an hour are not corrected: a time may be missing or wrong altogether."""


@dataclass(frozen=True)
class Aligned:
    """A tree by one clock, the root's."""

    tree: Tree
    moved: int
    """SERVER spans that were moved."""
    too_far: int
    """SERVER spans that would have to be moved by more than an hour; they stay where they are."""


def align(tree: Tree, kinds: Sequence[str]) -> Aligned:
    """Move every SERVER span that is outside of its CLIENT parent into it.

    Args:
        tree: of one trace.
        kinds: of the spans, by their index.
    """
    if all(_fits(tree, kinds, index) for index, kind in enumerate(kinds) if kind == "server"):
        return Aligned(tree, 0, 0)
    shifts = [0] * len(kinds)
    starts, ends = list(tree.starts), list(tree.ends)
    moved = too_far = 0
    for index, _ in tree.order:
        parent = tree.parents[index]
        if parent is None:
            continue
        if kinds[index] == "server" and kinds[parent] == "client":
            shift = _shift(starts[parent], ends[parent], tree.starts[index], tree.ends[index])
            if abs(shift) > MOST_NS:
                shift, too_far = 0, too_far + 1
            moved += shift != 0
        else:
            shift = shifts[parent]
        shifts[index] = shift
        starts[index] += shift
        ends[index] += shift
    children = [sorted(below, key=starts.__getitem__) for below in tree.children]
    order = ordered(tree.roots, children)
    aligned = Tree(starts, ends, tree.parents, children, tree.roots, min(starts), max(ends), order)
    return Aligned(aligned, moved, too_far)


def _fits(tree: Tree, kinds: Sequence[str], index: int) -> bool:
    """Whether a SERVER span lies inside of its CLIENT span, or has none."""
    parent = tree.parents[index]
    if parent is None or kinds[parent] != "client":
        return True
    return tree.starts[parent] <= tree.starts[index] and tree.ends[index] <= tree.ends[parent]


def _shift(client_start: int, client_end: int, start: int, end: int) -> int:
    """By how much a SERVER span is moved; 0 if it is inside of its CLIENT span."""
    spare = (client_end - client_start) - (end - start)
    if spare < 0:
        return max(0, client_start - start)
    if client_start <= start and end <= client_end:
        return 0
    return client_start + spare // 2 - start
