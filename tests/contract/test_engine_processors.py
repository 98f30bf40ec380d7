"""Span processors and exporters of others, on the SDK's provider and on ours: each gets all spans, the same ones."""

import json
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context, get_value, set_value
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext

from telemetry.recording.guard import guard
from tests.engines import CLASSES, Engine, on_both
from tests.otlp_stand_in import attributes, stand_in
from tests.unit.own_process import python

OTHER = SpanContext(7, 8, is_remote=False)


class Writing(SpanProcessor):
    """Writes in `on_start` what Sentry's, Traceloop's and OpenInference's write, and tries to in the other two."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.seen.append(("start", span.name, span.is_recording(), span.end_time, dict(span.attributes or {})))
        span.set_attribute("session", str(get_value("session", parent_context)))
        span.set_attributes({"by": "processor", "list": [1]})
        span.add_event("started")
        span.add_link(OTHER)
        span.update_name(f"{span.name}, named")
        self.seen.append((span.context and span.context.span_id, span.parent and span.parent.span_id))

    def _on_ending(self, span: Span) -> None:
        self.seen.append(("ending", span.name, span.is_recording()))

    def on_end(self, span: ReadableSpan) -> None:
        assert not isinstance(span, trace.Span)
        assert not hasattr(span, "set_attribute")
        self.seen.append(("end", span.name, dict(span.attributes or {}), len(span.events), len(span.links)))
        with pytest.raises(TypeError):
            span.attributes["late"] = 1  # type: ignore[index]


@pytest.mark.parametrize("given", ["added", "first", "concurrent", "own"])
def test_a_processor_writes_at_the_start_and_reads_at_the_end(given: str) -> None:
    """One that is added, before and after the tracer is made; one that the provider is made with."""

    def program(engine: Engine) -> list[Any]:
        processor = Writing()
        provider = engine.provider
        if given == "concurrent":
            several = sdk.ConcurrentMultiSpanProcessor(1)
            provider = type(provider)(active_span_processor=several, shutdown_on_exit=False)
            several.add_span_processor(processor)
        elif given == "own":
            provider = type(provider)(active_span_processor=processor, shutdown_on_exit=False)  # type: ignore[arg-type]
        elif given == "first":
            provider.add_span_processor(processor)
        tracer = engine.tracer if provider is engine.provider else provider.get_tracer("tests")
        if given == "added":
            provider.add_span_processor(processor)
        for one in (tracer, provider.get_tracer("later")):
            one.id_generator = engine.tracer.id_generator  # type: ignore[attr-defined]
            above = set_value("session", "s1")
            with one.start_as_current_span("parent", above, attributes={"a": 1}) as span:
                span.set_attribute("a", 2)
                one.start_span("child", trace.set_span_in_context(span, above)).end()
        if given in {"concurrent", "own"}:
            provider.shutdown()
        return processor.seen

    engine = on_both(program)
    if given in {"added", "first"}:
        span = engine.sink.spans[1]
        assert span.name == "parent, named"
        assert dict(span.attributes or {}) == {"session": "s1", "by": "processor", "list": (1,), "a": 2}


@pytest.mark.parametrize("kind", [SimpleSpanProcessor, BatchSpanProcessor])
def test_an_exporter_that_is_added_gets_all_spans_from_then_on(kind: Any) -> None:
    """Before and after tracers were made, until it is shut down; `force_flush` and `shutdown` reach it."""

    def program(engine: Engine) -> list[Any]:
        exporter, tracer = InMemorySpanExporter(), engine.tracer
        tracer.start_span("before").end()
        span = tracer.start_span("open")
        engine.provider.add_span_processor(kind(exporter))
        span.end()
        engine.provider.get_tracer("other").start_span("after").end()
        flushed = engine.provider.force_flush()
        names = [span.name for span in exporter.get_finished_spans()]
        engine.provider.shutdown()
        tracer.start_span("late").end()
        return [flushed, names, [span.name for span in exporter.get_finished_spans()]]

    on_both(program)
    assert program(Engine("ours"))[1] == ["open", "after"]


def test_a_processor_that_changes_what_it_gets_changes_nobody_elses() -> None:
    """What is private is its own copy: an exporter of ours that encodes the span later does not see it."""
    engine = Engine("ours")

    class Scribbling(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            span._attributes["scribbled"] = True  # type: ignore[index]

    engine.provider.add_span_processor(Scribbling())
    engine.tracer.start_span("work", attributes={"a": 1}).end()
    assert dict(engine.sink.spans[0].attributes or {}) == {"a": 1}


@pytest.mark.parametrize("where", ["on_start", "_on_ending", "on_end"])
def test_a_processor_that_fails_fails_no_caller(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK raises what it raises into the program; here that is counted, and the span is exported."""

    class Failing(SpanProcessor):
        pass

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault of the processor")

    monkeypatch.setattr(Failing, where, fail)
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(guard, "faults", 5)
    engine = Engine("ours")
    engine.provider.add_span_processor(Failing())
    with engine.tracer.start_as_current_span("work"):
        pass
    assert ([span.name for span in engine.sink.spans], guard.faults) == (["work"], 6)


