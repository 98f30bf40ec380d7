"""A batcher of an executor, which an incident can give other limits.

In: calls with the items of one request. Out: their results. State: the usual batcher, and one for each incident that
was active; calls that wait in one stay there when the incident ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from demo_flow.incidents.active import ACTIVE
from demo_flow.incidents.table import Incident
from telemetry.batching import AsyncBatcher

T = TypeVar("T")
R = TypeVar("R")


class _Limits(NamedTuple):
    batch: int
    queue: int


_LIMITS: Final = {"tiny-batches": _Limits(1, 1024), "queue-saturation": _Limits(2, 8)}
"""Most items in a batch and in the queue before it."""


def batch_size(usual: int) -> int:
    """Return how many documents a batch takes now."""
    incident = ACTIVE.at("batches")
    return usual if incident is None else min(usual, _LIMITS[incident.name].batch)


class Batcher(Generic[T, R]):
    """An `AsyncBatcher`, with the same arguments; `at` is the place of an incident in it alone."""

    def __init__(
        self,
        fn: Callable[[list[T]], Awaitable[Iterable[R]]],
        *,
        max_size: int,
        max_wait: float,
        max_queue: int,
        at: str = "",
    ) -> None:
        self._fn = fn
        self._at = at
        self._usual = AsyncBatcher[T, R](fn, max_size=max_size, max_wait=max_wait, max_queue=max_queue)
        self._limited: dict[str, AsyncBatcher[T, R]] = {}

    async def __call__(self, items: Sequence[T]) -> list[R]:
        """Return the results of `items`, those of one request."""
        incident = ACTIVE.at("batches") or ACTIVE.at(self._at)
        return await (self._usual if incident is None else self._limited_by(incident))(items)

    async def close(self) -> None:
        """Refuse further calls; what waits is served first."""
        await asyncio.gather(*(batcher.close() for batcher in (self._usual, *self._limited.values())))

    def _limited_by(self, incident: Incident) -> AsyncBatcher[T, R]:
        async def run(items: list[T]) -> Iterable[R]:
            await asyncio.sleep(incident.delay)
            return await self._fn(items)

        found = self._limited.get(incident.name)
        if found is None:
            limits = _LIMITS[incident.name]
            found = AsyncBatcher(run, max_size=limits.batch, max_queue=limits.queue, name=self._usual.name)
            self._limited[incident.name] = found
        return found
