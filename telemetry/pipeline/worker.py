"""Starts the threads of the pipelines.

In: what a thread does. Out: a running daemon thread, whose own calls no instrumentation sees. State: none.
"""

import threading
from collections.abc import Callable

from opentelemetry.instrumentation.utils import suppress_http_instrumentation, suppress_instrumentation

_LAST_MOMENT = 0.1  # seconds; a thread that hangs in spite of its broken-off call is left behind, as a daemon may be

PREFIX = "search-telemetry-"
"""How the names of our threads begin."""


def start_worker(name: str, run: Callable[[], None]) -> threading.Thread:
    """Run `run` on a daemon thread of ours: exporting telemetry must not make telemetry."""

    def unseen() -> None:
        with suppress_instrumentation(), suppress_http_instrumentation():
            run()

    thread = threading.Thread(target=unseen, name=PREFIX + name, daemon=True)
    thread.start()
    return thread


def stop_worker(thread: threading.Thread | None) -> None:
    """See off a thread that was told to end."""
    if thread is not None and thread is not threading.current_thread():
        thread.join(_LAST_MOMENT)
