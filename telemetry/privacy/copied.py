"""A copy of an ended span in which something is different.

In: a span, and what the copy has in place of the span's own. Out: a span of the SDK. State: none.
"""

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan


class CopiedSpan(ReadableSpan):
    """Is as `span` in all that is not given, and says as the span does what was dropped.

    Arguments: those of `ReadableSpan`.
    """

    def __init__(self, span: ReadableSpan, **other: Any) -> None:
        of_span: dict[str, Any] = {
            "name": span.name,
            "context": span.context,
            "parent": span.parent,
            "resource": span.resource,
            "attributes": span.attributes,
            "events": span.events,
            "links": span.links,
            "kind": span.kind,
            "status": span.status,
            "start_time": span.start_time,
            "end_time": span.end_time,
            "instrumentation_scope": span.instrumentation_scope,
        }
        super().__init__(**of_span | other)
        self._dropped = (span.dropped_attributes, span.dropped_events, span.dropped_links)

    @property
    def dropped_attributes(self) -> int:
        """As the span has it."""
        return self._dropped[0]

    @property
    def dropped_events(self) -> int:
        """As the span has it."""
        return self._dropped[1]

    @property
    def dropped_links(self) -> int:
        """As the span has it."""
        return self._dropped[2]
