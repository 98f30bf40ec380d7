"""Spans, log records and metrics as they are encoded: secrets are hidden in every part of them."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

from telemetry import conventions as c
from telemetry.otlp.writing.logs import encode_log_records
from telemetry.otlp.writing.metrics import encode_metrics_data
from telemetry.otlp.writing.spans import Cuts, encode_spans
from telemetry.privacy import ScrubbingSpanProcessor, scrubber
from telemetry.privacy.options import Scrub
from telemetry.recording import providers
from telemetry.recording.metrics import instruments
from telemetry.recording.metrics.own_metrics import OwnMetrics
from telemetry.recording.request.bounds import bounds
from telemetry.recording.traces.span import Span
from tests.own_spans import ended
from tests.secrets_corpus import HARMLESS, SECRETS, leaked

MAIL, CLEAN = "ada@example.com", "[redacted:email]"
CONTEXT = SpanContext(1, 2, False, TraceFlags(TraceFlags.SAMPLED))
ALL = [secret.text for secret in SECRETS if not secret.name]
NAMED: dict[str, Any] = {secret.name: secret.text for secret in SECRETS if secret.name}


@pytest.fixture(autouse=True)
def _all_rules() -> Iterator[None]:
    scrubber.use(Scrub())
    yield
    scrubber.use(Scrub())


def spans_of(*spans: Span, cuts: Cuts = Cuts()) -> Any:  # noqa: B008  it is frozen
    request = ExportTraceServiceRequest()
    request.ParseFromString(encode_spans(spans, cuts))
    return request


@pytest.mark.parametrize(
    "place", ["name", "attribute", "list", "status", "event", "link", "scope", "resource", "state"]
)
def test_no_part_of_a_span_lets_a_secret_out(place: str) -> None:
    """Names, attributes, lists, statuses, events, links, the scope and the resource: with the whole corpus in each."""
    texts: dict[str, Any] = {f"note.{number}": text for number, text in enumerate(ALL)} | NAMED
    made = {
        "name": [ended(name=text) for text in ALL],
        "attribute": [ended(attributes=texts)],
        "list": [ended(attributes={"notes": ALL, "password": ALL})],
        "status": [ended(status=Status(StatusCode.ERROR, text)) for text in ALL],
        "event": [ended(events=[Event("exception", texts), *(Event(text) for text in ALL)])],
        "link": [ended(links=[Link(CONTEXT, texts)])],
        "scope": [ended(scope=InstrumentationScope("x", attributes=texts))],
        "resource": [ended(resource=Resource(texts))],
        "state": [
            ended(events=[Event("exception", {"exception.stacktrace": "\n".join(ALL), "exception.message": MAIL})])
        ],
    }[place]
    sent = str(spans_of(*made))
    assert leaked(_plain(sent)) == []
    assert "[redacted:" in sent


def test_harmless_spans_come_out_as_they_were() -> None:
    """Names of attributes stay, and so does every value that is not a secret."""
    attributes: dict[str, Any] = {
        harmless.name or f"note.{number}": harmless.text for number, harmless in enumerate(HARMLESS)
    }
    made = ended()
    made.recorded_attributes = {**attributes, MAIL: 1}  # more than the SDK's limit
    sent = spans_of(made).resource_spans[0].scope_spans[0].spans[0]
    assert {pair.key: pair.value.string_value for pair in sent.attributes if pair.key != MAIL} == attributes
    assert [pair.value.int_value for pair in sent.attributes if pair.key == MAIL] == [1]


def test_a_secret_across_a_limit_leaves_no_half() -> None:
    """Texts are cut after they were scrubbed, in attributes, events and links, each to its own limit."""
    text = "x" * 8 + " " + MAIL + " and more"
    made = ended(
        attributes={"a": text, "b": ["y", text]}, events=[Event("e", {"a": text})], links=[Link(CONTEXT, {"a": text})]
    )
    plain = ended(attributes={"a": text}, resource=made.resource)
    sent = spans_of(made, plain, cuts=Cuts(12, 20)).resource_spans[0].scope_spans[0].spans
    assert [sent[0].attributes[0].value.string_value, sent[1].attributes[0].value.string_value] == ["xxxxxxxx [re"] * 2
    assert sent[0].attributes[1].value.array_value.values[1].string_value == "xxxxxxxx [re"
    assert sent[0].events[0].attributes[0].value.string_value == "xxxxxxxx [redacted:e"
    assert sent[0].links[0].attributes[0].value.string_value == "xxxxxxxx [redacted:e"


def test_no_part_of_a_log_record_lets_a_secret_out() -> None:
    """Bodies, plain and structured, and attributes; what is hidden by its name is hidden at any depth."""
    structured: Any = {"notes": ALL, "deep": {"er": NAMED, "cookie": ["a", {"b": MAIL}]}}
    records = [
        ReadableLogRecord(
            log_record=LogRecord(timestamp=1, body=body, attributes={"note": "\n".join(ALL), **NAMED},
                                 severity_number=SeverityNumber.INFO),
            resource=Resource({"host.note": MAIL}),
            instrumentation_scope=InstrumentationScope(MAIL),
        )
        for body in ("\n".join(ALL), structured)
    ]  # fmt: skip
    request = ExportLogsServiceRequest()
    request.ParseFromString(encode_log_records(records, 40))
    assert leaked(_plain(str(request))) == []
    assert MAIL not in str(request)
    record = request.resource_logs[0].scope_logs[0].log_records[1]
    deep = {pair.key: pair.value for pair in record.body.kvlist_value.values}["deep"].kvlist_value.values
    assert {pair.key: pair.value.string_value for pair in deep}["cookie"] == "[redacted:secret]"
    assert all(len(pair.value.string_value) <= 40 for pair in record.attributes)


class TestMetrics:
    @pytest.fixture
    def sent(self) -> Iterator[Any]:
        """What a user's own instruments on our provider send: two people, one counter, histogram and gauge."""
        views = [View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())]
        reader = InMemoryMetricReader()
        provider = MeterProvider([reader], Resource({"note": MAIL}), views=views, shutdown_on_exit=False)
        meter = provider.get_meter("mine", attributes={"by": MAIL})
        for number, who in enumerate((MAIL, "bob@example.com", "nobody")):
            meter.create_counter("orders").add(number + 1, {"user": who})
            meter.create_gauge("basket").set(number + 1, {"user": who})
            meter.create_histogram("price", explicit_bucket_boundaries_advisory=[1.5]).record(number + 1, {"user": who})
            meter.create_histogram("exponential").record(number + 1, {"user": who})
        request = ExportMetricsServiceRequest()
        data = reader.get_metrics_data()
        assert data is not None
        request.ParseFromString(encode_metrics_data(data))
        yield request
        provider.shutdown()

    def test_series_that_differ_in_a_secret_are_added_up(self, sent: Any) -> None:
        """Two data points of the same attributes would overwrite each other behind a collector."""
        scope = sent.resource_metrics[0].scope_metrics[0]
        metrics = {metric.name: getattr(metric, metric.WhichOneof("data")) for metric in scope.metrics}
        assert metrics["orders"].aggregation_temporality == AggregationTemporality.CUMULATIVE.value
        assert [(_user(point), point.as_int) for point in metrics["orders"].data_points] == [(CLEAN, 3), ("nobody", 3)]
        assert [(_user(point), point.as_int) for point in metrics["basket"].data_points] == [(CLEAN, 2), ("nobody", 3)]
        prices = metrics["price"].data_points
        assert [(_user(p), p.count, p.sum, list(p.bucket_counts), p.min, p.max) for p in prices] == [
            (CLEAN, 2, 3, [1, 1], 1, 2),
            ("nobody", 1, 3, [0, 1], 3, 3),
        ]
        assert [_user(point) for point in metrics["exponential"].data_points] == [CLEAN, CLEAN, "nobody"]

    def test_resource_and_scope_are_scrubbed(self, sent: Any) -> None:
        """Nothing around the metrics lets a secret out."""
        assert MAIL not in str(sent)
        assert sent.resource_metrics[0].resource.attributes[0].value.string_value == CLEAN

    def test_exemplars_are_scrubbed(self) -> None:
        """An exemplar carries the attributes that the view took away."""
        reader = InMemoryMetricReader()
        views = [View(instrument_name="orders", attribute_keys=set())]
        provider = MeterProvider([reader], None, AlwaysOnExemplarFilter(), views=views, shutdown_on_exit=False)
        provider.get_meter("mine").create_counter("orders").add(1, {"user": MAIL})
        data = reader.get_metrics_data()
        assert data is not None
        assert MAIL in str(data)
        sent = encode_metrics_data(data)
        assert MAIL.encode() not in sent
        assert CLEAN.encode() in sent
        provider.shutdown()

    def test_our_own_series_are_scrubbed_before_they_are_bounded(self) -> None:
        """A thousand addresses are one series, and use up one of the values that an attribute may take."""
        own = OwnMetrics("trace_based")
        instruments.forget()
        bounds.forget()
        with providers.override(own=own):
            for number in range(50):
                instruments.observe(c.STAGE_DURATION, 0.1, {c.SEARCH_STAGE.name: f"mail to u{number}@example.com"})
            instruments.forget()
        assert not bounds.overflow()
        (metric,) = own.reader().collect()
        assert [(dict(p.attributes or {}), p.count) for p in metric.data.data_points] == [  # type: ignore[union-attr]
            ({c.SEARCH_STAGE.name: f"mail to {CLEAN}"}, 50)
        ]


