"""Compares what was sent with what Jaeger has."""

import time
from collections.abc import Iterable

from collector.stack.stack import Stack
from tests.stack import jaeger
from tests.stack.load import SPANS

PATIENCE = 60.0
"""Seconds without any progress after which what is missing counts as lost."""


def missing(stack: Stack, trace_ids: Iterable[str], patience: float = PATIENCE) -> set[str]:
    """The traces that are not stored whole once nothing has come for `patience` seconds; asks only for those."""
    waiting = set(trace_ids)
    since = time.monotonic()
    while waiting and time.monotonic() - since < patience:
        counts = jaeger.count_spans(stack, sorted(waiting))
        whole = {trace_id for trace_id, count in counts.items() if count == SPANS}
        waiting -= whole
        if whole:
            since = time.monotonic()
        elif waiting:
            time.sleep(0.5)
    return waiting
