"""Spans on the SDK's provider and on ours: names, attributes, events, links, statuses, times and ends are equal."""

import enum
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace import Span as SpanOfSdk
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from tests.engines import Engine, any_value, on_both

OTHER = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("vendor", "x")]))
NOWHERE = SpanContext(0, 0, is_remote=False)


class Colour(enum.StrEnum):
    RED = "red"


class Plain:
    __slots__ = ()


@pytest.mark.parametrize("kind", SpanKind)
def test_a_span_has_what_it_was_started_with(kind: SpanKind) -> None:
    def program(engine: Engine) -> None:
        with engine.tracer.start_as_current_span("work", kind=kind, attributes={"a": 1}, links=[Link(OTHER, {"b": 2})]):
            pass

    (span,) = on_both(program).finished()
    assert (span.name, span.kind, dict(span.attributes or {}), span.links[0].context) == ("work", kind, {"a": 1}, OTHER)


VALUES: dict[str, Any] = {
    "str": "text", "empty": "", "int": 3, "big": 2**62, "bool": True, "float": 0.5, "bytes": b"\x00", "none": None,
    "list": [1, 2], "tuple": ("a", "b"), "mixed": [1, "a", None, 2.5], "nested": {"a": {"b": [1]}}, "empty list": [],
    "enum": Colour.RED, "object": object(), "plain": Plain(), "set": frozenset({"one"}), "range": range(3),
    "no str": StatusCode.OK,
}  # fmt: skip


@any_value
@pytest.mark.parametrize("name", VALUES)
def test_a_value_of_every_type_is_kept_as_the_sdk_keeps_it(name: str) -> None:
    """At the start, by both setters, in an event, in a link; where `__str__` is the object's own, it is not a value."""

    def program(engine: Engine) -> Any:
        given = {"first": VALUES[name]}
        span = engine.tracer.start_span("work", attributes=given, links=[Link(OTHER, given)])
        span.set_attribute("second", VALUES[name])
        span.set_attributes({"third": VALUES[name], "fourth": 4})
        span.add_event("event", given)
        span.add_link(OTHER, given)
        span.end()

    (span,) = on_both(program).finished()
    assert list(span.attributes or ()) == ["first", "second", "third", "fourth"]


@any_value
@pytest.mark.parametrize("key", [1, None, "", b"bytes", ("a",), 2.5, True, Colour.RED])
def test_a_key_that_is_no_text_is_treated_as_the_sdk_treats_it(key: Any) -> None:
    """`set_attribute` drops it, and the others make a text of it where they can; each that is lost counts."""

    def program(engine: Engine) -> None:
        span = engine.tracer.start_span("work", attributes={key: 1, "a": 2})
        span.set_attribute(key, 3)
        span.set_attributes({key: 4, "b": 5})
        span.add_event("event", {key: 6, "c": 7})
        span.add_link(OTHER, {key: 8, "d": 9})
        span.end()

    (span,) = on_both(program).finished()
    assert {"a", "b"} <= set(span.attributes or ())


@any_value
def test_a_key_that_cannot_be_hashed_is_dropped() -> None:
    def program(engine: Engine) -> None:
        span = engine.tracer.start_span("work")
        span.set_attribute(["a"], 1)  # type: ignore[arg-type]
        span.set_attribute({}, "text")  # type: ignore[arg-type]
        span.end()

    (span,) = on_both(program).finished()
    assert (dict(span.attributes or {}), span.dropped_attributes) == ({}, 2)


@any_value
def test_a_value_that_changes_after_it_was_set_is_kept_as_it_was() -> None:
    def program(engine: Engine) -> None:
        numbers, mapping, outer = [1], {"a": [1]}, {"first": 1}
        span = engine.tracer.start_span("work", attributes=outer, links=[Link(OTHER, outer)])
        span.set_attribute("numbers", numbers)
        span.set_attribute("mapping", mapping)
        span.add_event("event", outer)
        numbers.append(2)
        mapping["a"].append(2)
        outer["second"] = 2
        span.end()

    (span,) = on_both(program).finished()
    assert dict(span.attributes or {}) == {"first": 1, "numbers": (1,), "mapping": {"a": (1,)}}


