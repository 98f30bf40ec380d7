"""Encodes log records for OTLP.

In: objects with `log_record` (the API's `LogRecord`), `resource` and `instrumentation_scope`, as the SDK's
`ReadableLogRecord`. Out: an encoded `ExportLogsServiceRequest`. State: as for spans.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from telemetry.otlp import repair
from telemetry.otlp.writing.frames import ITEM, Frames, Groups
from telemetry.otlp.writing.values import Values
from telemetry.otlp.writing.wire import FIXED32, fixed32_tag, fixed64_tag, sized, tag, varint, varint_tag
from telemetry.privacy.scrubber import Scrubs, current
from telemetry.privacy.urls import LOGGED

# Of `LogRecord`, in opentelemetry/proto/logs/v1/logs.proto, by number.
_TIME, _OBSERVED = fixed64_tag(1)[0], fixed64_tag(11)[0]
_SEVERITY, _SEVERITY_TEXT, _BODY, _ATTRIBUTE, _DROPPED = varint_tag(2), tag(3), tag(5), tag(6), varint_tag(7)
_FLAGS, _TRACE_ID, _SPAN_ID, _EVENT_NAME = fixed32_tag(8), tag(9) + b"\x10", tag(10) + b"\x08", tag(12)
_TIMES: Final = struct.Struct("<BQBQ").pack


def encode_log_records(records: Sequence[Any], longest: int | None = None) -> bytes:
    """Return the request that exports `records`, scrubbed; then attributes are cut to `longest` characters."""
    return _writer(current(), longest).request(records)


class _LogWriter:
    """Encodes log records with one scrubber and one limit."""

    def __init__(self, scrubber: Scrubs, longest: int | None) -> None:
        self._uncut = Values(scrubber)
        self._frames = Frames(self._uncut)
        self._attributes = Values(scrubber, longest).attributes

    def request(self, records: Sequence[Any]) -> bytes:
        """Return a request."""
        groups = Groups(self._frames)
        for record in records:
            items = groups.of(record.resource, record.instrumentation_scope)
            items += ITEM, sized(self._record(record.log_record))
        return groups.request()

    def _record(self, record: Any) -> bytes:
        times = record.timestamp or 0, record.observed_timestamp or 0
        try:
            parts = [_TIMES(_TIME, times[0], _OBSERVED, times[1])]
        except struct.error:
            parts = [_TIMES(_TIME, repair.time(times[0]) or 0, _OBSERVED, repair.time(times[1]) or 0)]
        if record.severity_number is not None:
            parts += _SEVERITY, varint(record.severity_number.value)
        if record.severity_text is not None:
            parts += _SEVERITY_TEXT, self._uncut.text(record.severity_text)
        parts += _BODY, sized(self._uncut.any_value(LOGGED, record.body))
        attributes = record.attributes
        if attributes:
            self._attributes(attributes, _ATTRIBUTE, parts)
        dropped = getattr(attributes, "dropped", 0)  # of the SDK's `BoundedAttributes`
        if dropped:
            parts += _DROPPED, varint(dropped)
        if record.trace_flags:
            parts += _FLAGS, FIXED32(record.trace_flags)
        if record.trace_id:
            parts += _TRACE_ID, record.trace_id.to_bytes(16, "big")
        if record.span_id:
            parts += _SPAN_ID, record.span_id.to_bytes(8, "big")
        if record.event_name is not None:
            parts += _EVENT_NAME, self._uncut.text(record.event_name)
        return b"".join(parts)


_writer = lru_cache(4)(_LogWriter)
