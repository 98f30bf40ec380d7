"""The priority of threads: some may wait for the processor until others have had it.

In: the thread that calls. Out: its lower priority. State: the operating system's.
"""

import os
import sys
import threading
from contextlib import suppress
from typing import Final

NICER: Final = 10
"""Added to the nice value of work that may wait: beside other work, it gets about a tenth of the time."""


def lower_priority() -> None:
    """Give the calling thread a lower priority, on Linux alone: elsewhere a thread has none of its own."""
    if sys.platform == "linux":
        with suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICER)
