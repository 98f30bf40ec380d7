"""Samplers, parents, trace states and ids on the SDK's provider and on ours: the same spans are recorded."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import _TracerConfig
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    StaticSampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState

import telemetry
from telemetry.recording import providers
from telemetry.recording.guard import guard
from telemetry.recording.metrics.own_metrics import OwnMetrics
from tests.engines import HEADERS, Engine, on_both

STATE = TraceState([("vendor", "x")])
PARENTS = {
    "none": None,
    "invalid": trace.INVALID_SPAN,
    "remote sampled": NonRecordingSpan(SpanContext(7, 8, True, TraceFlags(1), STATE)),
    "remote random": NonRecordingSpan(SpanContext(7, 8, True, TraceFlags(3))),
    "remote other flags": NonRecordingSpan(SpanContext(7, 8, True, TraceFlags(0xF9), STATE)),
    "remote not sampled": NonRecordingSpan(SpanContext(7, 8, True, TraceFlags(0), STATE)),
    "local sampled": NonRecordingSpan(SpanContext(7, 8, False, TraceFlags(1), STATE)),
    "local not sampled": NonRecordingSpan(SpanContext(7, 8, False, TraceFlags(2), STATE)),
    "trace without a span": NonRecordingSpan(SpanContext(7, 0, True, TraceFlags(1))),
    "no span at all": "not a span",
}


class Custom(Sampler):
    """Decides by the name, writes attributes and a trace state, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def should_sample(
        self, parent_context: Context | None, trace_id: int, name: str, kind: SpanKind | None = None,
        attributes: Any = None, links: Sequence[Link] | None = None, trace_state: TraceState | None = None,
    ) -> SamplingResult:  # fmt: skip
        parent = trace.get_current_span(parent_context).get_span_context()
        self.asked.append((parent.span_id, trace_id, name, kind, attributes, links and len(links), trace_state))
        decision = Decision.DROP if "drop" in name else Decision.RECORD_ONLY if "only" in name else None
        state = parent.trace_state.add("sampler", f"asked-{len(self.asked)}") if "state" in name else None
        return SamplingResult(decision or Decision.RECORD_AND_SAMPLE, {**(attributes or {}), "by": "sampler"}, state)

    def get_description(self) -> str:
        return "Custom"


SAMPLERS: dict[str, Any] = {
    "default": lambda: None,
    "on": lambda: ALWAYS_ON,
    "off": lambda: ALWAYS_OFF,
    "record only": lambda: StaticSampler(Decision.RECORD_ONLY),
    "half": lambda: TraceIdRatioBased(0.5),
    "parent or half": lambda: ParentBasedTraceIdRatio(0.5),
    "parent or off": lambda: ParentBased(ALWAYS_OFF),
    "turned": lambda: ParentBased(
        ALWAYS_ON, remote_parent_sampled=ALWAYS_OFF, remote_parent_not_sampled=ALWAYS_ON,
        local_parent_sampled=ALWAYS_OFF, local_parent_not_sampled=ALWAYS_ON,
    ),
    "custom": Custom,
    "parent or custom": lambda: ParentBased(Custom()),
    "custom for locals": lambda: ParentBased(ALWAYS_ON, local_parent_sampled=Custom()),
}  # fmt: skip


def seen(span: trace.Span) -> tuple[Any, ...]:
    """Return what a program sees of a span, whether it records or not."""
    context = span.get_span_context()
    state = list(context.trace_state.items())
    return (context.trace_id, context.span_id, context.is_remote, int(context.trace_flags), state, span.is_recording())


