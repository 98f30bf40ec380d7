"""Decodes spans, their events and links from OTLP to rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.local.decode.attributes import Attributes
from collector.local.decode.decoded import DEFAULT, TIME_TOO_LATE, Bounds, Decoded, UnfitError
from collector.local.decode.raw_spans import RawRequest
from collector.local.decode.reasons import Rejected
from collector.local.store.rows import Row, SpanEventRow, SpanLinkRow, SpanRow
from collector.local.store.schema import SPAN_EVENTS, SPAN_LINKS, SPANS
from collector.local.store.spans.facts import FactsOfSpans

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
NO_TRACE_ID = bytes(16)
NO_SPAN_ID = bytes(8)


def decode_traces(request: ExportTraceServiceRequest, bounds: Bounds = DEFAULT) -> Decoded:
    """All spans of one export. One that cannot be stored is rejected, the others are kept."""
    return _decode(request.SerializeToString(), bounds)


def decode_bytes(body: bytes, bounds: Bounds = DEFAULT) -> Decoded | None:
    """The same, from protobuf. None if it is not valid, so that it has to be repaired."""
    try:
        return _decode(body, bounds)
    except DecodeError:
        return None


def _decode(body: bytes, bounds: Bounds) -> Decoded:
    """Decode an export; raises `DecodeError` if it is not valid. It is long: a call for each span would cost more."""
    request = RawRequest.FromString(body)
    decoded = Decoded("traces", bounds=bounds)
    spans: list[Row] = []
    events: list[Row] = []
    links: list[Row] = []
    known, facts = Attributes(bounds), FactsOfSpans()
    look_up, most = known.__getitem__, bounds.max_elements
    none: list[Row] = []
    whole: ExportTraceServiceRequest | None = None  # the same with events and links, once a span has some
    for service, resource_id, scope_id, scope in decoded.scopes_of(
        request.resource_spans, "scope_spans", lambda scope: len(scope.spans)
    ):
        version = decoded.versions[resource_id]
        whole_spans: Sequence[Span] = ()
        for place, span in enumerate(scope.spans):
            its_events, its_links = none, none
            try:
                sent = span.attributes[:]  # a list is gone through faster
                if len(sent) > most:
                    decoded.few(sent, "attributes")
                attributes = dict(map(look_up, sent))  # the last value of a repeated key counts
                text = f"{{{','.join(attributes.values())}}}"
                row = _span_row(span, text, service, resource_id, scope_id)
                if span.events or span.links:
                    whole = whole or ExportTraceServiceRequest.FromString(body)
                    whole_spans = whole_spans or _spans_of(scope, request, whole)
                    its_events = _event_rows(decoded, whole_spans[place].events, row)
                    its_links = _link_rows(decoded, whole_spans[place].links, row)
            except UnfitError as error:
                decoded.reject(error.reason, f"span {span.name[:100]!r}: {error}")
                continue
            spans.append(row)
            facts.add(row, attributes, version)
            if its_events:
                events.extend(its_events)
            if its_links:
                links.extend(its_links)
    decoded.records = len(spans)
    hashes = known.hashes
    decoded.facts, decoded.hashes = facts, np.fromiter(hashes, np.uint32, len(hashes)).tobytes()
    for table, rows in ((SPANS, spans), (SPAN_EVENTS, events), (SPAN_LINKS, links)):
        if rows:
            decoded.rows[table.name] = rows
    return decoded


def _spans_of(scope: Any, request: Any, whole: ExportTraceServiceRequest) -> Sequence[Span]:
    """The spans of a scope, with their events and links."""
    return next(
        same_scope.spans
        for resource, same_resource in zip(request.resource_spans, whole.resource_spans, strict=True)
        for other, same_scope in zip(resource.scope_spans, same_resource.scope_spans, strict=True)
        if other is scope
    )


def _unfit(span: Any) -> UnfitError:
    """Why a span cannot be stored."""
    if len(span.trace_id) != 16 or span.trace_id == NO_TRACE_ID:
        return UnfitError(
            Rejected.TRACE_ID, f"trace_id must be 16 bytes and not all zeros, got {_shown(span.trace_id)}"
        )
    if len(span.span_id) != 8 or span.span_id == NO_SPAN_ID:
        return UnfitError(Rejected.SPAN_ID, f"span_id must be 8 bytes and not all zeros, got {_shown(span.span_id)}")
    if len(span.parent_span_id) not in (0, 8):
        return UnfitError(
            Rejected.PARENT_SPAN_ID, f"parent_span_id must be 8 bytes or absent, got {_shown(span.parent_span_id)}"
        )
    return UnfitError(Rejected.TIME, f"a {TIME_TOO_LATE}")


def _shown(identifier: bytes) -> str:
    return identifier[:24].hex() or "none"


def _span_row(span: Any, attributes: str, service: str, resource_id: int, scope_id: int) -> SpanRow:
    """The row of a raw span; raises `UnfitError` if it is unfit. Each field is read once: that is most of it."""
    trace_id, span_id, parent = span.trace_id, span.span_id, span.parent_span_id
    start, end, kind = span.start_time_unix_nano, span.end_time_unix_nano, span.kind
    if (
        len(trace_id) != 16
        or len(span_id) != 8
        or (parent and len(parent) != 8)
        or trace_id == NO_TRACE_ID
        or span_id == NO_SPAN_ID
        or (start | end) >> 63
    ):
        raise _unfit(span)
    status, status_message = STATUSES[0], ""
    if span.status:
        sent = Status.FromString(span.status)
        code, status_message = sent.code, sent.message
        status = STATUSES[code] if 0 <= code < 3 else STATUSES[0]
    return tuple.__new__(  # by position, and not by `SpanRow`: that would take a seventh of the time of decoding
        SpanRow,
        (
            trace_id.hex(),
            span_id.hex(),
            parent.hex() if parent and parent != NO_SPAN_ID else None,
            span.name,
            KINDS[kind] if 0 <= kind < 6 else KINDS[0],
            service,
            start,
            end,
            status,
            status_message,
            attributes,
            span.dropped_attributes_count,
            span.dropped_events_count,
            span.dropped_links_count,
            span.trace_state,
            span.flags,
            resource_id,
            scope_id,
        ),
    )


def _event_rows(decoded: Decoded, events: Sequence[Span.Event], row: SpanRow) -> list[Row]:
    decoded.few(events, "events")
    if any(event.time_unix_nano >> 63 for event in events):
        raise UnfitError(Rejected.TIME, f"a {TIME_TOO_LATE}")
    return [
        SpanEventRow(
            trace_id=row.trace_id,
            span_id=row.span_id,
            position=position,
            name=event.name,
            time_unix_ns=event.time_unix_nano,
            attributes=decoded.attributes(event.attributes),
            dropped_attributes=event.dropped_attributes_count,
        )
        for position, event in enumerate(events)
    ]


def _link_rows(decoded: Decoded, links: Sequence[Span.Link], row: SpanRow) -> list[Row]:
    decoded.few(links, "links")
    return [
        SpanLinkRow(
            trace_id=row.trace_id,
            span_id=row.span_id,
            position=position,
            linked_trace_id=link.trace_id.hex(),
            linked_span_id=link.span_id.hex(),
            trace_state=link.trace_state,
            flags=link.flags,
            attributes=decoded.attributes(link.attributes),
            dropped_attributes=link.dropped_attributes_count,
        )
        for position, link in enumerate(links)
    ]
