"""Limits of spans, by arguments and by variables, on the SDK's provider and on ours: the same is kept and lost."""

from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.trace import Link, SpanContext

from tests.engines import Engine, any_value, on_both

pytestmark = any_value

OTHER = SpanContext(7, 8, is_remote=False)


def everything(engine: Engine) -> None:
    """Ask for more of everything than any limit below allows."""
    many: dict[str, Any] = {f"key {number}": "x" * number for number in range(9)} | {
        "list": ["y" * 9, "z"],
        "map": {"k": "w" * 9},
    }
    links = [Link(OTHER, many) for _ in range(5)]
    with engine.tracer.start_as_current_span("work", attributes=many, links=links) as span:
        for number in range(7):
            span.set_attribute(f"later {number}", "x" * number)
            span.set_attribute("again", number)
            span.add_event(f"event {number}", many)
            span.add_link(OTHER, many)
        span.set_attributes(many)
        span.set_attributes({"": 1, "last": b"bytes"})


LIMITS: list[dict[str, Any]] = [
    {}, {"max_attributes": 3}, {"max_attributes": 0}, {"max_attributes": 1}, {"max_span_attributes": 4},
    {"max_span_attributes": 0}, {"max_events": 2}, {"max_events": 0}, {"max_events": 1}, {"max_links": 2},
    {"max_links": 0}, {"max_event_attributes": 2}, {"max_event_attributes": 0},
    {"max_link_attributes": 2}, {"max_link_attributes": 0},
    {"max_attribute_length": 3}, {"max_attribute_length": 0}, {"max_span_attribute_length": 2},
    {"max_attribute_length": 2, "max_span_attribute_length": 4, "max_attributes": 5},
    dict.fromkeys(("max_attributes", "max_events", "max_links", "max_span_attributes"), SpanLimits.UNSET),
]  # fmt: skip


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_a_limit_keeps_and_counts_the_same(limits: dict[str, Any]) -> None:
    (span,) = on_both(everything, span_limits=SpanLimits(**limits)).finished()
    most = limits.get("max_span_attributes", limits.get("max_attributes", 128))
    assert len(span.attributes or {}) <= (128 if most == SpanLimits.UNSET else most)


VARIABLES = {
    "OTEL_ATTRIBUTE_COUNT_LIMIT": ("3", "0", ""), "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("2", ""),
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": ("4", " 5 "), "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("1",),
    "OTEL_SPAN_EVENT_COUNT_LIMIT": ("2",), "OTEL_SPAN_LINK_COUNT_LIMIT": ("0",),
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": ("1",), "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": ("1",),
}  # fmt: skip


@pytest.mark.parametrize(
    ("variable", "value"), [(name, value) for name, values in VARIABLES.items() for value in values]
)
def test_a_variable_limits_the_same(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without = on_both(everything).result()
    monkeypatch.setenv(variable, value)
    assert (on_both(everything).result() == without) == (not value)


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_that_is_no_number_is_refused_by_both(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "-5")
    for name in ("sdk", "ours"):
        with pytest.raises(ValueError, match=variable):
            Engine(name)


def test_more_than_the_default_limits() -> None:
    """128 attributes, events and links: the newest stay."""

    def program(engine: Engine) -> None:
        span = engine.tracer.start_span("work", attributes={f"a{number}": number for number in range(100)})
        for number in range(150):
            span.set_attribute(f"b{number}", number)
            span.add_event(str(number))
            span.add_link(OTHER, {"number": number})
        span.end()

    (span,) = on_both(program).finished()
    assert (span.dropped_attributes, span.dropped_events, span.dropped_links) == (122, 22, 22)
    assert (span.events[0].name, next(iter(span.attributes or ()))) == ("22", "b22")
