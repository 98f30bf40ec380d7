"""What a call costs its caller, in a loop: microseconds of CPU of the calling thread.

The loop is cut into stretches, after each of which everything is exported, so that no queue is ever full. What exports
runs beside the loop, as in a service; only its own thread pays for that. A stretch is in a root span, as in a request.
"""

from collections.abc import Callable
from itertools import repeat
from statistics import fmean
from time import thread_time

from benchmarks.engine.measures import begin, check
from benchmarks.engine.peers import Mode

STRETCH = 1000  # calls: fewer than the smallest queue holds spans


def measure(peer: str, name: str, mode: Mode = "on", *, calls: int, addresses: tuple[str, ...]) -> dict[str, float]:
    """Measure the call of that name."""
    started = begin(peer, addresses, mode, metrics=True)
    call = started.calls[name]
    stretch = min(calls, STRETCH)
    took = []
    for _ in range(1 + calls // stretch):
        begun = thread_time()
        with started.root():
            _loop(call.run, stretch)
        took.append(thread_time() - begun - _loop(call.bare, stretch))
        started.flush()
    check(started)
    return {"cpu": fmean(took[1:]) / stretch * 1e6}  # the first one warms up


def _loop(call: Callable[[], object], calls: int) -> float:
    begun = thread_time()
    for _ in repeat(None, calls):
        call()
    return thread_time() - begun
