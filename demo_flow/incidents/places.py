"""The places in executors where an incident may act; each is one call, which does nothing without one."""

import asyncio
import time
from collections.abc import Sequence

from demo_flow.incidents.active import ACTIVE


async def delay(place: str) -> None:
    """Wait as long as an incident makes this request wait at `place`."""
    incident = ACTIVE.at(place)
    if incident is not None:
        await asyncio.sleep(incident.delay)


def hold(place: str) -> None:
    """Make a thread wait, as `delay` does a task."""
    incident = ACTIVE.at(place)
    if incident is not None:
        time.sleep(incident.delay)


def vector_of(embedding: Sequence[float]) -> Sequence[float]:
    """Return a document's embedding, or what an incident has made of it."""
    return embedding[: len(embedding) // 2] if ACTIVE.at("vector") is not None else embedding


def is_at(place: str) -> bool:
    """Return whether an incident acts on this request at `place`."""
    return ACTIVE.at(place) is not None
