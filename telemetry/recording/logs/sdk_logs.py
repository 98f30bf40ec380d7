"""The logs SDK's provider, which hands its records to our pipeline.

In: records of the SDK's loggers, on the user's threads. Out: the same records, for the exporter. State: none. This
module imports the logs SDK; `telemetry.recording.logs.logger_provider` imports it once it is needed.
"""

import copy
from inspect import signature
from typing import Any, Protocol

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.sdk._logs import (
    LoggerProvider,
    LogRecordLimits,
    LogRecordProcessor,
    ReadableLogRecord,
    ReadWriteLogRecord,
)
from opentelemetry.sdk.resources import Resource

from telemetry.recording.guard import guard


class LogExport(Protocol):
    """An exporter of log records, which is shut down with the provider."""

    def put(self, item: Any) -> object:
        """Take a `ReadableLogRecord`, or what has the same attributes."""

    def shutdown(self) -> None:
        """Export what is left, and take nothing more."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what was taken so far; return whether that was possible."""


def make_provider(resource: Resource, export: LogExport, margin: int) -> LoggerProvider:
    """Return a provider whose records go to `export`; it cuts texts `margin` characters after the limit."""
    options: dict[str, Any] = {}
    if _cuts_late():
        cut = longest()
        limits = LogRecordLimits(max_log_record_attribute_length=None if cut is None else cut + margin)
        options["log_record_limits"] = limits
    provider = LoggerProvider(resource, shutdown_on_exit=False, **options)
    provider.add_log_record_processor(_Processor(export))
    return provider


def longest() -> int | None:
    """Return the length that texts are cut to, as the standard variables have it; None if they are not cut."""
    limits = LogRecordLimits()
    return limits.max_log_record_attribute_length if _cuts_late() else limits.max_attribute_length


def _cuts_late() -> bool:
    """Return whether the SDK lets us choose: before 1.45 it cuts, and then we scrub."""
    return "log_record_limits" in signature(LoggerProvider).parameters


class _Processor(LogRecordProcessor):
    """Passes records on."""

    def __init__(self, export: LogExport) -> None:
        self._export = export

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Pass on a record without its context: a queue must not keep requests alive."""
        with guard:
            record = copy.copy(log_record.log_record)
            record.context = Context()
            resource, scope = log_record.resource or Resource.create({}), log_record.instrumentation_scope
            self._export.put(ReadableLogRecord(record, resource, scope, log_record.limits))

    def enabled(self, **_: Any) -> bool:
        """Return whether a record would be queued: not if it comes from our own export."""
        return not otel_context.get_value("suppress_instrumentation")

    def shutdown(self) -> None:
        """Export what is left, and take nothing more."""
        self._export.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what was taken so far; return whether that was possible."""
        return self._export.force_flush(timeout_millis)
