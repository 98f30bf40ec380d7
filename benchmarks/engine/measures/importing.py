"""What it takes to import a library and to start it: milliseconds of CPU, and the MiB that the process has then.

`cpu` and `memory` are as the start returns; `memory_used` is after a first span was exported.
"""

import os
import sys
from time import process_time

from benchmarks.engine.measures import begin


def measure(peer: str, _: str = "", *, calls: int, addresses: tuple[str, ...]) -> dict[str, float]:  # noqa: ARG001
    """Measure it; it can be done once in a process."""
    begun = process_time()
    started = begin(peer, addresses)
    spent, after = process_time() - begun, _memory()
    started.calls["span"].run()
    started.flush()
    return {"cpu": spent * 1e3, "memory": after, "memory_used": _memory()}


def _memory() -> float:
    """Return the MiB that this process has in memory."""
    if sys.platform == "linux":
        with open("/proc/self/statm") as file:  # noqa: PTH123  pathlib is among what a library may be the first to import
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS
