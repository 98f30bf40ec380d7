"""Jaeger's critical path, restated: an oracle beside which ours is tested.

The rule of jaeger-ui 2.x (packages/jaeger-ui/src/components/TracePage/CriticalPath): children of PRODUCER and CONSUMER
kind are left out; children are cut to their parents, in tree order, and those outside of them are left out with all
below; then, from the end of a root backwards, into the child that ended last, from its start to the child that ended
STRICTLY before, and so on. Every root has a path of its own. Clocks are corrected by Jaeger's server, and only if
`max_clock_skew_adjust` allows it, which is off by default.
"""

from collections import defaultdict
from collections.abc import Sequence

from collector.analysis.seen import Seen

Interval = tuple[int, int]


def jaeger_times(spans: Sequence[Seen]) -> dict[str, int]:
    """Nanoseconds on the critical path by span id, for spans with ids of their own."""
    by_id = {span.span_id: span for span in spans}
    below: dict[str, list[Seen]] = defaultdict(list)
    for span in spans:
        if span.parent_span_id in by_id and span.kind not in {"producer", "consumer"}:
            below[span.parent_span_id].append(span)
    times: dict[str, int] = defaultdict(int)
    for span in spans:
        if span.parent_span_id not in by_id:
            _walk(span, (span.start_unix_ns, span.end_unix_ns), below, times)
    return times


def _walk(span: Seen, interval: Interval, below: dict[str, list[Seen]], times: dict[str, int]) -> None:
    start, now = interval
    cut = [(child, _cut(child, interval)) for child in below[span.span_id] if _overlaps(child, interval)]
    before: int | None = None  # the start of the child that was on the path last
    while True:
        ended = [item for item in cut if before is None or item[1][1] < before]
        if not ended:
            times[span.span_id] += now - start
            return
        child, inside = max(ended, key=lambda item: item[1][1])
        times[span.span_id] += now - inside[1]
        _walk(child, inside, below, times)
        before = now = inside[0]


def _overlaps(child: Seen, parent: Interval) -> bool:
    begins_inside = parent[0] <= child.start_unix_ns < parent[1]
    return begins_inside or (child.start_unix_ns < parent[0] < child.end_unix_ns)


def _cut(child: Seen, parent: Interval) -> Interval:
    return max(child.start_unix_ns, parent[0]), min(child.end_unix_ns, parent[1])
