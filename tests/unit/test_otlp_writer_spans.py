"""Spans in OTLP: what is parsed again is what OpenTelemetry's own encoder makes of the same spans."""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as encode_by_the_library
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

from telemetry.otlp.writing import spans as writing
from telemetry.otlp.writing.spans import Cuts, encode_spans
from telemetry.otlp.writing.values import CACHED, Values
from telemetry.privacy import processor, scrubber
from telemetry.privacy.options import Scrub
from telemetry.privacy.scrubber import NoScrubber
from telemetry.recording.traces.span import Span
from telemetry.recording.traces.tracer_provider import TracerProvider
from telemetry.repairs import repairs
from tests.otlp_stand_in import attributes as read_back
from tests.otlp_values import ATTRIBUTES, NANOSECONDS, TEXTS, canonical
from tests.secrets_corpus import SECRETS


class Counting(IdGenerator):
    """Ids that are not random: hypothesis wants to repeat what it found."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def generate_span_id(self) -> int:
        return next(self._numbers)

    def generate_trace_id(self) -> int:
        return next(self._numbers) << 64


IDS = Counting()
FEW = SpanLimits(max_span_attributes=3, max_events=1, max_links=1, max_event_attributes=1, max_link_attributes=1)
PROVIDERS = [
    TracerProvider(resource=resource, span_limits=limits, id_generator=IDS, shutdown_on_exit=False)
    for resource, limits in (
        (Resource({"service.name": "gateway", "sizes": (1, 2)}), SpanLimits()),
        (Resource({"a": "b"}, "https://schema"), FEW),
    )
]
TRACERS: list[Any] = [
    tracer
    for provider in PROVIDERS
    for tracer in (provider.get_tracer("a"), provider.get_tracer("b", "1.2", "https://schema", {"x": 1}))
]


@pytest.fixture
def _nothing_is_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is encoded is compared with what is not scrubbed."""
    nothing = NoScrubber()
    monkeypatch.setattr(writing, "current", lambda: nothing)


def context(
    trace_id: int = 1, span_id: int = 2, *, remote: bool = False, state: TraceState | None = None
) -> SpanContext:
    return SpanContext(trace_id, span_id, remote, TraceFlags(TraceFlags.SAMPLED), state)


CONTEXTS = st.builds(
    context,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    remote=st.booleans(),
    state=st.sampled_from([None, TraceState([("vendor", "value"), ("b", "c")])]),
)
STATUSES = st.one_of(
    st.just(Status()), st.just(Status(StatusCode.OK)), st.builds(lambda words: Status(StatusCode.ERROR, words), TEXTS)
)


@st.composite
def ended_spans(draw: Callable[[Any], Any]) -> Span:
    """A span of any shape, made by the API."""
    parent = draw(st.none() | CONTEXTS)
    span: Span = draw(st.sampled_from(TRACERS)).start_span(
        draw(TEXTS),
        Context() if parent is None else trace.set_span_in_context(NonRecordingSpan(parent), Context()),
        draw(st.sampled_from(list(SpanKind))),
        draw(st.none() | ATTRIBUTES),
        draw(st.lists(st.builds(Link, CONTEXTS, ATTRIBUTES), max_size=2)),
        draw(NANOSECONDS),
    )
    for name, attributes, time in draw(st.lists(st.tuples(TEXTS, st.none() | ATTRIBUTES, NANOSECONDS), max_size=2)):
        span.add_event(name, attributes, time)
    span.set_status(draw(STATUSES))
    span.end(draw(NANOSECONDS))
    return span


def span(attributes: Mapping[str, Any] | None = None, name: str = "work") -> Span:
    made: Span = TRACERS[0].start_span(name, Context(), SpanKind.INTERNAL, attributes, (), 1)
    made.end(2)
    return made


def expected(spans: Sequence[Span]) -> ExportTraceServiceRequest:
    """What the library makes of spans; it reads the lost attributes of events and links from the SDK's own types."""
    request = encode_by_the_library(spans)
    encoded = {one.span_id: one for one in spans_in(request)}
    for span in spans:
        recorded: list[Any] = [*span.recorded_events, *span.recorded_links]
        for part, made in zip(parts_of(encoded[span.span_id.to_bytes(8, "big")]), recorded, strict=True):
            part.dropped_attributes_count = made.dropped
    return request


