"""Exports that are made to harm: what they hold is bounded before anything is made of it, and each bound is named."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from collector.local.api.as_json import dumps
from collector.local.decode.decoded import Bounds, Decoded
from collector.local.decode.signals import ALL, BY_PATH
from collector.local.errors import MalformedError, QueueFullError, RefusedError, TooLargeError, TooSlowError
from collector.local.intake.export import Export
from collector.local.intake.payload import JSON, PROTOBUF, check_json, parse
from collector.local.intake.receiving import Receiving
from collector.local.intake.wire import SMALL_BYTES, pieces
from collector.local.server import LocalCollector
from collector.local.settings import CollectorSettings
from tests import otlp_samples as otlp

TRACES, METRICS, LOGS = (BY_PATH[f"/v1/{name}"] for name in ("traces", "metrics", "logs"))
FEW = Bounds(max_elements=3, max_depth=2)
LIMITS = CollectorSettings()


def large(request: Any) -> bytes:
    body: bytes = request.SerializeToString()
    assert len(body) > SMALL_BYTES
    return body


def never(*_: object) -> None:
    raise AssertionError("a record was rejected")


def decode_in_pieces(signal: Any, body: bytes, limits: CollectorSettings = LIMITS) -> Decoded:
    decoded = Decoded(signal.name)
    for piece in pieces(body, limits, decoded.reject):
        decoded.take(signal.decode(parse(piece, PROTOBUF, signal.request)))
    return decoded


def many(signal: Any, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A large export with every kind of record, in several scopes and resources, cut into many pieces."""
    monkeypatch.setattr("collector.local.intake.wire.PIECE_BYTES", 20_000)
    documents = {
        "traces": otlp.traces(*(otlp.full_span() | {"spanId": f"{n:016x}"} for n in range(1, 90))),
        "metrics": otlp.metrics(*(otlp.every_metric() * 60)),
        "logs": otlp.logs(*({"timeUnixNano": str(n), "body": {"stringValue": "x" * 1_500}} for n in range(1, 90))),
    }
    request = parse(orjson.dumps(documents[signal.name]), JSON, signal.request)
    whole = signal.request()
    for _ in range(8):
        whole.MergeFrom(request)
    return large(whole)


