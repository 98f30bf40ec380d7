"""The critical path: which span the end of a trace was waiting for, moment by moment.

In: a `Tree`. Out: nanoseconds on the critical path for each span. Owns: nothing.

The walk is that of CRISP (Zhang, Z., Ramanathan, M. K., Raj, P., Parwal, A., Sherwood, T., Chabbi, M.: "CRISP: Critical
Path Analysis of Large-Scale Microservice Architectures", USENIX ATC 2022, section 4): from the end of a span backwards,
always into the child that finished last; before that child began, into the child that finished last before its start,
and so on. A child that was still running when a later one of the path began ran beside it and is not on the path; the
time that no child of the path covers is the span's own.
"""

from collector.analysis.tree import Tree


def critical_times(tree: Tree) -> list[int]:
    """How long each span is on the critical path of the trace's root, in nanoseconds, by the span's index in the tree.

    Children are clipped to their parents, so the values sum to the root's duration exactly, whatever the clocks of the
    services say. Spans of other roots are on no path: zero.
    """
    critical = [0] * len(tree.starts)
    pending = [(tree.root, tree.starts[tree.root], tree.ends[tree.root])]
    while pending:  # a stack, not recursion: traces may be 10,000 spans deep
        index, start, end = pending.pop()
        own, now = 0, end
        for child_start, child_end, child in _last_to_finish_first(tree, index, start, end):
            if child_end <= now:
                own += now - child_end
                now = child_start
                pending.append((child, child_start, child_end))
        critical[index] = own + now - start
    return critical


def _last_to_finish_first(tree: Tree, index: int, start: int, end: int) -> list[tuple[int, int, int]]:
    """The children's intervals clipped to [start, end]; of two that finish together, the one that began first."""
    clipped = ((max(tree.starts[child], start), min(tree.ends[child], end), child) for child in tree.children[index])
    return sorted((item for item in clipped if item[1] > item[0]), key=lambda item: (-item[1], item[0]))
