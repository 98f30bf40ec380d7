"""A copy of an ended span with some of its fields replaced."""

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan


class CopiedSpan(ReadableSpan):
    """A copy of `span`. Arguments of `ReadableSpan` replace its fields; the counts of dropped items stay."""

    def __init__(self, span: ReadableSpan, **other: Any) -> None:
        original: dict[str, Any] = {
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
        super().__init__(**original | other)
        self._dropped = (span.dropped_attributes, span.dropped_events, span.dropped_links)

    @property
    def dropped_attributes(self) -> int:
        """As in the original span."""
        return self._dropped[0]

    @property
    def dropped_events(self) -> int:
        """As in the original span."""
        return self._dropped[1]

    @property
    def dropped_links(self) -> int:
        """As in the original span."""
        return self._dropped[2]