@pytest.mark.parametrize("signal", ALL, ids=lambda signal: signal.name)
def test_an_export_cut_into_pieces_is_the_same_export(signal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row, with the right resource and scope, and exemplars at their points."""
    body = many(signal, monkeypatch)
    whole, cut = signal.decode(parse(body, PROTOBUF, signal.request)), decode_in_pieces(signal, body)
    assert len(list(pieces(body, LIMITS, never))) > 4
    assert (cut.rows, cut.resources, cut.scopes) == (whole.rows, whole.resources, whole.scopes)
    assert (cut.records, cut.rejected) == (whole.records, whole.rejected)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=40),
    st.integers(0, 300_000),
    st.sampled_from([b"", b"\x0a\xff\xff\xff\xff\x0f", b"\x0b\x0c", b"\xff" * 11]),
)
def test_cutting_never_fails_in_another_way_than_by_refusing(junk: bytes, at: int, sting: bytes) -> None:
    """Whatever stands anywhere in a large body."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"a" * 16, span_id=b"b" * 8)
    span.name = "x" * 300_000
    body = bytearray(large(request))
    at = min(at, len(body))
    body[at : at + len(junk)] = junk + sting
    outcome: Decoded | RefusedError
    try:
        outcome = decode_in_pieces(TRACES, bytes(body))
    except RefusedError as refusal:
        outcome = refusal
    assert isinstance(outcome, Decoded) or len(str(outcome)) < 600


def field(tag: int, value: bytes) -> bytes:
    length, left = b"", len(value)
    while left > 127:
        length, left = length + bytes((left & 127 | 128,)), left >> 7
    return bytes((tag << 3 | 2,)) + length + bytes((left,)) + value


BOMBS = {
    "resources": b"\x0a\x00" * 200_000,
    "scopes": field(1, b"\x12\x00" * 200_000),
    "spans": field(1, field(2, b"\x12\x00" * 200_000)),
    "unknown fields": b"\x50\x01" * 200_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_more_records_than_allowed_are_refused_before_they_are_parsed(bomb: str) -> None:
    """An empty span takes 2 bytes on the wire, and 90 times that in memory."""
    with pytest.raises(TooLargeError, match="more than max_records, 100000"):
        list(pieces(BOMBS[bomb], LIMITS, never))


def test_a_resource_above_the_limit_is_refused_before_it_is_parsed() -> None:
    """Or a scope: it would be copied into each piece."""
    limits = CollectorSettings(max_record_bytes=300_000)
    with pytest.raises(TooLargeError, match="a resource or scope is larger than max_record_bytes, 300000"):
        list(pieces(field(1, field(2, field(1, b"x" * 300_001))), limits, never))


def test_a_record_above_its_limit_is_rejected_alone_before_it_is_parsed() -> None:
    """The records around it are kept."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in (1, 2, 3):
        spans.add(trace_id=bytes((number,)) * 16, span_id=bytes((number,)) * 8)
    spans[1].name = "x" * 300_001
    decoded = decode_in_pieces(TRACES, large(request), CollectorSettings(max_record_bytes=300_000))
    assert (decoded.records, decoded.rejected_by) == (2, {"max_record_bytes": 1})
    assert decoded.problem.startswith("a record is larger than max_record_bytes, 300000")


def nested(depth: int) -> AnyValue:
    value = AnyValue(string_value="x")
    for _ in range(depth):
        value = AnyValue.FromString(field(5, field(1, value.SerializeToString())))
    return value


def test_a_value_nested_deeper_than_allowed_rejects_its_span_alone() -> None:
    """As partial success, with the setting's name; lists and maps count alike."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number, depth in enumerate((2, 3, 40), 1):
        span = spans.add(trace_id=bytes((number,)) * 16, span_id=bytes((number,)) * 8, name=f"span {depth}")
        span.attributes.add(key="deep").value.CopyFrom(nested(depth))
    decoded = TRACES.decode(request, FEW)
    assert (decoded.records, decoded.rejected) == (1, 2)
    assert decoded.problem.startswith("span 'span 3': an attribute is nested deeper than max_depth, 2")
    assert decoded.rows["spans"][0][10] == '{"deep":[["x"]]}'


def test_protobuf_nested_without_end_is_refused() -> None:
    """By protobuf's own bound of 100 messages within each other: the stack does not grow."""
    value = AnyValue(string_value="x").SerializeToString()
    for _ in range(5_000):
        value = field(5, field(1, value))
    span = field(1, b"a" * 16) + field(2, b"b" * 8) + field(9, field(1, b"k") + field(2, value))
    with pytest.raises(MalformedError, match="not ExportTraceServiceRequest in protobuf"):
        decode_in_pieces(TRACES, field(1, field(2, field(2, span))))


TOO_MANY: dict[str, dict[str, Any]] = {
    "attributes": {"attributes": [{"key": f"k{n}", "value": {"boolValue": True}} for n in range(4)]},
    "events": {"events": [{"name": "e"}] * 4},
    "links": {"links": [{"traceId": "ab" * 16, "spanId": "cd" * 8}] * 4},
    "list": {"attributes": [{"key": "k", "value": {"arrayValue": {"values": [{}] * 4}}}]},
    "map": {"attributes": [{"key": "k", "value": {"kvlistValue": {"values": [{"key": str(n)} for n in range(4)]}}}]},
    "attributes of an event": {"events": [{"attributes": [{"key": f"k{n}"} for n in range(4)]}]},
}


@pytest.mark.parametrize("of", TOO_MANY)
def test_more_elements_than_allowed_reject_their_span_alone(of: str) -> None:
    """Attributes, events, links, lists, wherever they stand."""
    document = otlp.traces(otlp.small_span(1, **TOO_MANY[of]), otlp.small_span(2))
    decoded = TRACES.decode(parse(orjson.dumps(document), JSON, TRACES.request), FEW)
    assert (decoded.records, decoded.rejected) == (1, 1)
    assert "4 " in decoded.problem
    assert "max_elements, 3" in decoded.problem
    assert {len(rows) for table, rows in decoded.rows.items() if table != "spans"} <= {0}


def histogram(**fields: Any) -> Decoded:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="sizes")
    metric.histogram.data_points.add(**fields)
    metric.histogram.data_points.add(bucket_counts=[1, 2], explicit_bounds=[1.0])
    return METRICS.decode(request, FEW)


NAN = float("nan")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"bucket_counts": [1, 2, 3], "explicit_bounds": [1.0]}, "3 buckets do not fit 1 bounds"),
        ({"bucket_counts": [], "explicit_bounds": [1.0]}, "0 buckets do not fit 1 bounds"),
        ({"bucket_counts": [1, 2], "explicit_bounds": []}, "2 buckets do not fit 0 bounds"),
        ({"bucket_counts": [1, 2, 3], "explicit_bounds": [2.0, 1.0]}, "the bounds of a histogram do not increase"),
        ({"bucket_counts": [1, 2], "explicit_bounds": [NAN]}, "the bounds of a histogram do not increase"),
        ({"bucket_counts": [0] * 4, "explicit_bounds": [1.0, 2.0, 3.0]}, "4 buckets are more than max_elements, 3"),
        ({"attributes": [{"key": str(n)} for n in range(4)]}, "4 attributes are more than max_elements, 3"),
    ],
)
def test_a_histogram_that_cannot_be_is_rejected_alone(fields: dict[str, Any], reason: str) -> None:
    """The other points of its metric are kept."""
    decoded = histogram(**fields)
    assert (decoded.records, decoded.rejected) == (1, 1)
    assert reason in decoded.problem


