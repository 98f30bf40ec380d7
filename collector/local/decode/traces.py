"""Decodes spans, their events and links from OTLP to rows."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.local.decode.decoded import DEFAULT, TIME_TOO_LATE, Bounds, Decoded, UnfitError, plain_map
from collector.local.decode.reasons import Rejected
from collector.local.store.rows import Row, SpanEventRow, SpanLinkRow, SpanRow
from collector.local.store.schema import SPAN_EVENTS, SPAN_LINKS, SPANS
from collector.local.store.spans.facts import FactsOfSpans, Pairs

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
NO_TRACE_ID = bytes(16)
NO_SPAN_ID = bytes(8)


def decode_traces(request: ExportTraceServiceRequest, bounds: Bounds = DEFAULT) -> Decoded:
    """All spans of one export. One that cannot be stored is rejected, the others are kept."""
    decoded = Decoded("traces", bounds=bounds)
    spans: list[Row] = []
    events: list[Row] = []
    links: list[Row] = []
    pairs, facts = Pairs(), FactsOfSpans()
    for service, resource_id, scope_id, scope in decoded.scopes_of(
        request.resource_spans, "scope_spans", lambda scope: len(scope.spans)
    ):
        version = decoded.versions[resource_id]
        for span in scope.spans:
            try:
                span_events, span_links = span.events, span.links
                if span_events or span_links:
                    decoded.few(span_events, "events")  # before they are read
                    decoded.few(span_links, "links")
                sent = span.attributes
                attributes = plain_map(sent, bounds) if sent else {}
                text = orjson.dumps(attributes).decode() if sent else "{}"
                row = _span_row(span, text, service, resource_id, scope_id)
                its_events = _event_rows(decoded, span_events, row) if span_events else ()
                its_links = _link_rows(decoded, span_links, row) if span_links else ()
            except UnfitError as error:
                decoded.reject(error.reason, f"span {span.name[:100]!r}: {error}")
                continue
            spans.append(row)
            facts.add(row[3:6], row[8], attributes, version)
            pairs.add(attributes)
            if its_events:
                events.extend(its_events)
            if its_links:
                links.extend(its_links)
    decoded.records = len(spans)
    decoded.facts, decoded.hashes = facts, pairs.hashes()
    for table, rows in ((SPANS, spans), (SPAN_EVENTS, events), (SPAN_LINKS, links)):
        if rows:
            decoded.rows[table.name] = rows
    return decoded


def _unfit(span: Span) -> UnfitError:
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


def _span_row(span: Span, attributes: str, service: str, resource_id: int, scope_id: int) -> SpanRow:
    """The row of a span; raises `UnfitError` if it cannot be stored. Each field is read once, which is most of it."""
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
    if span.HasField("status"):
        code, status_message = span.status.code, span.status.message
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
