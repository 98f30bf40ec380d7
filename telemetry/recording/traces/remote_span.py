"""The span of a peer, whose call arrived here: a parent that is not of this process.

In: the ids and flags of a `traceparent` header. Out: a span of the OpenTelemetry API, which records nothing. State:
none; its `SpanContext` is made when it is read, since our own tracer needs the ids alone.
"""

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags


class RemoteSpan(NonRecordingSpan):
    """The span of a peer, without a trace state. `flags` are those that our spans know: sampled and random.

    It is made blank and then filled in, which takes half of what a constructor does.
    """

    state = None
    trace_id: int
    span_id: int
    flags: int

    def get_span_context(self) -> SpanContext:
        """Return the context."""
        return SpanContext(self.trace_id, self.span_id, is_remote=True, trace_flags=TraceFlags(self.flags))

    _context = property(get_span_context)
