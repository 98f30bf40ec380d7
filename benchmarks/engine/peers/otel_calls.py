"""Calls of OpenTelemetry's API, whoever implements it."""

from collections.abc import Mapping

from opentelemetry.trace import Link, SpanContext, StatusCode, TraceFlags, Tracer

from benchmarks.engine.peers import ATTRIBUTES, Call

SCORES = [0.9 - 0.05 * place for place in range(10)]


def otel_calls(tracer: Tracer) -> Mapping[str, Call]:
    """Return spans of each shape: with three attributes alone, and with a link, an event, an error, or a list."""
    link = Link(SpanContext(0x1234, 0x5678, is_remote=True, trace_flags=TraceFlags(1)), {"kind": "batch"})
    try:
        raise ValueError("not found")
    except ValueError as error:
        failure = error

    def span() -> None:
        with tracer.start_as_current_span("work", attributes=ATTRIBUTES):
            pass

    def with_link() -> None:
        with tracer.start_as_current_span("work", attributes=ATTRIBUTES, links=[link]):
            pass

    def with_event() -> None:
        with tracer.start_as_current_span("work", attributes=ATTRIBUTES) as span:
            span.add_event("cache.miss", {"key": "jacket", "size": 3})

    def with_error() -> None:
        with tracer.start_as_current_span("work", attributes=ATTRIBUTES) as span:
            span.record_exception(failure)
            span.set_status(StatusCode.ERROR, "not found")

    def with_list() -> None:
        with tracer.start_as_current_span("work", attributes={**ATTRIBUTES, "scores": SCORES}):
            pass

    return {
        "span": Call(span),
        "link": Call(with_link),
        "event": Call(with_event),
        "error": Call(with_error),
        "list": Call(with_list),
    }
