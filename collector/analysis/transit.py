"""The time on the way: what the client of a request waited longer than its server worked."""

from collections.abc import Sequence

from collector.analysis.tree import Tree


def transit_ns(tree: Tree, kinds: Sequence[str]) -> int | None:
    """Nanoseconds of the root CLIENT span without its SERVER child; None if the trace does not begin with these.

    Both are durations, each by one clock: a difference between the clocks does not matter. Of several SERVER children
    (the call was repeated), the one that ended last counts. A server that took longer than its client, which gave up,
    gives 0.

    Args:
        tree: of one trace.
        kinds: of the spans, by their index.
    """
    root = tree.root
    servers = [child for child in tree.children[root] if kinds[child] == "server"]
    if kinds[root] != "client" or not servers:
        return None
    server = max(servers, key=lambda child: tree.ends[child])
    return max(0, (tree.ends[root] - tree.starts[root]) - (tree.ends[server] - tree.starts[server]))
