"""Encodes spans for OTLP.

In: ended spans of the SDK. Out: an encoded `ExportTraceServiceRequest`, in which a test finds what OpenTelemetry's own
encoder makes of the same spans. State: the attributes and names encoded last, since spans repeat them.

OpenTelemetry's encoder makes a dozen objects for each span, and hashes the resource each time: done under Python's lock
beside the requests, that costs more than to record the span. Here the plain span, which nearly all are, is put together
from bytes; every other one (with events, links, lists, an error's words) is left to OpenTelemetry's encoder. The parts
fit, since an encoded message is no more than the sequence of its encoded fields.

Secrets are hidden on the way: an attribute that was encoded before was scrubbed before, which is why this costs an
ordinary span next to nothing. A text is cut to the SDK's limit only afterwards, so that no half of a secret is left.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as encode_by_the_library
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, SpanFlags, Status
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from telemetry.otlp.repair import repaired_resource, repaired_scope, repaired_span
from telemetry.privacy.messages import cut_texts, scrub_message
from telemetry.privacy.scrubber import Scrubs, current

_CACHED: Final = 4096  # attributes, and names, with texts of at most `_LONGEST` characters
_LONGEST: Final = 256
_KINDS: Final = {
    kind: Span(kind=Span.SpanKind.Value(f"SPAN_KIND_{kind.name}")).SerializeToString() for kind in SpanKind
}
_STATUSES: Final = {
    code: Span(status=Status(code=Status.StatusCode.Value(f"STATUS_CODE_{code.name}"))).SerializeToString()
    for code in StatusCode
}
_LOCAL: Final = Span(flags=SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK).SerializeToString()
_REMOTE: Final = Span(
    flags=SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK | SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
).SerializeToString()
# `Span`'s own fields, as its definition numbers them: a tag is the number times 8, plus how the value is spelled
_TRACE_ID, _SPAN_ID, _PARENT_ID = b"\x0a\x10", b"\x12\x08", b"\x22\x08"
_TIMES: Final = struct.Struct("<BQBQ")
_NOWHERE: Final = Resource({})
_START, _END = 7 << 3 | 1, 8 << 3 | 1


@dataclass(frozen=True, slots=True)
class Cuts:
    """How many characters texts keep, in attributes of spans and in those of events and links; None: all."""

    span: int | None = None
    others: int | None = None


_UNCUT: Final = Cuts()


def encode_spans(spans: Sequence[ReadableSpan], cuts: Cuts = _UNCUT) -> bytes:
    """Return the request that exports `spans`, scrubbed, and then cut."""
    resources: dict[int, dict[object, list[ReadableSpan]]] = {}
    for span in spans:
        scopes = resources.setdefault(id(span.resource), {})
        scopes.setdefault(span.instrumentation_scope, []).append(span)
    return b"".join(_resource_spans(list(scopes.values()), cuts) for scopes in resources.values())


def _resource_spans(scopes: list[list[ReadableSpan]], cuts: Cuts) -> bytes:
    """Encode the spans of one resource, given by scope, as a field of the request."""
    scrubber = current()
    resource = scopes[0][0].resource
    parts: list[bytes] = []
    for group in scopes:
        around = _frame(group[0], resource)
        scrub_message(around, scrubber)
        of_scope = around.scope_spans[0].SerializeToString()
        if not parts:
            del around.scope_spans[:]
            parts.append(around.SerializeToString())
            resource = _NOWHERE  # it stands once
        parts.append(_field(2, of_scope + b"".join(_field(2, _span(span, scrubber, cuts)) for span in group)))
    return _field(1, b"".join(parts))


def _frame(span: ReadableSpan, resource: Resource) -> Any:
    """Encode what is around a span, without the span."""
    scope = repaired_scope(span.instrumentation_scope)
    empty = ReadableSpan("", span.context, resource=repaired_resource(resource), instrumentation_scope=scope)
    frame = encode_by_the_library([empty]).resource_spans[0]
    del frame.scope_spans[0].spans[:]
    return frame


def _span(span: ReadableSpan, scrubber: Scrubs, cuts: Cuts) -> bytes:
    dropped = span.dropped_attributes or span.dropped_events or span.dropped_links
    if not (dropped or span.events or span.links or span.status.description):
        try:
            return _plain_span(span, scrubber, cuts.span)
        except (TypeError, ValueError, struct.error):  # an attribute that is a list; something that OTLP cannot spell
            pass
    request: ExportTraceServiceRequest = encode_by_the_library([repaired_span(span)])
    message: Any = request.resource_spans[0].scope_spans[0].spans[0]
    message.status.message = scrubber.value("exception.message", message.status.message)  # they are the same words
    scrub_message(message, scrubber)
    cut_texts(message.attributes, cuts.span)
    message.status.message = message.status.message[: cuts.span]  # the SDK cuts attributes alone
    for other in (*message.events, *message.links):
        cut_texts(other.attributes, cuts.others)
    encoded: bytes = message.SerializeToString()
    return encoded


def _plain_span(span: ReadableSpan, scrubber: Scrubs, longest: int | None) -> bytes:
    context, parent, name = span.context, span.parent, span.name
    if context is None or context.trace_state:
        raise ValueError("not plain")
    parts = [
        _TRACE_ID, context.trace_id.to_bytes(16, "big"), _SPAN_ID, context.span_id.to_bytes(8, "big"),
        b"" if parent is None else _PARENT_ID + parent.span_id.to_bytes(8, "big"),
        (_name if len(name) <= _LONGEST else _name.__wrapped__)(scrubber, name), _KINDS[span.kind],
        _TIMES.pack(_START, span.start_time or 0, _END, span.end_time or 0),
        _STATUSES[span.status.status_code], _REMOTE if parent is not None and parent.is_remote else _LOCAL,
    ]  # fmt: skip
    for key, value in (span.attributes or {}).items():
        repeats = len(value) <= _LONGEST if isinstance(value, str) else not isinstance(value, float)
        parts.append((_attribute if repeats else _attribute.__wrapped__)(scrubber, longest, key, value))
    return b"".join(parts)


@lru_cache(_CACHED, typed=True)
def _attribute(scrubber: Scrubs, longest: int | None, key: str, value: object) -> bytes:
    value = scrubber.value(key, value)
    match value:
        case bool():
            encoded = AnyValue(bool_value=value)
        case str():
            encoded = AnyValue(string_value=value[:longest])
        case int():
            encoded = AnyValue(int_value=value)
        case float():
            encoded = AnyValue(double_value=value)
        case _:
            raise TypeError("not plain")
    return Span(attributes=[KeyValue(key=key, value=encoded)]).SerializeToString()


@lru_cache(_CACHED)
def _name(scrubber: Scrubs, name: str) -> bytes:
    return Span(name=scrubber.text(name)).SerializeToString()


def _field(number: int, content: bytes) -> bytes:
    """Encode a field that is a message: its tag, its length in groups of seven bits, its content."""
    head = bytearray((number << 3 | 2,))
    length = len(content)
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + content
