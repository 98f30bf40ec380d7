"""The critical path: which span determined the end of a trace, at each moment.

The algorithm is that of CRISP (Zhang, Z., Ramanathan, M. K., Raj, P., Parwal, A., Sherwood, T., Chabbi, M.: "CRISP:
Critical Path Analysis of Large-Scale Microservice Architectures", USENIX ATC 2022, section 4): from the end of a span
backwards, always into the child that finished last; before that child began, into the child that finished last before
its start, and so on. A child that was still running when a later one of the path began ran in parallel and is not on
the path; the time that no child of the path covers is the span's own.
"""

from collector.analysis.tree import Tree


def critical_parts(tree: Tree) -> list[list[tuple[int, int]]]:
    """When each span is on the critical path of the trace's root: (start, end) in nanoseconds, by the span's index.

    Children are clipped to their parents, so the parts of all spans together are the root's interval, without gap or
    overlap, even if the services' clocks differ. Spans of other roots are not on the path.
    """
    parts: list[list[tuple[int, int]]] = [[] for _ in tree.starts]
    pending = [(tree.root, tree.starts[tree.root], tree.ends[tree.root])]
    while pending:  # a stack, not recursion: traces may be 10,000 spans deep
        index, start, end = pending.pop()
        if not tree.children[index]:
            parts[index].append((start, end))
            continue
        now = end
        for child_start, child_end, child in _last_to_finish_first(tree, index, start, end):
            if child_end <= now:
                parts[index].append((child_end, now))
                now = child_start
                pending.append((child, child_start, child_end))
        parts[index].append((start, now))
    return [[(start, end) for start, end in reversed(own) if end > start] for own in parts]


def critical_times(tree: Tree) -> list[int]:
    """How long each span is on the critical path, in nanoseconds; the values sum to the root's duration exactly.

    The same walk as that of `critical_parts`, without the parts: for each trace that is counted, it takes half as long.
    """
    times = [0] * len(tree.starts)
    pending = [(tree.root, tree.starts[tree.root], tree.ends[tree.root])]
    while pending:
        index, start, end = pending.pop()
        own = end - start
        if tree.children[index]:
            now = end
            for child_start, child_end, child in _last_to_finish_first(tree, index, start, end):
                if child_end <= now:
                    own -= child_end - child_start
                    now = child_start
                    pending.append((child, child_start, child_end))
        times[index] = own
    return times


def _last_to_finish_first(tree: Tree, index: int, start: int, end: int) -> list[tuple[int, int, int]]:
    """The children's intervals clipped to [start, end]; of two that finish together, the one that began first."""
    clipped: list[tuple[int, int, int]] = []
    for child in tree.children[index]:
        child_start, child_end = tree.starts[child], tree.ends[child]
        if child_start < start:  # noqa: PLR1730 (`max` and `min` take five times as long)
            child_start = start
        if child_end > end:  # noqa: PLR1730
            child_end = end
        if child_end > child_start:
            clipped.append((child_start, child_end, child))
    if len(clipped) > 1:
        clipped.sort(key=lambda item: (-item[1], item[0]))
    return clipped
