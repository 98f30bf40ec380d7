"""Random programs of calls of OpenTelemetry's API: the SDK's provider and ours export the same spans."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from tests.engines import Engine, any_value, later, on_both

pytestmark = any_value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
KEYS = st.sampled_from(["", "a", "b", "c", "d", "search.operation"]) | TEXTS
PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS | st.binary()
VALUES: Any = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2))
ATTRIBUTES = st.none() | st.dictionaries(KEYS | st.integers(0, 3), VALUES, max_size=6)
CONTEXTS = st.builds(
    SpanContext,
    st.integers(0, 2),
    st.integers(0, 2),
    st.booleans(),
    st.builds(TraceFlags, st.integers(0, 3)),
    st.sampled_from([None, TraceState([("vendor", "x")])]),
)
TIMES = st.none() | st.integers(0, 2**63 - 1)
STATUSES = st.sampled_from(StatusCode) | st.builds(Status, st.sampled_from(StatusCode), st.none() | TEXTS)

STEPS = st.one_of(
    st.tuples(st.just("set_attribute"), KEYS, VALUES),
    st.tuples(st.just("set_attributes"), ATTRIBUTES.map(lambda given: given or {})),
    st.tuples(st.just("add_event"), TEXTS, ATTRIBUTES, TIMES),
    st.tuples(st.just("add_link"), CONTEXTS, ATTRIBUTES),
    st.tuples(st.just("set_status"), STATUSES, st.none() | TEXTS),
    st.tuples(st.just("update_name"), TEXTS),
    st.tuples(st.just("record_exception"), st.builds(ValueError, TEXTS), ATTRIBUTES, TIMES, st.booleans()),
    st.tuples(st.just("end"), TIMES),
)
SPANS = st.fixed_dictionaries(
    {
        "name": TEXTS,
        "above": st.sampled_from(["current", "root", "other"]),
        "parent": CONTEXTS,
        "kind": st.sampled_from(SpanKind),
        "attributes": ATTRIBUTES,
        "links": st.lists(st.tuples(CONTEXTS, ATTRIBUTES), max_size=3),
        "start_time": TIMES,
        "raises": st.booleans(),
        "steps": st.lists(STEPS, max_size=6),
    }
)
PROGRAMS = st.recursive(
    st.tuples(SPANS, st.just([])), lambda inner: st.tuples(SPANS, st.lists(inner, max_size=3)), max_leaves=6
)
COUNTS = ("attributes", "events", "links", "span_attributes", "event_attributes", "link_attributes")
LENGTHS = ("attribute_length", "span_attribute_length")
LIMITS = st.builds(SpanLimits, **{f"max_{name}": st.none() | st.integers(0, 4) for name in COUNTS + LENGTHS})


class OfTheBlock(Exception):
    pass


def run(engine: Engine, program: Any) -> None:
    """Start a span as the program says, do its steps and its inner programs, and end it."""
    given, inner = program
    context = {
        "current": None,
        "root": trace.set_span_in_context(trace.INVALID_SPAN),
        "other": trace.set_span_in_context(trace.NonRecordingSpan(given["parent"])),
    }[given["above"]]
    links = [Link(context, attributes) for context, attributes in given["links"]]
    options = {name: given[name] for name in ("kind", "attributes", "start_time")}
    block = engine.tracer.start_as_current_span(given["name"], context, links=links, **options)
    with contextlib.suppress(OfTheBlock), block as span:
        span.get_span_context()  # one that is not sampled takes its id when it is asked
        for name, *arguments in given["steps"]:
            later()
            getattr(span, name)(*arguments)
        for one in inner:
            later()
            run(engine, one)
        if given["raises"]:
            raise OfTheBlock


@given(PROGRAMS, LIMITS)
@settings(max_examples=80, deadline=None)
def test_a_random_program_gives_the_same_spans(program: Any, limits: SpanLimits) -> None:
    on_both(lambda engine: run(engine, program), engine_turns=False, span_limits=limits)


@pytest.mark.slow
@given(PROGRAMS, LIMITS)
@settings(max_examples=10_000, deadline=None)
def test_ten_thousand_random_programs_give_the_same_spans(program: Any, limits: SpanLimits) -> None:
    on_both(lambda engine: run(engine, program), engine_turns=False, span_limits=limits)
