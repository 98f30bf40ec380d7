"""How long a request of this process waited for each executor.

In: the calls of `Instances`. Out: seconds by the name of the role, for who asked for them. State: a dictionary for
each request that is timed, in its task's context.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_TOOK: Final[ContextVar[dict[str, float] | None]] = ContextVar("took", default=None)


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Collect what the calls inside the block take; the dictionary grows as they end."""
    took: dict[str, float] = {}
    token = _TOOK.set(took)
    try:
        yield took
    finally:
        _TOOK.reset(token)


@contextmanager
def waiting_for(role: str) -> Iterator[None]:
    """Add the block's time to that of `role`, however it ends; nothing where nobody times the request."""
    took = _TOOK.get()
    if took is None:
        yield
        return
    begun = time.perf_counter()
    try:
        yield
    finally:
        took[role] = took.get(role, 0.0) + time.perf_counter() - begun
