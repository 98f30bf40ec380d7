"""A span of ours with the constructor of the SDK's protected `_Span`, which some of its tests call.

In: what the SDK's constructor takes. Out: a span that no tracer has started. State: none.
"""

from collections.abc import Sequence
from typing import Any, Self

from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import id_generator, sampling
from opentelemetry.trace import Link, SpanContext, SpanKind
from opentelemetry.util.types import Attributes

from telemetry.recording.clock import clock
from telemetry.recording.traces.span import Span
from telemetry.recording.traces.tracer import Tracer


class SpanByHand(Span):
    """A span of ours with the constructor of the SDK's, which some of its tests call: no tracer has started it."""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        return object.__new__(cls)

    def __init__(
        self, name: str, context: SpanContext, parent: SpanContext | None = None, *,
        resource: Resource | None = None, attributes: Attributes = None, events: Sequence[sdk.Event] = (),
        links: Sequence[Link] = (), kind: SpanKind = SpanKind.INTERNAL,
        span_processor: sdk.SpanProcessor | None = None, limits: sdk.SpanLimits = sdk._UnsetLimits,
        instrumentation_scope: Any = None, instrumentation_info: Any = None, **_: Any,
    ) -> None:  # fmt: skip
        tracer = Tracer(
            sampling.ALWAYS_ON, resource or Resource.create({}), span_processor or sdk.SpanProcessor(),
            id_generator.RandomIdGenerator(), instrumentation_info, limits, instrumentation_scope,
        )  # fmt: skip
        self.begin(tracer, name, kind, context.trace_id, context.span_id, 1, None)  # type: ignore[arg-type]
        self._made_context, self.parent_context = context, parent
        self.set_attributes(attributes or {})
        self.add_links(links or ())
        for event in events or ():
            self.add_event(event.name, event.attributes, event.timestamp)

    def start(self, start_time: int | None = None, parent_context: Any = None) -> None:
        if self._start_time is not None:
            super().start(start_time)
            return
        self._start_time = clock.wall() if start_time is None else start_time
        self.tracer.processors.on_start(self, parent_context=parent_context)

    def end(self, end_time: int | None = None) -> None:
        if self._start_time is None:
            raise RuntimeError("not started")
        super().end(end_time)
