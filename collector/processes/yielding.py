"""Threads that let others have the processor first.

Who asks waits for an answer, and a transaction for its turn; what is to be decoded may wait a little.
"""

import os
import sys
import threading
from contextlib import suppress
from typing import Final

NICE: Final = 10
"""A thread that yields has a tenth of what another has, where there are more than processors."""


def yield_to_others() -> None:
    """Let the calling thread yield; only where a thread has a priority of its own, on Linux."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
