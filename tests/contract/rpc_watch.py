"""All spans and durations of a test of rpcs, recorded by providers of its own.

In: calls inside `watching`. Out: a `Watch`, whose traces are drawn as trees. State: that of each `Watch`.
"""

import contextlib
import threading
from collections.abc import Iterator

from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import Span, StatusCode, get_current_span

from telemetry.conventions import SCOPE
from telemetry.recording import providers
from telemetry.recording.metrics import instruments
from telemetry.recording.request.bounds import bounds
from tests.waiting import until

PATIENCE = 10  # seconds after which an awaited event counts as missing


class Watch(SpanProcessor):
    """Keeps every span that ended, and counts those still open."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self.reader = InMemoryMetricReader()
        self.tracing = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.metering = MeterProvider([self.reader], shutdown_on_exit=False)
        self.tracing.add_span_processor(self)
        self.tracer = self.tracing.get_tracer("test")
        self.ended: list[ReadableSpan] = []
        self._open = 0
        self._data: MetricsData | None = None
        self._changed = threading.Condition()  # guards ended and _open

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        with self._changed:
            self._open += 1

    def on_end(self, span: ReadableSpan) -> None:
        with self._changed:
            self._open -= 1
            self.ended.append(span)
            self._changed.notify_all()

    def settled(self, count: int) -> list[ReadableSpan]:
        """Wait until `count` spans ended and none is open."""
        with self._changed:
            complete = self._changed.wait_for(lambda: len(self.ended) >= count and self._open == 0, PATIENCE)
            assert complete, f"{self._open} spans stayed open, {len(self.ended)} ended:\n{self._tree()}"
            return list(self.ended)

    def tree(self, count: int, *, codes: bool = True) -> str:
        """Draw all traces once `count` spans ended: name, kind, gRPC's code, `!` for error status, events."""
        self.settled(count)
        return self._tree(codes=codes)

    def _tree(self, *, codes: bool = True) -> str:
        known = {span.context.span_id for span in self.ended if span.context}
        ordered = sorted(self.ended, key=lambda span: span.start_time or 0)

        def lines(parent: int | None, indent: str) -> Iterator[str]:
            for span in ordered:
                above = span.parent.span_id if span.parent and span.parent.span_id in known else None
                if above == parent:
                    yield indent + _line(span, codes=codes)
                    assert span.context is not None
                    yield from lines(span.context.span_id, f"{indent}  ")

        return "\n".join(lines(None, ""))

    def counted(self, metric: str, count: int) -> list[HistogramDataPoint]:
        """Return the points of a histogram once it has `count` values."""

        def found() -> bool:
            self._data = None
            return sum(point.count for point in self.points(metric)) >= count

        until(found, PATIENCE)
        return self.points(metric)

    def points(self, metric: str) -> list[HistogramDataPoint]:
        """Return the points of a histogram, all as they were when first asked for: reading takes the exemplars."""
        self._data = data = self._data or self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for found in scope.metrics
            if found.name == metric
            for point in found.data.data_points
            if isinstance(point, HistogramDataPoint)
        ]


def _line(span: ReadableSpan, *, codes: bool) -> str:
    attributes = span.attributes or {}
    parts = [span.name.rpartition("/")[2], span.kind.name if span.kind.name != "INTERNAL" else ""]
    if codes:
        parts.append(str(attributes.get("rpc.response.status_code", "")))
    if span.status.status_code is StatusCode.ERROR:
        parts.append(f"! {attributes.get('error.type')}")
    parts += [f"*{(event.attributes or {}).get('exception.type')}" for event in span.events]
    return " ".join(part for part in parts if part)


@contextlib.contextmanager
def watching(sampler: Sampler | None = None) -> Iterator[Watch]:
    """Record with providers of this test's own."""
    watch = Watch(sampler)
    instruments.forget()
    bounds.forget()
    tracer, meter = watch.tracing.get_tracer(SCOPE), watch.metering.get_meter(SCOPE)
    try:
        with providers.override(tracer=tracer, meter=meter):
            yield watch
    finally:
        instruments.forget()
        watch.metering.shutdown()


def span_id(context: Context) -> int:
    """Return the id of the span that `context` holds."""
    return get_current_span(context).get_span_context().span_id


CANCELLED = "{0} CLIENT CANCELLED ! CANCELLED\n  {0} SERVER CANCELLED"
"""The tree of a call that its caller cancelled; the arity is left open."""
