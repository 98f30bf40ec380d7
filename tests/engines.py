"""One program on two tracer providers, the SDK's and ours: what they export is equal.

In: a program that gets a provider with an exporter in memory. Out: its spans on ours, after a comparison with those on
the SDK's, as plain values and as OTLP. State: clocks and ids that count.

One difference is meant: the SDK's stack traces of exceptions that leave a `with` block have frames of the SDK's own
generators in them. So of a stack trace only its last line is compared.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer
from opentelemetry.trace.propagation import tracecontext

from telemetry.recording.clock import clock
from telemetry.recording.traces import tracer_provider
from telemetry.recording.traces.span import Span
from telemetry.testing.clock import CountingIds

CLASSES: Final = {"sdk": sdk.TracerProvider, "ours": tracer_provider.TracerProvider}
RESOURCE: Final = Resource({"service.name": "shop"})
HEADERS: Final = tracecontext.TraceContextTextMapPropagator()
any_value: Final = pytest.mark.skipif(
    "mapping" not in BoundedAttributes(None, {"mapping": {"a": 1}}),
    reason="older releases of the SDK keep other attributes, and count others as lost",
)
STACK: Final = "exception.stacktrace"


class Sink:
    """Keeps what our provider hands to its exporter."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.is_open = True

    def put(self, span: Span) -> None:
        if self.is_open:
            self.spans.append(span)

    def shutdown(self) -> None:
        self.is_open = False

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class Engine:
    """A provider with an exporter in memory, and a tracer of it. `sink` has what our own exporter gets."""

    def __init__(self, name: str, **arguments: Any) -> None:
        arguments = {"id_generator": CountingIds(), "resource": RESOURCE, **arguments}
        self.name = name
        self.provider: sdk.TracerProvider = CLASSES[name](shutdown_on_exit=False, **arguments)
        self.exporter = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.sink = Sink()
        if isinstance(self.provider, tracer_provider.TracerProvider):
            self.provider.export_to(self.sink)
        self.tracer: Tracer = self.provider.get_tracer("tests", "1.0", "https://schema", {"of": "scope"})

    def finished(self) -> tuple[ReadableSpan, ...]:
        """Return the spans that the exporter got."""
        return self.exporter.get_finished_spans()

    def exported(self) -> ExportTraceServiceRequest:
        """Return them as the official encoder encodes them."""
        return encode_spans(self.finished())

    def result(self) -> tuple[Any, ...]:
        """Return all that can be asked of the spans, in plain values; what our own exporter gets is the same."""
        found = tuple(plain(span) for span in self.finished())
        if self.name == "ours":
            assert tuple(plain(span) for span in self.sink.spans) == found
            assert encode_spans(self.sink.spans) == self.exported()
        decoded = self.exported()
        for of_resource in decoded.resource_spans:
            for span in (span for scope in of_resource.scope_spans for span in scope.spans):
                for pair in (pair for event in span.events for pair in event.attributes):
                    if pair.key == STACK:
                        pair.value.string_value = _last_line(pair.value.string_value)
        return (found, str(decoded))


class _Time:
    now = 1000


def later() -> None:
    """Let the clock advance, where reading it does not."""
    _Time.now += 10


def on_both(program: Callable[[Engine], Any], *, engine_turns: bool = True, **arguments: Any) -> Engine:
    """Run a program on both providers; assert that results and spans are equal; return the engine that is ours.

    `arguments` of the providers; what is a function is called for each of them. `engine_turns`: see `counted_time`.
    """
    ends = []
    for name in CLASSES:
        given = {key: value() if callable(value) else value for key, value in arguments.items()}
        with counted_time(engine_turns):
            engine = Engine(name, **given)
            ends.append((program(engine), engine.result()))
    assert ends[1] == ends[0]
    return engine


def plain(span: ReadableSpan) -> tuple[Any, ...]:
    """Return a span's public properties as values that can be compared."""
    assert span.context is not None
    return (
        span.name, span.kind, _context(span.context), _context(span.parent), span.start_time, span.end_time,
        span.status.status_code, span.status.description, _items(span.attributes), span.dropped_attributes,
        [(one.name, one.timestamp, _items(one.attributes), one.dropped_attributes) for one in span.events],
        span.dropped_events,
        [(_context(one.context), _items(one.attributes), one.dropped_attributes) for one in span.links],
        span.dropped_links, span.resource, span.instrumentation_scope,
        None if any(one.name == "exception" for one in span.events) else _json(span),
    )  # fmt: skip


@contextmanager
def counted_time(engine_turns: bool) -> Iterator[None]:
    """The clocks of both providers count from 1,000 in steps of 10, each time they are read, or by `later`."""
    read = itertools.count(1000, 10).__next__ if engine_turns else lambda: _Time.now
    _Time.now = 1000
    with mock.patch.object(clock, "wall", read), mock.patch.object(sdk, "time_ns", read):
        yield


def _context(context: Any) -> Any:
    return context and (
        context.trace_id, context.span_id, context.is_remote, int(context.trace_flags),
        list(context.trace_state.items()),
    )  # fmt: skip


def _json(span: ReadableSpan) -> str | None:
    try:
        return str(span.to_json())
    except TypeError:  # of bytes
        return None


def _items(attributes: Any) -> Any:
    return [(key, type(value), _last_line(value) if key == STACK else value) for key, value in attributes.items()]


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
