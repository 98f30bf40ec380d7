"""Starts spans.

In: a name, a kind, attributes, links. Out: a span of the OpenTelemetry API, carrying the allow-listed baggage of the
request; one that records nothing where telemetry is off. State: none.
"""

from collections.abc import Mapping, Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanKind
from opentelemetry.util.types import AttributeValue

from telemetry.recording import providers
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
    tracer = providers.current.tracer or providers.tracer()
    if tracer is not None:
        try:
            return tracer.start_span(name, context, kind, attributes, _real(links) if links else (), start_time)
        except Exception as error:  # noqa: BLE001  whatever it is, it is ours
            guard.caught(error)
    return NonRecordingSpan(trace.get_current_span(context).get_span_context())


def end_span(span: Span, lasted: int) -> None:
    """End a span of another provider that has lasted so many nanoseconds, unless the user has ended it."""
    if span.is_recording():
        start: int | None = getattr(span, "start_time", None)  # spans of the API need not have one
        span.end(None if start is None else start + lasted)


def _real(links: Sequence[Link]) -> list[Link]:
    """Return what of `links` are links: anything else would cost the span."""
    found = [link for link in links if isinstance(link, Link)]
    if len(found) < len(links):
        repairs.add("a link that is not one")
    return found
