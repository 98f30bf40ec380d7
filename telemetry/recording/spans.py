"""Starts spans.

In: a name, a kind, attributes, links. Out: a span of the OpenTelemetry API, carrying the allow-listed baggage of the
request; one that records nothing where telemetry is off. State: none.
"""

from collections.abc import Mapping, Sequence

from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanKind
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording import providers
from telemetry.recording.bounds import bounds
from telemetry.recording.guard import guard
from telemetry.repairs import repairs


def start_span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
    links: Sequence[Link] = (),
    context: Context | None = None,
    *,
    start_time: int | None = None,
) -> Span:
    """Start a span below the one in `context` (default: the current one), without making it current.

    Arguments: `start_time` in nanoseconds since 1970 (default: now). Returns a span that must be ended. Never raises.
    """
    tracer = providers.tracer()
    if tracer is not None:
        given: dict[str, AttributeValue] = {}
        with guard:
            given = baggage_attributes(context)
        with guard:
            if attributes:
                given.update(attributes)
            return tracer.start_span(name, context, kind, given, _real(links) if links else (), start_time)
    return NonRecordingSpan(trace.get_current_span(context).get_span_context())


def _real(links: Sequence[Link]) -> list[Link]:
    """Return what of `links` are links: anything else would cost the span."""
    found = [link for link in links if isinstance(link, Link)]
    if len(found) < len(links):
        repairs.add("a link that is not one")
    return found


def baggage_attributes(context: Context | None = None) -> dict[str, AttributeValue]:
    """Return the allow-listed entries of the request's baggage as attributes, their values bounded."""
    entries = baggage.get_all(context)
    if not entries:
        return {}
    return {
        attribute.name: bounds.bounded(attribute, entries[attribute.name], count=False)
        for attribute in c.BAGGAGE
        if attribute.name in entries and _says_something(entries[attribute.name])
    }


def _says_something(value: object) -> bool:
    """Say whether a value of the baggage can be shown: what is empty or of control characters is nobody's name."""
    return not isinstance(value, str) or (value.isprintable() and value.strip() != "")


def operation_of(context: Context | None = None) -> str | None:
    """Return the operation that the request asks for, from its baggage; None where that says nothing."""
    operation = baggage.get_baggage(c.SEARCH_OPERATION.name, context)
    if operation is None or not _says_something(operation):
        return None
    return operation if isinstance(operation, str) else str(bounds.bounded(c.SEARCH_OPERATION, operation, count=False))
