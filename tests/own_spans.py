"""Ended spans of our own provider, with whatever parts a test gives them."""

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanKind, Status

from telemetry.recording.traces.span import Span
from telemetry.recording.traces.tracer_provider import TracerProvider

_RESOURCE = Resource({"service.name": "test"})


def ended(
    name: str = "work",
    attributes: Mapping[str, Any] | None = None,
    *,
    events: Sequence[Event] = (),
    links: Sequence[Link] = (),
    status: Status | None = None,
    resource: Resource = _RESOURCE,
    scope: InstrumentationScope = InstrumentationScope("test"),  # noqa: B008  nothing changes it
) -> Span:
    """Return a span that began at 1 ns and ended at 2 ns."""
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracer: Any = provider.get_tracer(scope.name, scope.version, scope.schema_url, scope.attributes)
    span: Span = tracer.start_span(name, Context(), SpanKind.INTERNAL, attributes, links, 1)
    for event in events:
        span.add_event(event.name, event.attributes, event.timestamp)
    if status is not None:
        span.set_status(status)
    span.end(2)
    span.trace_id, span.span_id = 1, 2
    return span