@pytest.mark.parametrize("parent", PARENTS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_below_every_parent_records_the_same(sampler: str, parent: str) -> None:
    """Three levels: children of what was recorded, of what was dropped, of what is recorded without being sampled."""

    def program(engine: Engine) -> list[Any]:
        given = PARENTS[parent]
        above = Context() if given is None else trace.set_span_in_context(given, Context())  # type: ignore[arg-type]
        found: list[Any] = []
        for name in ("plain", "drop", "only", "state", "only state"):
            links = [Link(SpanContext(1, 2, False))]
            with engine.tracer.start_as_current_span(name, above, attributes={"a": 1}, links=links) as span:
                found.append(seen(span))
                headers: dict[str, str] = {}
                HEADERS.inject(headers)
                found.append(headers)
                for child in ("child", "drop child", "only child"):
                    with engine.tracer.start_as_current_span(child, kind=SpanKind.CLIENT) as below:
                        found.append(seen(below))
                        below.set_attribute("b", 2)
                        grandchild = engine.tracer.start_span("state grandchild")
                        found.append(seen(grandchild))
                        grandchild.end()
        found.append(getattr(engine.provider.sampler, "asked", None))
        return found

    engine = on_both(program, sampler=SAMPLERS[sampler])
    assert all(span.context and span.context.trace_flags.sampled for span in engine.sink.spans)


def test_a_span_that_is_recorded_without_being_sampled_is_not_exported() -> None:
    """Processors get it; our exporter, and the SDK's processors of exporters, do not."""

    def program(engine: Engine) -> tuple[bool, bool]:
        span = engine.tracer.start_span("work")
        span.set_attribute("a", 1)
        span.end()
        return isinstance(span, NonRecordingSpan), span.get_span_context().trace_flags.sampled

    engine = on_both(program, sampler=StaticSampler(Decision.RECORD_ONLY))
    assert (engine.finished(), engine.sink.spans) == ((), [])


def test_a_parent_of_the_other_provider_is_a_parent() -> None:
    for name in ("sdk", "ours"):
        parents, children = Engine("ours" if name == "sdk" else "sdk"), Engine(name)
        with parents.tracer.start_as_current_span("parent") as parent:
            children.tracer.start_span("child").end()
        (child,) = children.finished()
        assert child.parent == parent.get_span_context()
        assert child.context is not None
        assert child.context.trace_id == parent.get_span_context().trace_id


class Ids(IdGenerator):
    """Its trace ids are random, it says."""

    def __init__(self, random: bool) -> None:
        self.last, self.random = 100, random

    def generate_span_id(self) -> int:
        self.last += 1
        return self.last

    generate_trace_id = generate_span_id

    def is_trace_id_random(self) -> bool:
        return self.random


@pytest.mark.parametrize("random", [True, False])
def test_ids_come_from_the_generator_which_says_whether_they_are_random(random: bool) -> None:
    def program(engine: Engine) -> None:
        engine.provider.get_tracer("other").id_generator = engine.tracer.id_generator = Ids(random)  # type: ignore[attr-defined]
        with engine.tracer.start_as_current_span("root"):
            engine.tracer.start_span("child").end()
        engine.provider.get_tracer("other").start_span("other").end()

    spans = on_both(program).finished()
    assert {span.context and int(span.context.trace_flags) for span in spans} == {3 if random else 1}
    assert [span.context and span.context.span_id for span in spans] == [103, 102, 105]


def test_random_ids_are_valid_and_different() -> None:
    spans = [Engine("ours", id_generator=RandomIdGenerator()).tracer.start_span("work") for _ in range(1000)]
    contexts = [span.get_span_context() for span in spans]
    assert all(context.is_valid and context.trace_flags == TraceFlags(3) for context in contexts)
    assert len({context.trace_id for context in contexts}) == len({context.span_id for context in contexts}) == 1000


@pytest.mark.parametrize("ids", [RandomIdGenerator(), Ids(random=True), Ids(random=False)])
@pytest.mark.parametrize("sampler", [ALWAYS_OFF, ParentBased(ALWAYS_OFF)], ids=["off", "parent"])
def test_a_prepared_root_that_is_left_out_has_a_trace(sampler: Sampler, ids: IdGenerator) -> None:
    """As one that `start_span` leaves out; its children are of the same trace, and nothing is exported."""
    engine = Engine("ours", sampler=sampler, id_generator=ids)
    tracer: Any = engine.tracer
    plain = tracer.start_span("root", Context())
    root = tracer.start_prepared("root", Context(), SpanKind.INTERNAL, {"a": 1})
    child = tracer.start_prepared("child", trace.set_span_in_context(root, Context()), SpanKind.INTERNAL, {})
    assert type(root) is type(child) is type(plain)
    contexts = [span.get_span_context() for span in (plain, root, child)]
    assert {int(context.trace_flags) for context in contexts} == {2 if ids.is_trace_id_random() else 0}
    assert all(context.is_valid and not context.is_remote for context in contexts)
    assert contexts[0].trace_id != contexts[1].trace_id == contexts[2].trace_id
    assert len({context.span_id for context in contexts}) == 3
    root.end_after(5)
    child.end()
    assert (root.is_recording(), engine.finished(), engine.sink.spans) == (False, (), [])


def test_a_sampler_that_is_replaced_decides_from_then_on() -> None:
    def program(engine: Engine) -> list[Any]:
        tracer: Any = engine.tracer
        found = []
        for sampler in (ALWAYS_ON, ALWAYS_OFF, Custom(), ParentBased(ALWAYS_ON), ParentBased(ALWAYS_OFF)):
            tracer.sampler = sampler
            with tracer.start_as_current_span("work") as span:
                found.append(seen(span))
                found.append(seen(tracer.start_span("child")))
        return found

    on_both(program)


def test_a_tracer_that_is_switched_off_and_on_again() -> None:
    """By the SDK's configurator of tracers: then a span is the parent's context."""

    def program(engine: Engine) -> list[Any]:
        found = []
        for is_enabled in (False, True, False):
            configure = partial(lambda config, _: config, _TracerConfig(is_enabled=is_enabled))
            engine.provider._set_tracer_configurator(tracer_configurator=configure)
            with engine.tracer.start_as_current_span("work") as span:
                found.append((seen(span), type(span) is NonRecordingSpan))
        return found

    assert len(on_both(program).finished()) == 1


def test_a_provider_that_variables_switch_off_records_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    def program(engine: Engine) -> str:
        engine.tracer.start_span("work").end()
        return type(engine.tracer).__name__

    assert on_both(program).finished() == ()


@pytest.mark.parametrize(
    ("sampler", "argument"),
    [
        ("always_on", ""),
        ("always_off", ""),
        ("traceidratio", "0.5"),
        ("parentbased_traceidratio", "0"),
        ("nonsense", ""),
    ],
)
def test_a_sampler_that_variables_name(sampler: str, argument: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)

    def program(engine: Engine) -> list[Any]:
        return [seen(engine.tracer.start_span("work")), engine.provider.sampler.get_description()]

    on_both(program)


def test_one_scope_is_one_tracer() -> None:
    def program(engine: Engine) -> list[bool]:
        get = engine.provider.get_tracer
        get("").start_span("without a name").end()
        return [
            get("a") is get("a"), get("a") is get("b"), get("a", "1") is get("a", "2"), get("a") is get("a", "", ""),
            get("a", attributes={"b": 1}) is get("a", attributes={"b": 1}),
        ]  # fmt: skip

    on_both(program)


class Raising(Sampler):
    """A sampler with a defect."""

    def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
        raise RuntimeError("no decision")

    def get_description(self) -> str:
        return "raising"


def test_a_sampler_that_raises_costs_the_span_and_not_the_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", False)
    own = OwnMetrics("trace_based")
    reader = own.reader()
    with providers.override(tracer=Engine("ours", sampler=Raising()).tracer, own=own):
        with telemetry.stage("encode"), telemetry.endpoint("/search"):
            pass
        found = {metric.name: len(metric.data.data_points) for metric in reader.collect()}
    assert found == {"search.stage.duration": 1, "search.request.duration": 1}
