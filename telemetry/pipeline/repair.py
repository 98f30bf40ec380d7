"""Mends what OTLP cannot spell, once an encoder has failed on it.

In: ended spans and log records. Out: equal ones, but for texts that are no Unicode (a lone surrogate, as in the name of
a file that could not be decoded), which get a question mark, and integers beyond 64 bits, which become texts. State:
none.

One such text would cost every other span of its export.
"""

import copy
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, Status

_MOST: Final = 2**63


def repaired_span(span: ReadableSpan) -> ReadableSpan:
    """Return a span that can be encoded."""
    events = [Event(_text(event.name), _mapping(event.attributes), event.timestamp) for event in span.events]
    links = [Link(link.context, _mapping(link.attributes)) for link in span.links]
    words = span.status.description
    return ReadableSpan(
        name=_text(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_mapping(span.attributes),
        events=events,
        links=links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=Status(span.status.status_code, None if words is None else _text(words)),
        start_time=span.start_time,
        end_time=span.end_time,
    )


def repaired_record(record: ReadableLogRecord) -> ReadableLogRecord:
    """Return a log record that can be encoded."""
    inner = copy.copy(record.log_record)
    inner.body = _value(inner.body)
    inner.attributes = _mapping(inner.attributes)
    return ReadableLogRecord(
        log_record=inner,
        resource=record.resource,
        instrumentation_scope=record.instrumentation_scope,
        limits=record.limits,
    )


def _mapping(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {_text(name): _value(value) for name, value in (attributes or {}).items()}


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and not -_MOST <= value < _MOST:
        return str(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, list | tuple):
        return type(value)(_value(item) for item in value)
    return value


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
