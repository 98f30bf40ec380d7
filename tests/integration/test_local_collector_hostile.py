"""Hostile senders against a running collector: a clear refusal or bounded storage, and others are served meanwhile."""

from __future__ import annotations

import gzip
import json
import random
import socket
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import grpc
import httpx
import orjson
import pytest
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.local.decode.signals import ALL
from collector.local.intake.payload import JSON as JSON_TYPE
from collector.local.intake.payload import parse
from collector.local.render.text import make_console
from collector.local.render.trace import render_trace
from collector.local.server import LocalCollector
from tests import otlp_samples as otlp
from tests.local_collector import GZIP, JSON, PROTOBUF, dial, grpc_code, post, raw_sender, read_all

HERE = "127.0.0.1:0"
MAX_NS = 2**63 - 1


@pytest.fixture(scope="module")
def collector() -> Iterator[LocalCollector]:
    with LocalCollector(None, HERE, HERE, HERE) as running:
        yield running


def store_a_span(collector: LocalCollector, number: int = 1) -> int:
    """The status of a good export."""
    return post(collector, "/v1/traces", json.dumps(otlp.traces(otlp.small_span(number))), JSON)[0]


def get(collector: LocalCollector, path: str) -> tuple[int, Any]:
    answer = httpx.get(f"http://{collector.addresses.api}{path}", timeout=60, trust_env=False)
    return answer.status_code, answer.json()


VALID: dict[str, dict[str, Any]] = {
    "/v1/traces": otlp.traces(otlp.full_span(), otlp.small_span(7)),
    "/v1/metrics": otlp.metrics(*otlp.every_metric()),
    "/v1/logs": otlp.logs({"timeUnixNano": "1", "body": {"stringValue": "text"}, "traceId": "ab" * 16}),
}
BODIES = {
    signal.path: parse(orjson.dumps(VALID[signal.path]), JSON_TYPE, signal.request).SerializeToString()
    for signal in ALL
}
STRANGE: list[Any] = [
    None,
    True,
    -1,
    2**64,
    1e400,
    "",
    "NaN",
    "ü\x00",
    "z" * 40,
    [],
    {},
    [[]],
    {"a": {"b": []}},
    -(2**70),
]


@st.composite
def mutated_json(draw: st.DrawFn) -> tuple[str, bytes]:
    """A valid export in JSON with some values replaced, doubled or missing; or cut off."""
    path = draw(st.sampled_from(sorted(VALID)))
    document = json.loads(json.dumps(VALID[path]))
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(document))
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        action = draw(st.sampled_from(["replace", "remove", "double"]))
        if action == "remove":
            del holder[key]
        elif action == "double" and isinstance(holder, list):
            holder.extend(deepcopy([holder[key]] * 3))
        else:
            holder[key] = deepcopy(draw(st.sampled_from(STRANGE)))  # for it may be mutated, too
        if not isinstance(document, dict) or not document:
            break
    text = json.dumps(document).encode()
    return path, text[: draw(st.integers(0, len(text)))] if draw(st.booleans()) and draw(st.booleans()) else text


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document: what holds it, and its key there."""
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, inner in items:
        yield value, key
        yield from _places(inner)


@st.composite
def mutated_protobuf(draw: st.DrawFn) -> tuple[str, bytes]:
    """A valid export in protobuf with bytes changed, put in, taken out; or cut off; or random bytes."""
    path = draw(st.sampled_from(sorted(BODIES)))
    body = bytearray(BODIES[path])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(body) - 1)))
        action = draw(st.sampled_from(["change", "insert", "remove", "cut", "random"]))
        if action == "change" and body:
            body[at] = draw(st.integers(0, 255))
        elif action == "insert":
            body[at:at] = draw(st.binary(max_size=12))
        elif action == "remove":
            del body[at : at + draw(st.integers(1, 8))]
        elif action == "cut":
            del body[at:]
        else:
            body[at:] = draw(st.binary(max_size=60))
    return path, bytes(body)


def assert_one_shape(status: int, headers: dict[str, str], answer: bytes) -> None:
    """Accepted, or a clear refusal of the sender's mistake, in the request's own content type."""
    assert status in {200, 400, 413}, (status, answer)
    if status != 200:
        if headers["content-type"] == PROTOBUF["Content-Type"]:
            refusal = Status.FromString(answer)
            code, message = refusal.code, refusal.message
        else:
            document = json.loads(answer)
            assert set(document) == {"code", "message"}
            code, message = document["code"], document["message"]
        assert code in {3, 8}
        assert message.strip()
        assert len(message) < 1_000
        assert "Traceback" not in message


FUZZ = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


def test_no_mutation_of_an_export_in_json_breaks_the_collector(collector: LocalCollector) -> None:
    """Each is stored or refused as the sender's mistake; afterwards a good export is stored."""

    @FUZZ
    @given(mutated_json())
    def mutate(case: tuple[str, bytes]) -> None:
        assert_one_shape(*post(collector, case[0], case[1], JSON))

    mutate()
    assert store_a_span(collector, 1_000) == 200
    assert_books_balance(collector)