def test_a_provider_of_the_users_own_can_be_scrubbed() -> None:
    """The processor behind gets copies; the span itself, and what other processors see, keeps its values."""
    plain, scrubbed = InMemorySpanExporter(), InMemorySpanExporter()
    provider = TracerProvider(
        resource=Resource({"note": MAIL}), span_limits=SpanLimits(max_span_attributes=2), shutdown_on_exit=False
    )
    provider.add_span_processor(SimpleSpanProcessor(plain))
    provider.add_span_processor(ScrubbingSpanProcessor(SimpleSpanProcessor(scrubbed)))
    with provider.get_tracer("x").start_as_current_span(MAIL, attributes={"a": 1, "b": 2, "note": MAIL}) as made:
        made.add_event(MAIL, {"password": "x1"})
        made.add_link(CONTEXT, {"note": MAIL})
        made.set_status(Status(StatusCode.ERROR, MAIL))
    (kept,), (sent,) = plain.get_finished_spans(), scrubbed.get_finished_spans()
    assert MAIL not in sent.to_json()
    assert (sent.name, sent.dropped_attributes, sent.context, sent.end_time) == (
        CLEAN, kept.dropped_attributes, kept.context, kept.end_time,
    )  # fmt: skip
    assert kept.dropped_attributes == 1
    assert (kept.name, dict(kept.attributes or {})["note"]) == (MAIL, MAIL)
    provider.shutdown()


def _user(point: Any) -> str:
    return str(point.attributes[0].value.string_value)


def _plain(sent: str) -> str:
    """Return protobuf's text with its escapes undone."""
    return (
        sent.encode("latin-1", "replace")
        .decode("unicode_escape")
        .encode("latin-1", "replace")
        .decode("utf-8", "replace")
    )