def spans_in(request: ExportTraceServiceRequest) -> list[Any]:
    return [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]


def parts_of(span: Any) -> list[Any]:
    return [*span.events, *span.links]


def assert_same(*spans: Span) -> None:
    assert canonical(ExportTraceServiceRequest, encode_spans(spans)) == canonical(
        ExportTraceServiceRequest, expected(spans).SerializeToString()
    )


def sent(*spans: Span, cuts: Cuts = Cuts()) -> list[Any]:  # noqa: B008  it is frozen
    return spans_in(ExportTraceServiceRequest.FromString(encode_spans(spans, cuts)))


@pytest.mark.usefixtures("_nothing_is_scrubbed")
class TestAsTheLibrary:
    def test_any_spans(self) -> None:
        """Ids, times, kinds, statuses, attributes, events, links, resources, scopes, all in the same order."""

        @settings(max_examples=60, deadline=None)
        @given(st.lists(ended_spans(), max_size=4))
        def check(spans: list[Span]) -> None:
            assert_same(*spans)

        check()

    def test_requests_of_pieces_are_joined_to_one(self) -> None:
        """Whatever was divided: nothing is lost, and each piece has its resource and scope."""
        spans = [span({"n": number}) for number in range(10)]
        request = ExportTraceServiceRequest.FromString(encode_spans(spans[:3]) + encode_spans(spans[3:]))
        assert [one.attributes[0].value.int_value for one in spans_in(request)] == list(range(10))
        assert [of.scope_spans[0].scope.name for of in request.resource_spans] == ["a", "a"]

    def test_equal_values_of_other_types_stay_apart(self) -> None:
        """Python holds 1, True and 1.0 for equal, and 0.0 and -0.0: what is known must not stand for another."""
        values: tuple[Any, ...] = (1, True, 1.0, "1", b"1", 0, False, 0.0, -0.0, (1,), (True,), (1.0,), [1], [False])
        assert_same(*(span({"x": value}) for value in values), *(span({"x": value}) for value in reversed(values)))

    def test_lengths_of_several_bytes(self) -> None:
        """The length of a span takes one to four bytes, and that of a text too."""
        assert_same(*(span({"x": "y" * size}) for size in (*range(60, 140), 2_000, 2_100, 16_000, 16_384, 2_100_000)))

    def test_more_attributes_than_are_kept(self) -> None:
        """A cache that is full is emptied; the spans are the same before and after."""
        assert_same(
            *(span({f"k{number}": number, "id": f"{number}", "f": 0.5}, f"n{number}") for number in range(5000))
        )


@settings(max_examples=40, deadline=None)
@given(st.lists(ended_spans(), min_size=1, max_size=2), st.lists(st.sampled_from(SECRETS), min_size=1, max_size=3))
def test_secrets_are_hidden_as_in_the_spans_of_the_sdk(spans: list[Span], secrets: list[Any]) -> None:
    """The writer and `ScrubbingSpanProcessor` agree, wherever the secret is."""
    hiding = scrubber.use(Scrub())
    with_secrets = {secret.name or f"note.{number}": secret.text for number, secret in enumerate(secrets)}
    for one in spans:
        one.recorded_attributes = {
            **(one.recorded_attributes or {}),
            **with_secrets,
            "list": tuple(with_secrets.values()),
        }
        one._name = secrets[0].text
        one._end_time = None
        one.add_event(secrets[-1].text, {"deep": {"er": with_secrets}}, 5)
        one.set_status(StatusCode.ERROR, secrets[0].text)
        one._end_time = 7
    expected_spans = [processor._scrubbed(one, hiding) for one in spans]
    by_the_library = encode_by_the_library(expected_spans)
    request = ExportTraceServiceRequest.FromString(encode_spans(spans))
    for part in (part for one in (*spans_in(request), *spans_in(by_the_library)) for part in parts_of(one)):
        part.dropped_attributes_count = 0  # the copies do not have it
    assert canonical(ExportTraceServiceRequest, request.SerializeToString()) == canonical(
        ExportTraceServiceRequest, by_the_library.SerializeToString()
    )


