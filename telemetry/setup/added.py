"""Flushes and shuts down what other code added to our providers.

In: providers, a deadline. Out: whether all could be flushed. State: none. Span processors, log record processors and
metric readers may take any time, so they run on a thread that is waited for until the deadline; each fault is counted.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from telemetry.pipeline.worker import run_uninstrumented, start_worker
from telemetry.recording.guard import guard


class Provider(Protocol):
    """A provider of ours."""

    def added(self) -> Sequence[Any]:
        """Return the processors or readers that other code added, unless they were shut down with the provider."""


class Added:
    """What was added to `providers`."""

    def __init__(self, providers: Sequence[Provider] = ()) -> None:
        self._providers = providers

    def begin_flush(self, deadline: float) -> Callable[[], bool]:
        """Begin to flush all until `deadline`, by `time.monotonic`; return what waits, and returns the outcome."""
        return self._begin(lambda one: one.force_flush(_millis(deadline)) is not False, deadline)

    def begin_shutdown(self, deadline: float) -> Callable[[], bool]:
        """Begin to shut down all, as `begin_flush` does."""
        return self._begin(lambda one: one.shutdown() is not False, deadline)

    def _begin(self, do: Callable[[Any], bool], deadline: float) -> Callable[[], bool]:
        added = [one for provider in self._providers for one in provider.added()]
        if not added:
            return lambda: True
        outcomes: list[bool] = []
        run = partial(_run, do, added, outcomes)
        thread: threading.Thread | None = None
        try:
            thread = start_worker("added", run)
        except RuntimeError:  # from Python 3.12 on none starts while the interpreter exits
            run_uninstrumented(run)

        def finish() -> bool:
            if thread is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
            return len(outcomes) == len(added) and all(outcomes)

        return finish


def _run(do: Callable[[Any], bool], added: Sequence[Any], outcomes: list[bool]) -> None:
    for one in added:
        done = False
        with guard:
            done = do(one)
        outcomes.append(done)


def _millis(deadline: float) -> int:
    return max(1, round((deadline - time.monotonic()) * 1000))