def test_no_mutation_of_an_export_in_protobuf_breaks_the_collector(collector: LocalCollector) -> None:
    """Over HTTP, plain and compressed (then also with a broken compression), and over gRPC."""
    sender = raw_sender(collector)

    @FUZZ
    @given(mutated_protobuf(), st.sampled_from(["http", "gzip", "broken gzip", "grpc"]), st.integers(0, 10_000))
    def mutate(case: tuple[str, bytes], way: str, at: int) -> None:
        path, body = case
        if way == "grpc":
            with_code = grpc_code(export, body)
            assert with_code in {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT}
            return
        headers = PROTOBUF | (GZIP if "gzip" in way else {})
        sent = gzip.compress(body) if "gzip" in way else body
        if way == "broken gzip":
            sent = sent[: at % len(sent)]
        assert_one_shape(*post(collector, path, sent, headers))

    with sender as export:
        mutate()
        good = ExportTraceServiceRequest()
        good.resource_spans.add().scope_spans.add().spans.add(trace_id=b"g" * 16, span_id=b"g" * 8)
        assert grpc_code(export, good.SerializeToString()) is grpc.StatusCode.OK
    assert_books_balance(collector)


def assert_books_balance(collector: LocalCollector) -> None:
    """Nothing is under way any more, and every record that was read is accounted for."""
    figures = collector.stats()
    assert (figures.queue_exports, figures.queue_bytes, figures.store_problem) == (0, 0, "")
    for signal in figures.signals.values():
        assert signal.received == signal.stored + signal.duplicate + signal.rejected


def test_whatever_was_stored_can_be_read(collector: LocalCollector) -> None:
    """Every path of the API answers over what the mutations left behind, in one page or many."""
    for path in ("services", "operations", "traces?limit=1000", "metrics", "logs", "stats"):
        assert get(collector, f"/api/{path}")[0] == 200, path
    for row in get(collector, "/api/metrics")[1]["metrics"]:
        assert get(collector, f"/api/metrics/{quote(row['name'], safe='')}")[0] in {200, 404}, row
    for row in get(collector, "/api/traces?limit=1000")[1]["traces"]:
        assert_can_be_drawn(get(collector, f"/api/traces/{row['trace_id']}")[1])


def assert_can_be_drawn(trace: dict[str, Any]) -> None:
    """Within the width, and with nothing that steers a terminal."""
    for line in render_trace(trace, make_console(width=80)):
        assert line.cell_len <= 80
        assert line.plain.isprintable()


