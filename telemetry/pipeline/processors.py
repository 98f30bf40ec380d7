"""Joins the queues to the SDK: what its providers hand over goes into a queue.

In: ended spans and emitted log records, on the user's threads. Out: the same, queued. State: one queue each.
"""

import copy
import logging
import time
from collections.abc import Callable
from typing import Any, Final, Generic

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from telemetry.pipeline.queue import BatchQueue, T
from telemetry.pipeline.stats import Counts, SignalStats
from telemetry.pipeline.worker import process_exits
from telemetry.recording.guard import guard

_log = logging.getLogger("search_telemetry")
_PROVIDER_TIMEOUT = 5.0  # seconds, where a user shuts the SDK's provider down and names no time
_BY_US: Final = "telemetry was shut down; telemetry.configure() begins again"
_BY_OTHERS: Final = (
    "somebody has shut down OpenTelemetry's provider; do not, or call telemetry.configure() again after it"
)


class QueueSide(Generic[T]):
    """The side of a queue that `Telemetry` sees.

    Arguments: `make_queue` makes a queue that keeps the books it is given.
    """

    _name = "items"

    def __init__(self, make_queue: Callable[[Counts], BatchQueue[T]]) -> None:
        self._make_queue = make_queue
        self._inherited: list[object] = []  # kept: to destroy a channel of the parent's would touch it
        self._begin(Counts())

    def _begin(self, counts: Counts) -> None:
        self._counts = counts
        self.queue = self._make_queue(counts)
        self._ended: str | None = None  # why it takes nothing more, until somebody is told of it

    def begin_again(self) -> None:
        """Take items again where it was closed; do nothing while it runs. The books go on."""
        if self.queue.closed:
            self._begin(self._counts)

    def _push(self, item: T) -> None:
        if self._ended is not None and not process_exits():
            why, self._ended = self._ended, None
            _log.warning("%s are recorded, and lost: %s (logged once)", self._name, why)
        self.queue.push(item)

    def begin_flush(self) -> int:
        """Have everything exported, without waiting for it."""
        return self.queue.begin_flush()

    def finish_flush(self, target: int, deadline: float) -> bool:
        """Wait for what `begin_flush` began; say whether nothing was lost."""
        return self.queue.finish_flush(target, deadline)

    def begin_close(self, deadline: float, *, patient: bool = True) -> None:
        """Take nothing more, and export until `deadline`, without waiting for it."""
        self._close(deadline, _BY_US if patient else None, patient=patient)

    def _close(self, deadline: float, why: str | None, *, patient: bool = True) -> None:
        if not self.queue.closed:
            self._ended = why
        self.queue.begin_close(deadline, patient=patient)

    def finish_close(self, deadline: float) -> bool:
        """Wait for what `begin_close` began, and give up what is left; say whether nothing was lost."""
        return self.queue.finish_close(deadline)

    def stats(self) -> SignalStats:
        """Return the books."""
        return self._counts.snapshot()

    def start(self) -> None:
        """Do nothing: the queue's thread begins with its first item."""

    def renew(self) -> None:
        """Begin anew in a forked child, and touch nothing that was inherited."""
        self._inherited.append(self.queue)
        self._begin(Counts())

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush, as the SDK's providers ask for it."""
        return self.finish_flush(self.begin_flush(), time.monotonic() + timeout_millis / 1000)

    def shutdown(self) -> None:
        """Close, as the SDK's providers ask for it."""
        deadline = time.monotonic() + _PROVIDER_TIMEOUT
        self._close(deadline, _BY_OTHERS)
        self.finish_close(deadline)


class SpanPipeline(QueueSide[ReadableSpan], SpanProcessor):
    """Takes ended spans.

    A span that was open when this process was forked is left to the parent: it is known by its resource, which the SDK
    makes anew in a child. Arguments: `make_queue` as above; `resource` tells the provider's resource of today.
    """

    _name = "spans"

    def __init__(
        self, make_queue: Callable[[Counts], BatchQueue[ReadableSpan]], resource: Callable[[], Resource] | None = None
    ) -> None:
        super().__init__(make_queue)
        self._resource_now = resource
        self._childs_own: tuple[Resource, ...] = ()

    def renew(self) -> None:
        """Begin anew in a forked child, and touch nothing that was inherited."""
        super().renew()
        if self._resource_now is not None:
            self._childs_own = (self._resource_now(),)

    def rename(self) -> None:
        """Take spans of the provider's resource of today as well: a child was given a name of its own."""
        if self._resource_now is not None and self._childs_own:
            self._childs_own = (*self._childs_own, self._resource_now())

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a sampled span."""
        if self._childs_own and not any(span.resource is own for own in self._childs_own):
            return
        context = span.get_span_context()
        if context is not None and context.trace_flags.sampled:
            with guard:
                self._push(span)


class LogPipeline(QueueSide[ReadableLogRecord], LogRecordProcessor):
    """Takes log records."""

    _name = "log records"

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Queue a record, without the context that it was made in: a queue must not keep requests alive."""
        with guard:
            record = copy.copy(log_record.log_record)
            record.context = Context()
            self._push(
                ReadableLogRecord(
                    log_record=record,
                    resource=log_record.resource or Resource.create({}),
                    instrumentation_scope=log_record.instrumentation_scope,
                    limits=log_record.limits,
                )
            )

    def enabled(self, **_: Any) -> bool:
        """Say whether a record would be queued: not one that we make ourselves while we export."""
        return not otel_context.get_value("suppress_instrumentation")
