"""Scrubs the spans of a tracer provider that is the user's own.

In: ended spans. Out: scrubbed copies of them, for the processor that it wraps. State: none; the spans are not
changed, for other processors of the same provider.
"""

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import Link, Status

from telemetry.privacy.copied import CopiedSpan
from telemetry.privacy.metrics import scrub_resource
from telemetry.privacy.scrubber import Scrubs, current


class ScrubbingSpanProcessor(SpanProcessor):
    """Wraps another processor: `provider.add_span_processor(ScrubbingSpanProcessor(BatchSpanProcessor(…)))`.

    Arguments: `behind`, the processor that gets scrubbed copies of the spans that end.
    """

    def __init__(self, behind: SpanProcessor) -> None:
        self._behind = behind

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Pass on a span that starts, unchanged: it is still being written."""
        self._behind.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Pass on a scrubbed copy."""
        self._behind.on_end(_scrubbed(span, current()))

    def shutdown(self) -> None:
        """Shut down the wrapped processor."""
        self._behind.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the wrapped processor."""
        return self._behind.force_flush(timeout_millis)


def _scrubbed(span: ReadableSpan, scrubber: Scrubs) -> ReadableSpan:
    return CopiedSpan(
        span,
        name=scrubber.text(span.name),
        resource=scrub_resource(span.resource, scrubber),
        attributes=scrubber.attributes(span.attributes or {}),
        events=[
            Event(scrubber.text(event.name), scrubber.attributes(event.attributes or {}), event.timestamp)
            for event in span.events
        ],
        links=[Link(link.context, scrubber.attributes(link.attributes or {})) for link in span.links],
        status=_status(span.status, scrubber),
    )


def _status(status: Status, scrubber: Scrubs) -> Status:
    text = status.description
    return Status(status.status_code, scrubber.value("exception.message", text)) if text else status
