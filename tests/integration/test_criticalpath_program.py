"""`telemetry criticalpath`: spans in by gRPC, metrics out by OTLP; a local collector takes them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.analysis.waiting import Reason
from collector.local import query
from collector.local.criticalpath.program import CriticalPathProgram
from collector.local.errors import PortTakenError
from collector.local.intake.payload import JSON, parse
from collector.local.net.access import OPEN
from collector.local.paths import follower, span_queue
from collector.local.server import LocalCollector
from telemetry import conventions as c
from telemetry.recording.metrics.own_metrics import OwnMetrics
from tests.local_collector import EXPORT
from tests.search_spans import SEARCH, TIMES, export_of

A, B = "a" * 32, "b" * 32
METRICS = EXPORT.replace("trace", "metrics").replace("Trace", "Metrics")


def body_of(document: dict[str, Any]) -> bytes:
    """An export in protobuf."""
    return parse(json.dumps(document).encode(), JSON, ExportTraceServiceRequest).SerializeToString()


@contextmanager
def sender(address: str, method: str = EXPORT) -> Iterator[Callable[[bytes], bytes]]:
    """Sends exports to an address."""
    with grpc.insecure_channel(address) as channel:
        export = channel.unary_unary(method, None, None)
        yield lambda body: export(body, timeout=30)


@pytest.fixture
def program() -> Iterator[CriticalPathProgram]:
    with CriticalPathProgram("127.0.0.1:0", OwnMetrics("always_off"), OPEN) as running:
        yield running


def test_it_counts_what_it_is_sent_and_what_it_skips(program: CriticalPathProgram) -> None:
    """A trace in parts, the same part again, and one that is not whole when it ends."""
    with sender(program.address) as send:
        for rows in (SEARCH[4:], SEARCH[4:], SEARCH[:4]):
            send(body_of(export_of(A, rows)))
        send(body_of(export_of(B, SEARCH[3:])))
    assert program.stop()
    assert program.counting.counted == 1
    assert program.counting.skipped == {Reason.STOPPED: 1}


def test_other_signals_are_refused(program: CriticalPathProgram) -> None:
    """A Collector that sends it metrics or logs gets an error that says so."""
    with sender(program.address, METRICS) as send, pytest.raises(grpc.RpcError) as raised:
        send(b"")
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_port_that_is_taken_is_reported(program: CriticalPathProgram) -> None:
    """With its number, and nothing is left running."""
    port = program.address.rpartition(":")[2]
    with pytest.raises(PortTakenError, match=port):
        CriticalPathProgram(program.address, OwnMetrics("always_off"), OPEN).start()


def test_a_full_queue_is_the_senders_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked to retry, and nothing is lost."""
    monkeypatch.setattr(span_queue, "MOST_SPANS", -1)
    monkeypatch.setattr(follower.Follower, "_run", lambda _: None)
    with (
        CriticalPathProgram("127.0.0.1:0", OwnMetrics("always_off"), OPEN) as program,
        sender(program.address) as send,
    ):
        send(body_of(export_of(A, SEARCH)))  # one is always taken
        with pytest.raises(grpc.RpcError) as raised:
            send(body_of(export_of(B, SEARCH)))
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_the_command_exports_when_it_is_asked_to_end() -> None:
    """The metrics of what was complete by then have arrived; it says what it counted."""
    with LocalCollector(None, "127.0.0.1:0", None, None) as destination:
        options = ["--grpc", "127.0.0.1:0", "--endpoint", f"http://{destination.addresses.grpc}"]
        command = [sys.executable, "-m", "telemetry", "criticalpath", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            shown = [process.stdout.readline() for _ in range(2)]
            with sender(shown[1].split()[-1]) as send:
                send(body_of(export_of(A, SEARCH)))
            process.send_signal(signal.SIGTERM)
            rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert rest.endswith("1 traces were counted.\n")
        with closing(destination.store.reader()) as connection:
            found = query.metric(connection, c.CRITICAL_PATH_TIME.name, latest=True)
    times = {series.attributes[c.SEARCH_STAGE.name]: series.points[-1].value for series in found.series}
    assert times == pytest.approx(TIMES)
    assert {series.service for series in found.series} == {c.CRITICAL_PATH_SERVICE}
