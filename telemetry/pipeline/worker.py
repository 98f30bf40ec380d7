"""Starts and stops the threads of the pipelines: daemon threads without instrumentation."""

import threading
import time
from collections.abc import Callable

from opentelemetry import context as otel_context

from telemetry.recording.current import attach, detach

_SUPPRESS = ("_SUPPRESS_INSTRUMENTATION_KEY", "_SUPPRESS_HTTP_INSTRUMENTATION_KEY")
"""The names in OpenTelemetry's API of the keys that `opentelemetry.instrumentation.utils` sets, whose import takes
longer than all of `configure`."""
_GRACE = 0.1  # seconds after the deadline; a thread that hangs longer is abandoned

PREFIX = "search-telemetry-"
"""The prefix of the names of our threads."""


def start_worker(name: str, run: Callable[[], None]) -> threading.Thread:
    """Run `run` on a new daemon thread, without instrumentation: exports must not create telemetry."""
    thread = threading.Thread(target=run_uninstrumented, args=(run,), name=PREFIX + name, daemon=True)
    thread.start()
    return thread


def run_uninstrumented(run: Callable[[], None]) -> None:
    """Run `run` on this thread, without instrumentation."""
    context = otel_context.set_value("suppress_instrumentation", True)
    for name in _SUPPRESS:
        context = otel_context.set_value(getattr(otel_context, name, name), True, context)
    token = attach(context)
    try:
        run()
    finally:
        detach(token, context)


def stop_worker(thread: threading.Thread | None, deadline: float) -> None:
    """Wait for a thread that ends by `deadline`, by `time.monotonic`."""
    if thread is not None and thread is not threading.current_thread():
        thread.join(max(0.0, deadline + _GRACE - time.monotonic()))


def process_exits() -> bool:
    """Return whether the interpreter is shutting down: it waits for threads, or runs exit handlers."""
    # The private variable is true from the start; the public check only after the end of thread pools.
    return getattr(threading, "_SHUTTING_DOWN", False) or not threading.main_thread().is_alive()