EVIL = "\x1b[2J\x9b31m\u202eevil\u2066\r\n\x00\x07<script>"
CLOCKS = {"1970": (0, 1), "2262": (MAX_NS - 1, MAX_NS), "backwards": (MAX_NS, 0), "all of time": (1, MAX_NS)}
SHAPES: dict[str, list[dict[str, Any]]] = {
    "own parent": [{"spanId": "01" * 8, "parentSpanId": "01" * 8}],
    "circle": [{"spanId": f"{n:016x}", "parentSpanId": f"{n % 5 + 1:016x}"} for n in range(1, 6)],
    "one id for all": [{"spanId": "02" * 8, "name": f"same {n}"} for n in range(5)],
    "one id for parent and child": [{"spanId": "03" * 8}, {"spanId": "03" * 8, "parentSpanId": "03" * 8}],
    "names that steer": [
        {"name": EVIL, "traceState": EVIL, "status": {"code": 2, "message": EVIL},
         "attributes": [{"key": EVIL, "value": {"stringValue": EVIL}}],
         "events": [{"name": "exception", "attributes": [{"key": "exception.type", "value": {"stringValue": EVIL}}]}]},
    ],
    **{
        clock: [{"startTimeUnixNano": str(start), "endTimeUnixNano": str(end)},
                {"spanId": "04" * 8, "startTimeUnixNano": "5", "endTimeUnixNano": "4"}]
        for clock, (start, end) in CLOCKS.items()
    },
    "thousands of everything": [
        {"attributes": [{"key": f"k{n}", "value": {"intValue": str(n)}} for n in range(5_000)],
         "events": [{"name": f"e{n}", "timeUnixNano": str(n)} for n in range(5_000)],
         "links": [{"traceId": "ab" * 16, "spanId": f"{n:016x}"} for n in range(1, 5_000)]},
    ],
    "a megabyte in one attribute": [{"attributes": [{"key": "big", "value": {"stringValue": "x" * (1 << 20)}}]}],
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_strange_traces_are_stored_read_and_drawn(collector: LocalCollector, shape: str) -> None:
    """As they were sent, with no span lost, in every list; and nothing in them steers a terminal."""
    number = 10_000 + sorted(SHAPES).index(shape)
    spans = [otlp.small_span(number, **fields) for fields in SHAPES[shape]]
    assert post(collector, "/v1/traces", json.dumps(otlp.traces(*spans)), JSON)[2] == b"{}"
    status, trace = get(collector, f"/api/traces/{number:032x}")
    assert (status, len(trace["spans"])) == (200, len(spans))
    assert all(span["self_ns"] >= 0 and span["duration_ns"] >= 0 for span in trace["spans"])
    assert_can_be_drawn(trace)
    for path in ("services", "operations", "traces?limit=10000&min_duration=1ns", "stats"):
        assert get(collector, f"/api/{path}")[0] == 200, path


@pytest.mark.parametrize("time_ns", [2**63, 2**64 - 1])
def test_times_beyond_2262_are_reported_and_the_other_spans_kept(collector: LocalCollector, time_ns: int) -> None:
    """As partial success; so are times before 1970, which OTLP has no number for."""
    spans = [otlp.small_span(20_001, endTimeUnixNano=str(time_ns)), otlp.small_span(20_002)]
    partial = json.loads(post(collector, "/v1/traces", json.dumps(otlp.traces(*spans)), JSON)[2])["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert "the year 2262" in partial["errorMessage"]
    before = json.dumps(otlp.traces(otlp.small_span(20_003, startTimeUnixNano="-62135596800000000000")))
    status, _, answer = post(collector, "/v1/traces", before, JSON)
    assert (status, json.loads(answer)["partialSuccess"]["rejectedSpans"]) == (200, "1")


def test_invalid_utf8_is_repaired_in_both_encodings(collector: LocalCollector) -> None:
    """Protobuf itself refuses it; U+FFFD is what every reader can show."""
    span = b"\x0a\x10" + b"a" * 16 + b"\x12\x08" + b"b" * 8 + b"\x2a\x02\xff\xfe"
    body = b"\x0a" + bytes((len(span) + 4,)) + b"\x12" + bytes((len(span) + 2,)) + b"\x12" + bytes((len(span),)) + span
    with pytest.raises(DecodeError):
        ExportTraceServiceRequest.FromString(body)
    assert post(collector, "/v1/traces", body, PROTOBUF)[0] == 200
    document = json.dumps(otlp.traces(otlp.small_span(20_004, name="MARK"))).encode()
    assert post(collector, "/v1/traces", document.replace(b"MARK", b"\xff\xfe"), JSON)[0] == 200
    for trace_id, name in ((b"a".hex() * 16, "\ufffd\ufffd"), (f"{20_004:032x}", "\ufffd")):
        assert get(collector, f"/api/traces/{trace_id}")[1]["spans"][0]["name"] == name


def test_a_trace_of_ten_thousand_spans_is_stored_read_and_drawn(collector: LocalCollector) -> None:
    """As one chain, the deepest tree there can be: nothing recurses, and the picture is bounded."""
    trace_id = "fe" * 16
    spans = [
        otlp.small_span(n, traceId=trace_id, **({"parentSpanId": f"{n - 1:016x}"} if n > 1 else {}))
        for n in range(1, 10_001)
    ]
    request = parse(orjson.dumps(otlp.traces(*spans)), JSON_TYPE, ExportTraceServiceRequest)
    assert post(collector, "/v1/traces", request.SerializeToString(), PROTOBUF)[0] == 200
    status, trace = get(collector, f"/api/traces/{trace_id}")
    assert (status, len(trace["spans"]), trace["spans"][-1]["depth"]) == (200, 10_000, 9_999)
    lines = [line.plain for line in render_trace(trace, make_console(width=80))]
    assert len(lines) < 520
    assert any("9500 more spans; --all shows them" in line for line in lines)


def test_random_bytes_on_every_port_harm_nothing(collector: LocalCollector) -> None:
    """Seeded, so that a failure can be had again."""
    rng = random.Random(4317)
    for address in (collector.addresses.grpc, collector.addresses.http, collector.addresses.api) * 10:
        connection = dial(address)
        connection.sendall(rng.randbytes(rng.randint(1, 5_000)))
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)
    assert store_a_span(collector, 30_000) == 200
    assert get(collector, "/api/health") == (200, {"status": "ok"})
    with raw_sender(collector) as export:
        assert grpc_code(export, b"") is grpc.StatusCode.OK
