"""The priority of threads: some may wait for the processor until others have had it.

In: the thread that calls. Out: its lower priority. State: the operating system's.
"""

import os
import sys
import threading
from contextlib import suppress
from typing import Final

NICE: Final = 10
"""The nice value of work that may wait: about a tenth of the processor's time of other work that wants it, too."""


def lower_priority() -> None:
    """Give the calling thread a lower priority, on Linux alone: elsewhere a thread has none of its own."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