def test_an_attribute_that_is_set_again_is_the_newest() -> None:
    def program(engine: Engine) -> None:
        span = engine.tracer.start_span("work", attributes={"a": 1, "b": "x", "c": 2})
        span.set_attribute("a", 3)
        span.set_attribute("b", "y")
        span.end()

    (span,) = on_both(program).finished()
    assert list((span.attributes or {}).items()) == [("c", 2), ("a", 3), ("b", "y")]


STEPS: list[Any] = [
    Status(StatusCode.ERROR, "first"), Status(StatusCode.ERROR, "second"), Status(StatusCode.UNSET),
    Status(StatusCode.OK), StatusCode.ERROR, StatusCode.OK, StatusCode.UNSET, Status(StatusCode.OK, "with words"),
    "no status", None,
]  # fmt: skip


@pytest.mark.parametrize("first", STEPS)
@pytest.mark.parametrize("second", STEPS)
@pytest.mark.parametrize("words", [None, "words"])
def test_of_two_statuses_the_same_one_stays(first: Any, second: Any, words: str | None) -> None:
    def program(engine: Engine) -> None:
        span = engine.tracer.start_span("work")
        for step in (first, second):
            span.set_status(step, words)
        span.end()

    assert len(on_both(program).finished()) == 1


def test_ok_stays() -> None:
    def program(engine: Engine) -> None:
        span = engine.tracer.start_span("work")
        span.set_status(StatusCode.ERROR, "wrong")
        span.set_status(StatusCode.OK)
        span.set_status(StatusCode.ERROR, "late")
        span.end()

    (span,) = on_both(program).finished()
    assert (span.status.status_code, span.status.description) == (StatusCode.OK, None)


def test_events_and_links_stand_in_their_order_with_their_times() -> None:
    def program(engine: Engine) -> None:
        span = engine.tracer.start_span("work", links=[Link(OTHER), Link(NOWHERE), None])  # type: ignore[list-item]
        span.add_event("now")
        span.add_event("then", {"a": 1}, timestamp=5)
        span.add_event("at the beginning", timestamp=0)
        span.add_link(NOWHERE)
        span.add_link(NOWHERE, {"kept": True})
        span.add_link(SpanContext(0, 0, False, trace_state=TraceState([("kept", "too")])))
        span.add_link(None, {"not": "kept"})  # type: ignore[arg-type]
        span.end()

    (span,) = on_both(program).finished()
    assert [event.name for event in span.events] == ["now", "then", "at the beginning"]
    assert len(span.links) == 3
    assert span.events[0].attributes == {}


def test_times_that_are_given_are_kept_and_0_is_one() -> None:
    def program(engine: Engine) -> None:
        for start, end in ((0, 0), (5, 3), (None, 7), (9, None)):
            engine.tracer.start_span("work", start_time=start).end(end)
        with engine.tracer.start_as_current_span("block", start_time=4):
            pass

    spans = on_both(program).finished()
    assert [(span.start_time, span.end_time) for span in spans[:2]] == [(0, 0), (5, 3)]
    assert spans[4].start_time == 4


def test_what_is_written_after_the_end_is_not_kept() -> None:
    def program(engine: Engine) -> list[Any]:
        span = engine.tracer.start_span("work", attributes={"a": 1})
        was_recording = span.is_recording()
        span.end(50)
        span.set_attribute("a", 2)
        span.set_attributes({"b": 1})
        span.add_event("late")
        span.add_link(OTHER)
        span.record_exception(ValueError("late"))
        span.set_status(StatusCode.ERROR)
        span.update_name("late")
        span.end(60)
        return [was_recording, span.is_recording(), span.name, span.end_time]  # type: ignore[attr-defined]

    (span,) = on_both(program).finished()
    assert (span.name, dict(span.attributes or {}), span.events, span.end_time) == ("work", {"a": 1}, (), 50)


