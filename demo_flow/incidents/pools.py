"""Lets other work hold the threads of a pool, as a job that was started beside the requests would.

In: a pool. Out: work in it, while the incident lasts. State: the event that ends that work.
"""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from demo_flow.incidents.active import ACTIVE
from demo_flow.incidents.table import Incident

P = TypeVar("P", bound=ThreadPoolExecutor)


def starvable(pool: P, threads: int) -> P:
    """Return the pool; an incident at `pool` holds its threads."""
    ACTIVE.extras["pool"] = partial(_held, pool, threads)
    return pool


@contextlib.contextmanager
def _held(pool: ThreadPoolExecutor, threads: int, incident: Incident) -> Iterator[None]:
    """Keep all threads busy; what a request submits waits for its turn among that work."""
    over = threading.Event()

    def work() -> None:
        if not over.wait(incident.delay):
            with contextlib.suppress(RuntimeError):  # the pool is shut down
                pool.submit(work)

    for _ in range(threads):
        pool.submit(work)
    try:
        yield
    finally:
        over.set()
