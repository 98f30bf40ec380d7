"""Scrubs the spans of a tracer provider that is the user's own.

In: ended spans. Out: scrubbed copies of them, to the processor that it is put in front of. State: none; the spans
themselves stay as they are, for other processors of the same provider.
"""

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import Link, Status

from telemetry.privacy.copied import CopiedSpan
from telemetry.privacy.metrics import scrub_resource
from telemetry.privacy.scrubber import Scrubs, current


class ScrubbingSpanProcessor(SpanProcessor):
    """Stands before another processor: `provider.add_span_processor(ScrubbingSpanProcessor(BatchSpanProcessor(…)))`.

    Arguments: `behind`, which gets scrubbed copies of the spans that end.
    """

    def __init__(self, behind: SpanProcessor) -> None:
        self._behind = behind

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Hand on a span that begins, as it is: it is still being written."""
        self._behind.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Hand on a scrubbed copy."""
        self._behind.on_end(_scrubbed(span, current()))

    def shutdown(self) -> None:
        """Shut down the processor behind."""
        self._behind.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the processor behind."""
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
    words = status.description
    return Status(status.status_code, scrubber.value("exception.message", words)) if words else status
