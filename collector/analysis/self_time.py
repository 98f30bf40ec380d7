"""Self time: the duration of a span without that of its children."""

from collector.analysis.tree import Tree


def self_times(tree: Tree) -> list[int]:
    """The self time of every span, in nanoseconds, by the span's index in the tree.

    It is the span's duration minus the union of its children's intervals, each clipped to the span: children that
    overlap count once, and a child's time outside its parent's interval is not subtracted.
    """
    return [_self_time(tree, index) for index in range(len(tree.starts))]


def _self_time(tree: Tree, index: int) -> int:
    start, end = tree.starts[index], tree.ends[index]
    if not tree.children[index]:
        return end - start
    covered, reached = 0, start
    for child in tree.children[index]:  # by start time, so one pass finds the union
        child_start, child_end = max(tree.starts[child], reached), min(tree.ends[child], end)
        if child_end > child_start:
            covered += child_end - child_start
            reached = child_end
    return end - start - covered
