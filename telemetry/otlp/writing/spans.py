"""Encodes spans for OTLP.

In: ended spans of our own. Out: an encoded `ExportTraceServiceRequest`. State: what was encoded last (`values.py`,
`frames.py`), for the scrubber in use and the limits of the provider.
"""

# ruff: noqa: SLF001  a span's own fields: its properties, which are the SDK's, take a third of the time of a plain span

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from opentelemetry.trace import SpanKind, Status, StatusCode

from telemetry.otlp import repair
from telemetry.otlp.writing.frames import ITEM, Frames, Groups
from telemetry.otlp.writing.values import LONGEST, Values, keep
from telemetry.otlp.writing.wire import FIXED32, SMALL, field, fixed32_tag, fixed64_tag, sized, tag, varint, varint_tag
from telemetry.privacy.scrubber import Scrubs, current
from telemetry.recording.traces.span import UNSET, RecordedEvent, RecordedLink, Span

# Of `Span`, in opentelemetry/proto/trace/v1/trace.proto, by number.
_TRACE_ID, _SPAN_ID, _STATE, _PARENT_ID = tag(1) + b"\x10", tag(2) + b"\x08", tag(3), tag(4) + b"\x08"
_NAME, _KIND, _ATTRIBUTE, _DROPPED_ATTRIBUTES = tag(5), varint_tag(6), tag(9), varint_tag(10)
_EVENT, _DROPPED_EVENTS, _LINK, _DROPPED_LINKS, _STATUS = tag(11), varint_tag(12), tag(13), varint_tag(14), tag(15)
_START_AND_END: Final = struct.Struct("<BQBQ").pack
_START, _END = fixed64_tag(7)[0], fixed64_tag(8)[0]
_EVENT_TIME: Final = struct.Struct("<BQ").pack
_TIME, _EVENT_NAME, _EVENT_ATTRIBUTE, _EVENT_DROPPED = fixed64_tag(1)[0], tag(2), tag(3), varint_tag(4)
_LINK_ATTRIBUTE, _LINK_DROPPED = tag(4), varint_tag(5)
_CODE: Final = varint_tag(3)
_ERROR: Final = StatusCode.ERROR
_CODES: Final = {code: _STATUS + sized(_CODE + varint(code.value)) for code in StatusCode}
_LOCAL, _REMOTE = FIXED32(0x100), FIXED32(0x300)  # of `SpanFlags`: it is known whether the context is remote; it is
_FLAGS, _LINK_FLAGS = fixed32_tag(16), fixed32_tag(6)
_KINDS: Final = {kind: _KIND + varint(kind.value + 1) for kind in SpanKind}
_INTERNAL: Final = SpanKind.INTERNAL
_USUAL: Final = _KINDS[_INTERNAL] + _CODES[StatusCode.UNSET] + _FLAGS + _LOCAL
"""Kind, status and flags of most spans."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """How many characters texts keep, in attributes of spans and in those of events and links; None: all."""

    span: int | None = None
    others: int | None = None


_UNCUT: Final = Cuts()


def encode_spans(spans: Sequence[Span], cuts: Cuts = _UNCUT) -> bytes:
    """Return the request that exports `spans`, scrubbed, and then cut."""
    return _writer(current(), cuts).request(spans)


class _SpanWriter:
    """Encodes spans with one scrubber and the limits of one provider."""

    def __init__(self, scrubber: Scrubs, cuts: Cuts) -> None:
        uncut = Values(scrubber)
        self._frames = Frames(uncut)
        self._text = uncut.text
        self._attributes = Values(scrubber, cuts.span).attributes
        self._other_attributes = Values(scrubber, cuts.others).attributes
        self._longest = cuts.span
        self._scrubber = scrubber
        self._errors: dict[str, bytes] = {}  # statuses, by their descriptions

    def request(self, spans: Sequence[Span]) -> bytes:
        """Return a request."""
        groups = Groups(self._frames)
        tracer = resource = None
        items: list[bytes] = []
        for span in spans:
            if span.tracer is not tracer or span._resource is not resource:
                tracer, resource = span.tracer, span._resource
                items = groups.of(resource, tracer.instrumentation_scope)
            encoded = self._span(span)
            length = len(encoded)
            items += ITEM, SMALL[length] if length < len(SMALL) else varint(length), encoded
        return groups.request()

    def _span(self, span: Span) -> bytes:  # noqa: C901  one function, for speed
        """Encode one span."""
        start, end = span._start_time, span._end_time
        try:
            times = _START_AND_END(_START, start, _END, end)
        except struct.error:
            times = _START_AND_END(_START, repair.time(start) or 0, _END, repair.time(end) or 0)
        parts = [
            _TRACE_ID, span.trace_id.to_bytes(16, "big"), _SPAN_ID, span.span_id.to_bytes(8, "big"),
            _NAME, self._text(span._name), times,
        ]  # fmt: skip
        if span.parent_id:
            parts += _PARENT_ID, span.parent_id.to_bytes(8, "big")
        if span._status is UNSET and span._kind is _INTERNAL and not span.parent_is_remote:
            parts.append(_USUAL)
        else:
            flags = _REMOTE if span.parent_is_remote else _LOCAL
            parts += _KINDS[span._kind], self._status(span._status), _FLAGS, flags
        if span.recorded_attributes is not None:
            self._attributes(span.recorded_attributes, _ATTRIBUTE, parts)
        if span.recorded_events:
            for event in span.recorded_events:
                parts += _EVENT, sized(self._event(event))
        if span.recorded_links:
            for link in span.recorded_links:
                parts += _LINK, sized(self._link(link))
        if span.state is not None:
            parts += _STATE, self._text(span.state.to_header())
        if span.dropped_attributes or span.dropped_events or span.dropped_links:
            parts += _DROPPED_ATTRIBUTES, varint(span.dropped_attributes), _DROPPED_EVENTS, varint(span.dropped_events)
            parts += _DROPPED_LINKS, varint(span.dropped_links)
        return b"".join(parts)

    def _event(self, event: RecordedEvent) -> bytes:
        name, time, attributes, dropped = event
        try:
            encoded_time = _EVENT_TIME(_TIME, time)
        except struct.error:
            encoded_time = _EVENT_TIME(_TIME, repair.time(time) or 0)
        parts = [encoded_time, _EVENT_NAME, self._text(name)]
        if attributes is not None:
            self._other_attributes(attributes, _EVENT_ATTRIBUTE, parts)
        if dropped:
            parts += _EVENT_DROPPED, varint(dropped)
        return b"".join(parts)

    def _link(self, link: RecordedLink) -> bytes:
        context, attributes, dropped = link
        parts = [
            _TRACE_ID, context.trace_id.to_bytes(16, "big"), _SPAN_ID, context.span_id.to_bytes(8, "big"),
            _LINK_FLAGS, _REMOTE if context.is_remote else _LOCAL,
        ]  # fmt: skip
        if attributes is not None:
            self._other_attributes(attributes, _LINK_ATTRIBUTE, parts)
        if dropped:
            parts += _LINK_DROPPED, varint(dropped)
        return b"".join(parts)

    def _status(self, status: Status) -> bytes:
        code, message = status.status_code, status.description
        if not message:
            return _CODES[code]
        is_usual = code is _ERROR and type(message) is str
        encoded = self._errors.get(message) if is_usual else None
        if encoded is None:
            repaired, scrubber = repair.text(message), self._scrubber
            text = scrubber.text(scrubber.value("exception.message", repaired))
            if self._longest is not None:
                text = text[: self._longest]  # the SDK cuts attributes alone
            encoded = _STATUS + sized(_CODE + varint(code.value) + field(2, text.encode()))
            if is_usual and repaired is message and len(message) <= LONGEST:
                keep(self._errors, message, encoded)
        return encoded


_writer = lru_cache(4)(_SpanWriter)
