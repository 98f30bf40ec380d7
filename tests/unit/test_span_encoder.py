"""Spans in OTLP: what is decoded again is what OpenTelemetry's own encoder makes of the same spans."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as encode_by_the_library
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

import telemetry
from telemetry.otlp import span_encoder
from telemetry.otlp.span_encoder import Cuts, encode_spans
from telemetry.privacy.scrubber import NoScrubber
from telemetry.testing import Spans
from tests.otlp_stand_in import attributes as read_back

RESOURCES = [Resource({"service.name": "gateway"}), Resource({"service.name": "encoder"}, "https://schema")]
SCOPES = [InstrumentationScope("a"), InstrumentationScope("b", "1.2", "https://schema", {"x": 1}), None]


@pytest.fixture(autouse=True)
def _nothing_is_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is encoded here is compared with what is not scrubbed; `test_privacy_signals` looks at scrubbing."""
    monkeypatch.setattr(span_encoder, "current", NoScrubber)


def context(
    trace_id: int = 1, span_id: int = 2, *, remote: bool = False, state: TraceState | None = None
) -> SpanContext:
    return SpanContext(trace_id, span_id, remote, TraceFlags(TraceFlags.SAMPLED), state)


def span(attributes: Mapping[str, Any] | None = None, **more: Any) -> ReadableSpan:
    usual = {
        "name": "work", "context": context(), "resource": RESOURCES[0], "instrumentation_scope": SCOPES[0],
        "start_time": 1, "end_time": 2, "attributes": attributes,
    }  # fmt: skip
    return ReadableSpan(**{**usual, **more})


def assert_same(*spans: ReadableSpan) -> None:
    decoded = ExportTraceServiceRequest()
    decoded.ParseFromString(encode_spans(spans))
    assert decoded == encode_by_the_library(spans)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
PLAIN = st.one_of(TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
ATTRIBUTES = st.dictionaries(TEXTS, st.one_of(PLAIN, st.binary(max_size=5), st.lists(st.integers(0, 9), max_size=3)))
CONTEXTS = st.builds(
    context,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    remote=st.booleans(),
    state=st.sampled_from([None, TraceState([("vendor", "value")])]),
)
STATUSES = st.one_of(
    st.just(Status()), st.just(Status(StatusCode.OK)), st.builds(lambda words: Status(StatusCode.ERROR, words), TEXTS)
)
SPANS = st.builds(
    ReadableSpan,
    name=TEXTS,
    context=CONTEXTS,
    parent=st.none() | CONTEXTS,
    resource=st.sampled_from(RESOURCES),
    instrumentation_scope=st.sampled_from(SCOPES),
    attributes=st.none() | ATTRIBUTES,
    events=st.lists(st.builds(Event, name=TEXTS, attributes=ATTRIBUTES, timestamp=st.integers(0, 2**63)), max_size=1),
    links=st.lists(st.builds(Link, CONTEXTS, ATTRIBUTES), max_size=1),
    kind=st.sampled_from(list(SpanKind)),
    status=STATUSES,
    start_time=st.integers(0, 2**63),
    end_time=st.integers(0, 2**63),
)


@given(st.lists(SPANS, max_size=5))
def test_any_spans_come_out_as_the_library_has_them(spans: list[ReadableSpan]) -> None:
    """Ids, times, kinds, statuses, attributes, events, links, resources, scopes: all of it, and in the same order."""
    assert_same(*spans)


def test_equal_values_of_other_types_stay_apart() -> None:
    """Python holds 1, True and 1.0 for equal, and 0.0 and -0.0: what was encoded before must not stand for another."""
    values = (1, True, 1.0, "1", 0, False, 0.0, -0.0)
    assert_same(*(span({"x": value}) for value in values), *(span({"x": value}) for value in reversed(values)))


def test_sizes_of_several_bytes_are_spelled_right() -> None:
    """The length of a span takes one, two or three bytes."""
    assert_same(*(span({"x": "y" * size}) for size in (*range(60, 140), 16_000, 16_384, 2_100_000)))


@pytest.mark.parametrize(
    ("value", "repaired"),
    [("a\ud800", "a?"), (2**63, str(2**63)), (-(2**63) - 1, str(-(2**63) - 1)), (10**5000, hex(10**5000))],
    ids=["half a character", "too large", "too small", "more digits than Python writes"],
)
def test_what_otlp_cannot_spell_is_repaired(value: object, repaired: str, caplog: pytest.LogCaptureFixture) -> None:
    """The span arrives with the nearest that can be spelled, the others as they are, and no stack is logged."""
    odd, fine = span({"odd": value, "map": {"x": [value]}, "fine": 1}), span({"odd": "x"})
    sent = ExportTraceServiceRequest.FromString(encode_spans([odd, fine])).resource_spans[0].scope_spans[0].spans
    repaired_attributes, plain = (read_back(one.attributes) for one in sent)
    deep = read_back(repaired_attributes.pop("map").values)["x"].values[0].string_value
    assert (repaired_attributes, deep, plain) == ({"odd": repaired, "fine": 1}, repaired, {"odd": "x"})
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    "odd",
    [
        {"name": "a\ud800"}, {"name": None}, {"start_time": 1.5}, {"start_time": -1}, {"end_time": 2**64},
        {"attributes": {"a\ud800": 1}}, {"attributes": {1: 1}}, {"attributes": {"x": object()}},
        {"attributes": {"x": [object(), 1]}}, {"attributes": {"x": {"y": {"z": object()}}}},
        {"resource": Resource({"team": "a\udcff"})}, {"instrumentation_scope": InstrumentationScope("a\udcff")},
        {"status": Status(StatusCode.ERROR, "a\ud800")},
        {"events": [Event("a\ud800", {"x": 2**70}, 1)]}, {"links": [Link(context(), {"x": "a\ud800"})]},
    ],
    ids=lambda odd: next(iter(odd)),
)  # fmt: skip
def test_no_span_costs_another(odd: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is odd about it, in any of its parts: both arrive, and no stack is logged."""
    odd = {"name": "odd", "context": context(), "start_time": 1, "end_time": 2, **odd}
    made = ReadableSpan(**odd)
    sent = ExportTraceServiceRequest.FromString(encode_spans([span({"fine": 1}), made]))
    assert sum(len(scope.spans) for one in sent.resource_spans for scope in one.scope_spans) == 2
    assert [record for record in caplog.records if record.exc_info] == []


def test_plain_spans_take_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is asked for the frame of a batch alone; for a span with events as well."""
    asked: list[int] = []
    real: Callable[[Any], Any] = encode_by_the_library

    def counting(spans: list[ReadableSpan]) -> Any:
        asked.append(len(spans))
        return real(spans)

    monkeypatch.setattr(span_encoder, "encode_by_the_library", counting)
    encode_spans([span({"a": 1, "b": "c", "d": 0.5, "e": True}) for _ in range(50)])
    assert asked == [1]
    encode_spans([span(), span(events=[Event("exception", {})])])
    assert asked == [1, 1, 1]


def test_a_long_message_of_a_status_is_cut(spans: Spans) -> None:
    """The SDK cuts attributes alone; a store that indexes statuses cannot hold a message of any length."""
    with pytest.raises(ValueError), telemetry.stage("encode"):  # noqa: PT011  its message is 100,000 characters
        raise ValueError("x" * 100_000)
    sent = ExportTraceServiceRequest.FromString(encode_spans([spans.one("encode")], Cuts(16_384, 16_384)))
    assert len(sent.resource_spans[0].scope_spans[0].spans[0].status.message) == 16_384
    assert len(spans.one("encode").status.description or "") < 20_000
