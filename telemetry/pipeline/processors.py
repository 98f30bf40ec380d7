"""The pipelines of spans and of log records: each puts its items into a queue.

In: items, on the user's threads. Out: the same items, in a queue. State: one queue each.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, Final, Generic

from opentelemetry.sdk.resources import Resource

from telemetry.pipeline.queue import BatchQueue, T
from telemetry.pipeline.stats import Counts, SignalStats
from telemetry.pipeline.worker import process_exits
from telemetry.recording.guard import guard
from telemetry.recording.traces.span import Span

_log = logging.getLogger("search_telemetry")
_PROVIDER_TIMEOUT = 5.0  # seconds, if a user shuts the SDK's provider down without a timeout
_BY_US: Final = "telemetry was shut down; call telemetry.configure() to start it again"
_BY_OTHERS: Final = (
    "other code has shut down OpenTelemetry's provider; call telemetry.configure() afterwards to start it again"
)


class QueuePipeline(Generic[T]):
    """The pipeline of one signal, as `Telemetry` controls it.

    Arguments: `make_queue` creates a queue that counts in the `Counts` it is given.
    """

    _name = "items"

    def __init__(self, make_queue: Callable[[Counts], BatchQueue[T]]) -> None:
        self._make_queue = make_queue
        self._accepts: Callable[[T], bool] | None = None  # whether an item is this process's to export; None: all are
        self._inherited: list[object] = []  # kept alive: destroying a parent's object would have effects on the parent
        self._start_queue(Counts())

    def _start_queue(self, counts: Counts) -> None:
        self._counts = counts
        self.queue = self._make_queue(counts)
        self._close_reason: str | None = None  # until it has been logged

    def begin_again(self) -> None:
        """Accept items again after a close; do nothing while it runs. The counts go on."""
        if self.queue.closed:
            self._start_queue(self._counts)

    def put(self, item: T) -> None:
        """Queue an item. Never raises."""
        if self._accepts is not None and not self._accepts(item):
            return
        try:
            if not self.queue.push(item):
                self._warn_of_close()
        except Exception:
            with guard:  # around all of it, it would double the cost
                raise

    def _warn_of_close(self) -> None:
        if self._close_reason is not None and not process_exits():
            why, self._close_reason = self._close_reason, None
            _log.warning("%s are recorded but lost: %s (logged once)", self._name, why)

    def begin_flush(self) -> int:
        """Start to export everything, without waiting."""
        return self.queue.begin_flush()

    def finish_flush(self, target: int, deadline: float) -> bool:
        """Wait for the end of a flush; return whether nothing was lost."""
        return self.queue.finish_flush(target, deadline)

    def begin_close(self, deadline: float, *, patient: bool = True) -> None:
        """Accept no more items, and start to export the rest until `deadline`, without waiting."""
        self._close(deadline, _BY_US if patient else None, patient=patient)

    def _close(self, deadline: float, why: str | None, *, patient: bool = True) -> None:
        if not self.queue.closed:
            self._close_reason = why
        self.queue.begin_close(deadline, patient=patient)

    def finish_close(self, deadline: float) -> bool:
        """Wait for the end of a close, and drop what is left; return whether nothing was lost."""
        return self.queue.finish_close(deadline)

    def stats(self) -> SignalStats:
        """Return the counts."""
        return self._counts.snapshot()

    def start(self) -> None:
        """Do nothing: the queue starts its thread with the first item."""

    def renew(self) -> None:
        """Start over in a forked child, without the inherited queue."""
        self._inherited.append(self.queue)
        self._start_queue(Counts())

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush, for the SDK's provider."""
        return self.finish_flush(self.begin_flush(), time.monotonic() + timeout_millis / 1000)

    def shutdown(self) -> None:
        """Close, for the SDK's provider."""
        deadline = time.monotonic() + _PROVIDER_TIMEOUT
        self._close(deadline, _BY_OTHERS)
        self.finish_close(deadline)


class SpanPipeline(QueuePipeline[Span]):
    """Queues ended spans.

    A span that was open when this process was forked is exported by the parent alone. It is recognized by its resource,
    since the SDK creates a new one in a child. Arguments: `make_queue` as above; `resource` returns the provider's
    current resource.
    """

    _name = "spans"

    def __init__(
        self, make_queue: Callable[[Counts], BatchQueue[Span]], resource: Callable[[], Resource] | None = None
    ) -> None:
        super().__init__(make_queue)
        self._current_resource = resource
        self._child_resources: dict[int, Resource] = {}  # by their ids; empty in a process that was not forked

    def renew(self) -> None:
        """Start over in a forked child, without the inherited queue."""
        super().renew()
        self._child_resources = {}
        self._add_resource()

    def rename(self) -> None:
        """Accept spans of the provider's current resource as well: a forked child has a new name."""
        if self._child_resources:
            self._add_resource()

    def _add_resource(self) -> None:
        if self._current_resource is not None:
            resource = self._current_resource()
            self._child_resources = {**self._child_resources, id(resource): resource}
            self._accepts = self._is_of_child

    def _is_of_child(self, span: Span) -> bool:
        return id(span._resource) in self._child_resources  # noqa: SLF001  as `resource`, without a call


class LogPipeline(QueuePipeline[Any]):
    """Queues log records: `ReadableLogRecord`s of the SDK's, and `Record`s of ours."""

    _name = "log records"
