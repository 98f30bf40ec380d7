"""What a span costs behind its caller, until the sink has it: microseconds of CPU of all other work of the process.

Calls are made in stretches that a queue holds; what the calling thread spent on them is subtracted. The export that a
flush makes on the calling thread counts, as does what a native thread does.
"""

from itertools import repeat
from statistics import fmean
from time import process_time, thread_time

from benchmarks.engine.measures import begin, check
from benchmarks.engine.measures.caller import STRETCH


def measure(peer: str, name: str, *, calls: int, addresses: tuple[str, ...]) -> dict[str, float]:
    """Measure the spans of the call of that name."""
    started = begin(peer, addresses, metrics=False)
    call = started.calls[name].run
    stretch = min(calls, STRETCH)
    took = []
    for _ in range(1 + calls // stretch):
        begun, by_caller = process_time(), thread_time()
        with started.root():
            for _ in repeat(None, stretch):
                call()
        by_caller = thread_time() - by_caller
        started.flush()
        took.append(process_time() - begun - by_caller)
    check(started)
    return {"cpu": fmean(took[1:]) / stretch * 1e6}  # the first one warms up
