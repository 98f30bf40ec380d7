"""Dynamic batching: calls that come at the same time share one run of a function, and each keeps its own trace.

In: calls, each with the items of one request. Out: their results. State: the items that wait, owned by one `Batcher`
or `AsyncBatcher`. There is no extra thread: a batch runs in the thread of a caller, or in a task of its event loop.
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
