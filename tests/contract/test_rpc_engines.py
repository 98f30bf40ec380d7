"""Calls on our own tracer provider: their spans are those on the SDK's, which the other tests of rpcs use."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler

from telemetry.conventions import SCOPE
from telemetry.recording import providers
from telemetry.recording.traces import tracer_provider
from tests.contract.rpc_clients import CLIENTS, TRACED, Call, Refused
from tests.contract.rpc_echo import ARITIES, SERVERS
from tests.contract.rpc_watch import PATIENCE

STAGES = 3  # of `program`: the arity without streams takes all words for one
Spans = list[tuple[Any, ...]]


class Sink(SpanExporter):
    """Takes spans from our provider as an exporter of ours does, and from the SDK's."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self._changed = threading.Condition()  # guards `spans`

    def put(self, span: Any) -> None:
        with self._changed:
            self.spans.append(span)
            self._changed.notify_all()

    def export(self, spans: Any) -> SpanExportResult:
        for span in spans:
            self.put(span)
        return SpanExportResult.SUCCESS

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.spans) >= count, PATIENCE), self.spans


@contextmanager
def recording(engine: str, sampler: Sampler) -> Iterator[Sink]:
    sink = Sink()
    if engine == "ours":
        ours = tracer_provider.TracerProvider(sampler, shutdown_on_exit=False)
        ours.export_to(sink)
        tracer = ours.get_tracer(SCOPE)
    else:
        theirs = sdk.TracerProvider(sampler, shutdown_on_exit=False)
        theirs.add_span_processor(SimpleSpanProcessor(sink))
        tracer = theirs.get_tracer(SCOPE)
    with providers.override(tracer=tracer):
        yield sink


def told(sink: Sink) -> Spans:
    """What the spans tell, each with the name and kind of its parent, in an order of their own."""
    known = {span.context.span_id: span for span in sink.spans}
    traces = list(dict.fromkeys(span.context.trace_id for span in sink.spans))

    def one(span: Any) -> tuple[Any, ...]:
        parent = known.get(span.parent.span_id) if span.parent else None
        attributes = {key: value for key, value in span.attributes.items() if key != "server.port"}
        return (
            span.name, span.kind.name, sorted(attributes.items()), span.status.status_code.name,
            span.status.description, [event.name for event in span.events],
            parent and (parent.name, parent.kind.name), bool(span.parent and span.parent.is_remote),
            int(span.context.trace_flags), span.start_time <= span.end_time,
        )  # fmt: skip

    assert all(
        known[span.parent.span_id].context.trace_id == span.context.trace_id for span in sink.spans if span.parent
    )
    return [*sorted((one(span) for span in sink.spans), key=str), (len(traces),)]


def program(call: Call) -> None:
    token = otel_context.attach(baggage.set_baggage("search.operation", "search", otel_context.Context()))
    try:
        for arity in ARITIES:
            call(arity, "ok", "stage")
    finally:
        otel_context.detach(token)
    for words in ("ok", "raise", "abort:NOT_FOUND", "abort:UNAVAILABLE", "code:INTERNAL"):
        with suppress(Refused):
            call("unary_unary", words)


@pytest.mark.parametrize("sampler", [ALWAYS_ON, ParentBased(ALWAYS_ON)], ids=["always_on", "parent_based"])
@pytest.mark.parametrize("client", TRACED)
@pytest.mark.parametrize("kind", SERVERS)
def test_calls_tell_the_same_on_both(kind: str, client: str, sampler: Sampler) -> None:
    """Names, attributes, statuses, events, parents, flags: of every arity, and of every way to end."""
    found: dict[str, Spans] = {}
    for engine in ("sdk", "ours"):
        with recording(engine, sampler) as sink:
            serve, make = SERVERS[kind]
            with serve(make()) as target, TRACED[client](target) as call:
                program(call)
                sink.wait_for(2 * (len(ARITIES) + 5) + STAGES)
            found[engine] = [tuple(str(part).replace(target, "") for part in one) for one in told(sink)]
    assert found["ours"] == found["sdk"]


@pytest.mark.parametrize("make", [lambda: ALWAYS_OFF, lambda: ParentBased(ALWAYS_OFF)])
@pytest.mark.parametrize("engine", ["sdk", "ours"])
def test_a_trace_that_is_not_sampled_stays_so(engine: str, make: Callable[[], Sampler]) -> None:
    """Across the wire: nothing is exported."""
    with recording(engine, make()) as sink:
        serve, kind = SERVERS["threads"]
        with serve(kind()) as target, CLIENTS["threads"](target) as call:
            program(call)
        assert sink.spans == []
