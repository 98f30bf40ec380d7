"""Hostile connections to a running collector: slow, half open, too many, no HTTP; others are served meanwhile."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from collector.local.server import LocalCollector
from collector.local.settings import CollectorSettings
from tests import otlp_samples as otlp
from tests.local_collector import EXPORT, JSON, dial, grpc_code, post, raw_sender, read_all

HERE = "127.0.0.1:0"


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    with LocalCollector(None, HERE, HERE, HERE) as running:
        yield running


def limited(**limits: Any) -> LocalCollector:
    return LocalCollector(None, HERE, HERE, HERE, CollectorSettings(**limits))


def store_a_span(collector: LocalCollector, number: int = 1) -> int:
    """The status of a good export."""
    return post(collector, "/v1/traces", json.dumps(otlp.traces(otlp.small_span(number))), JSON)[0]


def arrival(collector: LocalCollector) -> threading.Event:
    """Set when the next export arrives, before its body is read."""
    arrived = threading.Event()
    add = collector._counters.add

    def watch(signal: str, **figures: int) -> None:
        add(signal, **figures)
        if "exports" in figures:
            arrived.set()

    collector._counters.add = watch  # type: ignore[method-assign]
    return arrived


def test_an_export_far_above_the_limit_over_grpc_is_counted_and_reported() -> None:
    """GRPC refuses it with its own message, before we see it; it is counted all the same."""
    with limited(max_request_bytes=1_000) as collector, raw_sender(collector) as export:
        assert grpc_code(export, bytes(100_000)) is grpc.StatusCode.RESOURCE_EXHAUSTED
        figures = collector.stats()
        assert (figures.signals["traces"].exports, figures.signals["traces"].malformed) == (1, 1)
        assert (figures.queue_exports, figures.queue_bytes) == (0, 0)


def test_a_grpc_sender_that_never_sends_is_given_up_and_delays_no_other() -> None:
    """It has its call open and sends no message; others are served meanwhile, though it has the only place."""
    with limited(receiving_exports=1, slow_after_s=0.1, read_timeout_s=30.0) as collector:
        with grpc.insecure_channel(str(collector.addresses.grpc)) as channel, raw_sender(collector) as export:
            done, arrived = threading.Event(), arrival(collector)
            stalled = channel.stream_unary(EXPORT, None, None).future(iter(done.wait, True), timeout=60)
            assert arrived.wait(60)
            assert grpc_code(export, b"") is grpc.StatusCode.OK
            assert stalled.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert "slow_after_s, 0.1 s" in stalled.details()
            done.set()
        assert collector.stats().queue_exports == 0


def test_a_head_that_trickles_is_given_up_and_others_are_served() -> None:
    """On both HTTP ports, in the shape of each, naming the limit; also on a connection that was used before."""
    with limited(header_timeout_s=0.3) as collector:
        trickling = [dial(collector.addresses.http), dial(collector.addresses.api), dial(collector.addresses.api)]
        trickling[2].sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while b'"ok"}' not in received:
            received += trickling[2].recv(10_000)
        for connection in trickling:
            connection.sendall(b"GET /api/health HTTP/1.1\r\nHost: lo")
        assert store_a_span(collector) == 200
        answers = [read_all(connection) for connection in trickling]
        assert [answer.partition(b"\r\n")[0] for answer in answers] == [b"HTTP/1.1 408 Bad Request"] * 2 + [b""]
        assert json.loads(answers[0].partition(b"\r\n\r\n")[2])["code"] == 4
        assert "header_timeout_s, 0.3 s" in json.loads(answers[1].partition(b"\r\n\r\n")[2])["error"]["message"]


def test_what_is_not_http_gets_an_answer_in_the_ports_own_shape(collector: LocalCollector) -> None:
    """So does a head larger than max_header_bytes."""
    for sent in (b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000):
        for address, shape in ((collector.addresses.http, "message"), (collector.addresses.api, "error")):
            connection = dial(address)
            connection.sendall(sent)
            head, _, body = read_all(connection).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400")
            assert "max_header_bytes, 32768" in str(json.loads(body)[shape])


def test_more_connections_than_allowed_close_the_idle_ones_not_those_at_work() -> None:
    """A sender gets through however many others hold connections open, and the number of those is bounded."""
    with limited(max_connections=20, header_timeout_s=600.0) as collector:
        at_work = http.client.HTTPConnection(str(collector.addresses.http), timeout=60)
        body = json.dumps(otlp.traces(otlp.small_span(1))).encode()
        arrived = arrival(collector)
        at_work.putrequest("POST", "/v1/traces")
        at_work.putheader("Content-Type", JSON["Content-Type"])
        at_work.putheader("Content-Length", str(len(body)))
        at_work.endheaders(body[:10])
        assert arrived.wait(60)
        idle = [dial(collector.addresses.http) for _ in range(60)]
        assert store_a_span(collector, 2) == 200
        at_work.send(body[10:])
        assert at_work.getresponse().status == 200
        at_work.close()
        for connection in idle[:40]:
            assert read_all(connection) == b""  # closed by the collector, for those that came later
        for connection in idle[40:]:
            connection.close()