def test_a_new_name_is_the_name() -> None:
    def program(engine: Engine) -> None:
        span = engine.tracer.start_span("work")
        span.update_name("other")
        span.end()

    assert on_both(program).finished()[0].name == "other"


class Own(Exception):
    pass


@pytest.mark.parametrize("exc", [ValueError("bad"), Own("bad"), KeyboardInterrupt(), KeyError("a"), Own()])
def test_an_exception_that_is_recorded_is_the_same_event(exc: BaseException) -> None:
    def program(engine: Engine) -> None:
        span = engine.tracer.start_span("work")
        span.record_exception(exc)
        span.record_exception(exc, {"exception.message": "other", "more": [1]}, timestamp=3, escaped=True)
        span.end()

    first, second = on_both(program).finished()[0].events
    assert (first.attributes or {})["exception.message"] == str(exc)
    assert ((second.attributes or {})["exception.message"], second.timestamp) == ("other", 3)


def test_an_exception_without_a_text_is_recorded_all_the_same() -> None:
    """The SDK raises what its `__str__` raises, into the program; ours writes what a traceback says of it."""

    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    engine = Engine("ours")
    span = engine.tracer.start_span("work")
    span.record_exception(Silent())
    span.end()
    with pytest.raises(Silent), engine.tracer.start_as_current_span("block"):
        raise Silent
    with pytest.raises(Silent), engine.tracer.start_span("own block"):
        raise Silent
    texts = [(span.events[0].attributes or {})["exception.message"] for span in engine.finished()]
    assert texts == ["<Silent str() failed>"] * 3


def test_a_span_is_one_of_the_sdks() -> None:
    """Neighbours ask for its classes, read its properties, and print it."""

    def program(engine: Engine) -> list[Any]:
        span: Any = engine.tracer.start_span("work", attributes={"a": 1})
        assert [isinstance(span, kind) for kind in (SpanOfSdk, ReadableSpan)] == [True, True]
        span.start()  # which only a warning answers
        shown = [span.get_span_context() is span.context, repr(span).partition("(")[2], span.parent, span.to_json()]
        span._attributes["b"] = 2
        span.end()
        with pytest.raises(TypeError):
            span.attributes["c"] = 3
        return shown

    (span,) = on_both(program).finished()
    assert span._instrumentation_info is not None
    assert span._instrumentation_info.name == "tests"
    assert dict(span.attributes or {}) == {"a": 1, "b": 2}


def test_no_value_of_any_type_raises() -> None:
    """Not in an older release of the SDK either, which drops some of them."""
    span = Engine("ours").tracer.start_span("work", attributes=VALUES)
    for name, value in VALUES.items():
        span.set_attribute(name, value)
        span.set_attributes({f"{name} too": value})
    assert span.is_recording()


def test_an_attribute_that_cannot_be_read_is_left_out_alone() -> None:
    """The SDK raises what the object does, into the program."""

    class Silent:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    endless: list[Any] = []
    endless.append(endless)
    odd: dict[str, Any] = {"a": Silent(), "b": endless}
    span: Any = Engine("ours").tracer.start_span("work", attributes={**odd, "kept": 1})
    span.set_attribute("c", Silent())
    span.set_attributes({**odd, "kept too": 2})
    span.add_event("event", {**odd, "kept": 3})
    span.add_link(OTHER, {**odd, "kept": 4})
    assert dict(span.attributes) == {"kept": 1, "kept too": 2}
    assert span.dropped_attributes == 5
    assert [dict(one.attributes) for one in (*span.events, *span.links)] == [{"kept": 3}, {"kept": 4}]
