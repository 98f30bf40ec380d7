"""Dynamic batching: calls that come at the same time share one run of a function, and every trace stays true.

In: calls, each with the items of one request. Out: their results. State: the items that wait, owned by one `Batcher`
or `AsyncBatcher`. No thread of its own: a batch runs in one of the callers' threads, or in a task of their event loop.
"""

from telemetry.batching.batched import batched, batcher_of
from telemetry.batching.errors import BatchBroken, BatcherClosed, BatchingError, QueueFull, WrongResults
from telemetry.batching.tasks import AsyncBatcher
from telemetry.batching.threads import Batcher

__all__ = [
    "AsyncBatcher",
    "BatchBroken",
    "Batcher",
    "BatcherClosed",
    "BatchingError",
    "QueueFull",
    "WrongResults",
    "batched",
    "batcher_of",
]
