"""What a call takes of memory: bytes at its peak (`tracemalloc`), and blocks that it keeps until it is exported.

Blocks are those of `sys.getallocatedblocks`, the difference over many calls.
"""

import gc
import os
import sys
import tracemalloc
from collections.abc import Callable
from statistics import median

from benchmarks.engine.measures import begin
from benchmarks.engine.peers import Mode

MOST = 400  # calls, whose spans are fewer than a batch: nothing is exported meanwhile


def measure(peer: str, name: str, mode: Mode = "on", *, calls: int, addresses: tuple[str, ...]) -> dict[str, float]:
    """Measure the call of that name."""
    os.environ["OTEL_BSP_SCHEDULE_DELAY"] = "60000"
    started = begin(peer, addresses, mode)
    call = started.calls[name].run
    for _ in range(8):
        call()  # what is made once, at a first call, is not a call's
    started.flush()
    many = min(calls, MOST)
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(many):
        call()
    gc.collect()
    blocks = (sys.getallocatedblocks() - before) / many
    return {"blocks": blocks, "bytes": _peak(call)}


def _peak(call: Callable[[], object]) -> float:
    peaks = []
    tracemalloc.start()
    for _ in range(20):
        tracemalloc.reset_peak()
        standing = tracemalloc.get_traced_memory()[0]
        call()
        peaks.append(tracemalloc.get_traced_memory()[1] - standing)
    tracemalloc.stop()
    return median(peaks)
