"""Exports with something odd in them, through the real ports: what is stored, answered and counted."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service

from collector.local.decode.signals import ALL
from collector.local.intake.payload import PROTOBUF
from collector.local.server import LocalCollector
from tests import otlp_samples as otlp
from tests.local_collector import post, query, raw_sender
from tests.otlp_odd import ODD, Odd


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    running = LocalCollector(None, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0").start()
    yield running
    assert running.stop()


def by_http(collector: LocalCollector, odd: Odd) -> Any:
    """The answer of an export over HTTP."""
    status, headers, body = post(collector, odd.signal.path, odd.body, {"Content-Type": odd.content_type})
    assert (status, headers["content-type"]) == (200, odd.content_type), body
    if odd.content_type == PROTOBUF:
        return odd.signal.response.FromString(body)
    partial = json.loads(body).get("partialSuccess", {})
    rejected = next((int(number) for name, number in partial.items() if name.startswith("rejected")), 0)
    return odd.signal.reply(rejected, partial.get("errorMessage", ""))


def check(collector: LocalCollector, sent: dict[str, Odd], answers: dict[str, Any]) -> None:
    """The response to each sender counts its rejected records; `/api/stats` counts them by reason."""
    for name, odd in sent.items():
        partial = answers[name].partial_success
        assert getattr(partial, odd.signal.rejected_field) == sum(odd.rejected_by.values()), name
        assert bool(partial.error_message) == bool(odd.rejected_by), name
    stats = stats_of(collector)
    for signal in ALL:
        figures = stats[signal.name]
        mine = [odd for odd in sent.values() if odd.signal is signal]
        for what in ("rejected_by", "repaired_by"):
            expected: Counter[str] = Counter()
            for odd in mine:
                expected.update(getattr(odd, what))
            assert figures[what] == expected
            assert figures[what.removesuffix("_by")] == expected.total()
        assert figures["stored"] == sum(odd.stored for odd in mine)
        assert figures["received"] == figures["stored"] + figures["rejected"]
        assert figures["malformed"] == 0


def stats_of(collector: LocalCollector) -> Any:
    """What `/api/stats` answers."""
    connection = http.client.HTTPConnection(str(collector.addresses.api), timeout=60)
    connection.request("GET", "/api/stats")
    with connection.getresponse() as response:
        body = response.read()
    connection.close()
    return json.loads(body)


def test_no_odd_record_costs_its_export_over_http(collector: LocalCollector) -> None:
    """Traces, metrics and logs, protobuf and JSON: 200, and the good records are stored."""
    sent = dict(list(ODD.items())[::4])
    check(collector, sent, {name: by_http(collector, odd) for name, odd in sent.items()})


def test_no_odd_record_costs_its_export_over_grpc(collector: LocalCollector) -> None:
    """OK with partial success, and the good records are stored."""
    sent = {name: odd for name, odd in list(ODD.items())[::3] if odd.content_type == PROTOBUF}
    answers = {}
    with grpc.insecure_channel(str(collector.addresses.grpc)) as channel:
        for name, odd in sent.items():
            export: Any = channel.unary_unary(f"/{odd.signal.service}/Export", None, odd.signal.response.FromString)
            answers[name] = export(odd.body, timeout=60)
    assert {odd.signal for odd in sent.values()} == set(ALL)
    check(collector, sent, answers)


def test_a_large_export_with_bad_text_is_repaired_where_it_is_bad(collector: LocalCollector) -> None:
    """It is read in pieces: the one with the bad span is walked through, and its other spans are as they were."""
    request = service.ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in range(1, 3_001):
        spans.add(
            trace_id=number.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            name="MARK" if number == 1_500 else "x" * 500,
            start_time_unix_nano=otlp.START_NS,
            end_time_unix_nano=otlp.START_NS,
        )
    with raw_sender(collector) as export:
        export(request.SerializeToString().replace(b"MARK", b"caf\xe9"))
    names = query(collector, "SELECT name, count(*) AS n FROM spans GROUP BY ALL ORDER BY ALL")
    assert names == [{"name": "caf\ufffd", "n": 1}, {"name": "x" * 500, "n": 2_999}]
    assert collector.stats().signals["traces"].repaired_by == {"text": 1}
