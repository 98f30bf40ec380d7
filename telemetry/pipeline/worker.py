"""Starts the threads of the pipelines.

In: what a thread does. Out: a running daemon thread, whose own calls no instrumentation sees. State: none.
"""

import threading
import time
from collections.abc import Callable

from opentelemetry.instrumentation.utils import suppress_http_instrumentation, suppress_instrumentation

_LAST_MOMENT = 0.1  # seconds for all threads together; one that hangs all the same is left behind, as a daemon may be

PREFIX = "search-telemetry-"
"""How the names of our threads begin."""


def start_worker(name: str, run: Callable[[], None]) -> threading.Thread:
    """Run `run` on a daemon thread of ours: exporting telemetry must not make telemetry."""
    thread = threading.Thread(target=run_unseen, args=(run,), name=PREFIX + name, daemon=True)
    thread.start()
    return thread


def run_unseen(run: Callable[[], None]) -> None:
    """Run `run` on this thread, unseen by instrumentation."""
    with suppress_instrumentation(), suppress_http_instrumentation():
        run()


def stop_worker(thread: threading.Thread | None, deadline: float) -> None:
    """See off a thread that was told to end by `deadline`, of `time.monotonic`."""
    if thread is not None and thread is not threading.current_thread():
        thread.join(max(0.0, deadline + _LAST_MOMENT - time.monotonic()))


def process_exits() -> bool:
    """Say whether the interpreter has begun to end: its last threads are waited for, its exit handlers run."""
    # The private name is true from the first moment on; the public question only after the end of thread pools.
    return getattr(threading, "_SHUTTING_DOWN", False) or not threading.main_thread().is_alive()