def test_a_log_record_beyond_a_bound_is_rejected_alone() -> None:
    """Its body counts as an attribute does."""
    deep: dict[str, Any] = {"stringValue": "x"}
    for _ in range(3):
        deep = {"arrayValue": {"values": [deep]}}
    document = otlp.logs({"body": deep}, {"body": {"stringValue": "kept"}})
    decoded = LOGS.decode(parse(orjson.dumps(document), JSON, LOGS.request), FEW)
    assert (decoded.records, decoded.rejected) == (1, 1)
    assert decoded.problem.startswith("a log record: an attribute is nested deeper than max_depth, 2")


@pytest.mark.parametrize("values", [b"{},", b"[],", b"1,", b'"",'])
def test_json_of_more_values_than_allowed_is_refused_before_it_is_parsed(values: bytes) -> None:
    """Whatever kind of values."""
    with pytest.raises(TooLargeError, match="more than max_json_values, 1000"):
        check_json(b'{"resourceSpans":[' + values * 1_000 + b"1]}", 1_000)
    check_json(b"{}", 1_000)


STEERING = "\x9b31m\x7f\u202e\u2066\u200b\ufeff\u2028\x1b[2J"


def test_json_never_steers_a_terminal_and_keeps_every_character() -> None:
    """Control characters, and those that turn the direction of text, are escaped; other languages are left alone."""
    text = dumps({STEERING: [STEERING, "日本語 🧥 Jacke für"]})
    assert not [char for char in text if not char.isprintable()]
    assert "日本語 🧥 Jacke für" in text
    assert json.loads(text) == {STEERING: [STEERING, "日本語 🧥 Jacke für"]}


async def test_a_slow_body_gives_its_place_up_when_others_wait() -> None:
    """The one that has been arriving for longest; the others keep theirs."""
    receiving = Receiving(CollectorSettings(receiving_exports=2, slow_after_s=0.05, read_timeout_s=30.0))
    ended: list[str] = []
    go_on = asyncio.Event()

    async def slow(name: str) -> None:
        try:
            async with receiving.place():
                await go_on.wait()
            ended.append(f"{name} whole")
        except TooSlowError as error:
            ended.append(f"{name} {'slow_after_s, 0.05 s' in str(error)}")

    first, second = asyncio.create_task(slow("first")), asyncio.create_task(slow("second"))
    await asyncio.sleep(0)
    async with receiving.place():
        assert ended == ["first True"]
        go_on.set()
    await asyncio.gather(first, second)
    assert ended == ["first True", "second whole"]


async def test_a_body_that_is_not_slow_keeps_its_place() -> None:
    """If no place becomes free within the time of a body, the sender may retry."""
    limits = CollectorSettings(receiving_exports=1, slow_after_s=10.0, read_timeout_s=0.05)
    receiving = Receiving(limits)
    await receiving._free.acquire()  # a place that is never given back
    with pytest.raises(QueueFullError, match="receiving_exports, 1, are arriving") as refused:
        async with receiving.place():
            pass
    assert refused.value.retry_after_s == limits.retry_after_s


def test_a_refused_export_is_let_go_of_at_once() -> None:
    """Not when the garbage collector comes by: a flood of large ones would be held until then."""
    exports: list[weakref.ref[Export]] = []
    with LocalCollector(None, None, None, None) as collector:
        receiver = collector._receiver
        decode = receiver._decode

        def watched(export: Export) -> None:
            exports.append(weakref.ref(export))
            decode(export)

        receiver._decode = watched  # type: ignore[method-assign]

        async def refused() -> None:
            for body, content_type in ((b"{" * 10, JSON), (b"\xff" * 10, PROTOBUF)):
                export = receiver.admit(TRACES)
                export.body, export.content_type = body, content_type
                try:  # as the front ends do
                    await receiver.store(export)
                except MalformedError as refusal:
                    refusal.without_traceback()

        gc.disable()
        try:
            asyncio.run(refused())
            receiver.close()
            assert [export() for export in exports] == [None, None]
        finally:
            gc.enable()
