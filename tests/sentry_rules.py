"""What Sentry makes of the spans that it gets by OTLP: transactions, their names, and what its pages group by.

The rules are those of its source, restated here, for none of it can be run: Relay's library for Python (sentry-relay)
normalises events, and has no function that takes a span of OTLP; the rest is in Sentry itself.

- relay, `relay-spans/src/otel_to_sentry_v2.rs`: a span whose flags say that its parent is remote begins a segment.
  `relay-otel`: attributes of the resource get the prefix `resource.`.
- sentry, `spans/buffer`: so does a span without a parent. A segment holds the spans below, to where the next begins.
- sentry-conventions 0.29: `sentry.transaction` is the older name of `sentry.segment.name`.
- sentry, `spans/consumers/process_segments`: spans without `sentry.segment.name` get the name of their segment's span;
  `sentry.transaction`, `sentry.release` and `sentry.environment` are copied from it to the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sentry_relay.processing import StoreNormalizer

from tests.otlp_stand_in import attributes

KNOWN, REMOTE = 0x100, 0x200
"""OTLP's flags: it is known whether the parent is remote; it is."""
SHARED = ("sentry.transaction", "sentry.release", "sentry.environment")


@dataclass
class Stored:
    """A span as Sentry stores it; `segment` is the one that begins the segment that it is in."""

    sent: Any
    attributes: dict[str, Any]
    begins: bool  # a segment: what Sentry's pages call a transaction
    segment: "Stored" = field(init=False, repr=False)

    def group(self, *names: str) -> tuple[Any, ...]:
        """The values that a page groups it by; None for what it does not have."""
        return tuple(self.attributes.get(name) for name in names)


def stored(requests: Iterable[Any]) -> list[Stored]:
    """Every span of OTLP's requests, as Sentry stores it."""
    spans = [
        _received(span, attributes(of_resource.resource.attributes))
        for request in requests
        for of_resource in request.resource_spans
        for scope in of_resource.scope_spans
        for span in scope.spans
    ]
    by_id = {span.sent.span_id: span for span in spans}
    for span in spans:
        span.segment = span
        while not span.segment.begins:
            span.segment = by_id[span.segment.sent.parent_span_id]
        _enrich(span)
    return spans


def _received(span: Any, resource: dict[str, Any]) -> Stored:
    remote = bool(span.flags & KNOWN and span.flags & REMOTE)
    own = {f"resource.{name}": value for name, value in resource.items()} | attributes(span.attributes)
    if "sentry.transaction" in own:
        own.setdefault("sentry.segment.name", own["sentry.transaction"])
    return Stored(span, own, remote or not span.parent_span_id)


def _enrich(span: Stored) -> None:
    span.attributes.setdefault("sentry.segment.name", span.segment.sent.name)
    for name in SHARED:
        if name in span.segment.attributes:
            span.attributes.setdefault(name, span.segment.attributes[name])


def normalised(segment: Stored, spans: Iterable[Stored]) -> dict[str, Any]:
    """The event that Sentry makes of a segment for its detectors, by Relay's own normaliser."""
    event = {
        "type": "transaction",
        "platform": "python",
        "transaction": segment.attributes["sentry.segment.name"],
        "transaction_info": {"source": segment.attributes.get("sentry.segment.name.source")},
        "release": segment.attributes.get("sentry.release"),
        "environment": segment.attributes.get("sentry.environment"),
        **_times(segment),
        "contexts": {"trace": {**_ids(segment), "data": segment.attributes}},
        "spans": [
            {**_ids(span), **_times(span), "description": span.sent.name, "data": span.attributes}
            for span in spans
            if span.segment is segment and span is not segment
        ],
    }
    found: dict[str, Any] = StoreNormalizer(project_id=42).normalize_event(event)
    return found


def _ids(span: Stored) -> dict[str, Any]:
    return {
        "trace_id": span.sent.trace_id.hex(),
        "span_id": span.sent.span_id.hex(),
        "parent_span_id": span.sent.parent_span_id.hex() or None,
        "op": span.attributes["sentry.op"],
    }


def _times(span: Stored) -> dict[str, float]:
    return {"start_timestamp": span.sent.start_time_unix_nano / 1e9, "timestamp": span.sent.end_time_unix_nano / 1e9}