@pytest.mark.parametrize(
    ("value", "repaired"),
    [("a\ud800", "a?"), (2**63, str(2**63)), (-(2**63) - 1, str(-(2**63) - 1)), (10**5000, hex(10**5000))],
    ids=["half a character", "too large", "too small", "more digits than Python writes"],
)
def test_what_otlp_cannot_represent_is_repaired(value: object, repaired: str, caplog: pytest.LogCaptureFixture) -> None:
    """The span arrives with the nearest value, the others as they are, and no stack is logged."""
    made = span()
    made.recorded_attributes = {"odd": value, "map": {"x": (value,)}, "fine": 1}
    first, second = sent(made, span({"odd": "x"}))
    attributes, plain = read_back(first.attributes), read_back(second.attributes)
    deep = read_back(attributes.pop("map").values)["x"].values[0].string_value
    assert (attributes, deep, plain) == ({"odd": repaired, "fine": 1}, repaired, {"odd": "x"})
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    "odd",
    [
        {"_name": "a\ud800"}, {"_name": None}, {"_name": []}, {"_start_time": 1.5}, {"_start_time": -1},
        {"_start_time": None}, {"_end_time": 2**64},
        *(
            {"recorded_attributes": odd}
            for odd in (
                {"a\ud800": 1}, {1: 1}, {"x": object()}, {"x": (object(), 1)}, {"x": {"y": {"z": object()}}},
                {"x": range(3)}, {"a\ud800": 0.5},
            )
        ),
        {"_resource": Resource({"team": "a\udcff"})}, {"_status": Status(StatusCode.ERROR, "a\ud800")},
    ],
    ids=lambda odd: next(iter(odd)),
)  # fmt: skip
def test_no_span_costs_another(odd: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is odd about it, in any of its parts: both arrive, and no stack is logged."""
    made = span()
    vars(made).update(odd)
    assert len(sent(span({"fine": 1}), made)) == 2
    assert [record for record in caplog.records if record.exc_info] == []


def test_odd_events_and_links_are_repaired() -> None:
    """Names, times and values in them."""
    made: Any = PROVIDERS[0].get_tracer("a\udcff").start_span("x", links=[Link(context(), {"x": "a\ud800"})])
    made.add_event("a\ud800", {"x": 2**70}, 1.5)
    made.end()
    (found,) = sent(made)
    assert (found.events[0].name, found.events[0].time_unix_nano) == ("a?", 1)
    assert read_back(found.events[0].attributes) == {"x": str(2**70)}
    assert read_back(found.links[0].attributes) == {"x": "a?"}


def test_a_long_message_of_a_status_is_cut() -> None:
    """The SDK cuts attributes alone; a store that indexes statuses cannot hold a message of any length."""
    made: Span = TRACERS[0].start_span("x")
    made.set_status(StatusCode.ERROR, "x" * 100_000)
    made.end()
    assert len(sent(made, cuts=Cuts(16_384, 16_384))[0].status.message) == 16_384


def test_messages_of_statuses_that_repeat_are_kept_and_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the first time; one that is not Unicode is repaired, and counted, each time."""
    used = scrubber.Scrubber(Scrub())
    monkeypatch.setattr(writing, "current", lambda: used)
    before = repairs.count
    found = [
        one.status.message
        for _ in range(3)
        for one in sent(*(failed(text) for text in ("password=hunter2", "a\ud800", "late")))
    ]
    assert found == ["password=[redacted:secret]", "a?", "late"] * 3
    assert repairs.count == before + 3


def failed(message: str) -> Span:
    """An ended span with an error."""
    made: Span = TRACERS[0].start_span("x")
    made.set_status(StatusCode.ERROR, message)
    made.end()
    return made


def test_what_was_encoded_before_is_not_scrubbed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a stack trace that comes again; and what is kept stays within its size, whatever comes."""
    values = Values(NoScrubber())
    asked: list[str] = []

    def value(_: NoScrubber, name: str, given: Any) -> Any:
        asked.append(name)
        return given

    monkeypatch.setattr(NoScrubber, "value", value)
    for _ in range(3):
        values.attributes({"runtime": "onnx", "size": 32, "stack": "x" * 1000, "tags": ("a", "b")}, b"", [])
    assert asked == ["runtime", "size", "stack", "tags", "tags", "tags"]
    for number in range(10_000):
        values.attributes({f"k{number}": 0.5, "id": f"{number}", "tags": (f"{number}",)}, b"", [])
        values.text(f"{number}")
    kept = {name: len(cache) for name, cache in vars(values).items() if isinstance(cache, dict)}
    assert len(kept) == 7
    assert max(kept.values()) <= CACHED