def test_providers_are_of_the_sdks_class() -> None:
    """What auto-instrumentations, Sentry and OpenInference ask before they add a processor."""
    engine = Engine("ours")
    assert isinstance(engine.provider, sdk.TracerProvider)
    assert isinstance(engine.tracer, sdk.Tracer)
    assert issubclass(CLASSES["ours"], sdk.TracerProvider)


def test_the_provider_of_configure_takes_processors_and_exporters_of_others() -> None:
    """Added after `configure`: they get the spans of stages and those of other tracers, and what they write leaves."""
    code = """
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

handle = telemetry.configure("shop", endpoint=sys.argv[1], metrics="none")
class Session(SpanProcessor):
    def on_start(self, span, parent_context=None):
        span.set_attribute("shop.branch", "north")
exporter, provider = InMemorySpanExporter(), trace.get_tracer_provider()
assert isinstance(provider, TracerProvider), provider
provider.add_span_processor(Session())
provider.add_span_processor(BatchSpanProcessor(exporter))

@telemetry.endpoint("/search")
def search(docs):
    with trace.get_tracer("other").start_as_current_span("theirs"), telemetry.stage("work"):
        pass
search([1])
assert provider.force_flush()
show([[span.name, span.attributes["shop.branch"]] for span in exporter.get_finished_spans()])
show(handle.shutdown(10))
    """
    with stand_in() as collector:
        ended = python(code, collector.grpc)
        found = {span.name: attributes(span.attributes)["shop.branch"] for span, _ in collector.spans()}
    expected = [["work", "north"], ["theirs", "north"], ["/search", "north"]]
    assert (ended.status, ended.err, ended.shown) == (0, "", [expected, True])
    assert found == dict(expected)


def test_sentrys_span_processor_makes_its_transactions_of_our_spans() -> None:
    """`SentrySpanProcessor`, as sentry-sdk documents it: it sees each span start and end, of stages too."""
    code = """
import sentry_sdk
from opentelemetry import propagate, trace
from sentry_sdk.integrations.opentelemetry import SentryPropagator, SentrySpanProcessor

sent = []
class Keeping(sentry_sdk.transport.Transport):
    def capture_envelope(self, envelope):
        sent.extend(item.payload.json for item in envelope.items if item.type == "transaction")
sentry_sdk.init("http://key@127.0.0.1:9/1", instrumenter="otel", traces_sample_rate=1.0, transport=Keeping,
    default_integrations=False)
handle = telemetry.configure("shop", endpoint=sys.argv[1], metrics="none")
trace.get_tracer_provider().add_span_processor(SentrySpanProcessor())
propagate.set_global_textmap(SentryPropagator())

@telemetry.endpoint("/search")
def search(docs):
    with trace.get_tracer("other").start_as_current_span("theirs", attributes={"a": 1}), telemetry.stage("work"):
        headers = {}
        propagate.inject(headers)
        show(sorted(headers))
search([1])
sentry_sdk.flush()
(one,) = sent
show([one["transaction"], one["contexts"]["trace"]["trace_id"]])
show([[span["op"], span["parent_span_id"] == one["contexts"]["trace"]["span_id"]] for span in one["spans"]])
show(handle.shutdown(10))
    """
    with stand_in() as collector:
        ended = python(code, collector.grpc, before=QUIET)
        traces = {span.trace_id.hex() for span, _ in collector.spans()}
    assert (ended.status, ended.err) == (0, "")
    headers, (name, trace_id), spans, flushed = ended.shown
    assert (headers, name, sorted(spans), flushed) == (
        ["baggage", "sentry-trace"], "/search", [["theirs", True], ["work", False]], True,
    )  # fmt: skip
    assert traces == {trace_id}


QUIET = 'import warnings; warnings.filterwarnings("ignore", category=DeprecationWarning, module="sentry_sdk")\n'


def test_the_sdks_own_metrics_of_spans_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """`OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED`: started and live spans, by parent and decision, as from the SDK."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")

    def program(engine: Engine) -> Any:
        reader = InMemoryMetricReader()
        meters = MeterProvider([reader], shutdown_on_exit=False)
        provider = type(engine.provider)(shutdown_on_exit=False, meter_provider=meters)
        tracer = provider.get_tracer("tests")
        with tracer.start_as_current_span("root"):
            tracer.start_span("child").end()
            tracer.start_span("open")
        data = reader.get_metrics_data()
        assert data is not None
        found = [
            (metric.name, [(point.value, dict(point.attributes or {})) for point in metric.data.data_points])  # type: ignore[union-attr]
            for metric in data.resource_metrics[0].scope_metrics[0].metrics
        ]
        meters.shutdown()
        return json.dumps(found)

    on_both(program)
