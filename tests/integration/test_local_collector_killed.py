"""What was acknowledged is stored, whatever happens to the collector: kill -9, a full disk, restarts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.local.store.store import Store

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

COLLECTOR = """
import json, resource, sys
from pathlib import Path
from collector.local.server import LocalCollector
from collector.local.settings import CollectorSettings
settings = CollectorSettings(reopen_after_s=0.05, checkpoint_bytes=int(sys.argv[2]))
with LocalCollector(Path(sys.argv[1]), "127.0.0.1:0", None, None, settings) as collector:
    print(json.dumps(collector.addresses.grpc), flush=True)
    for line in sys.stdin:  # "file size limit in bytes", or -1 for none; ends with the test
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(line), resource.RLIM_INFINITY))
        print("null", flush=True)
"""
SPANS_PER_EXPORT = 50


@dataclass
class Running:
    """A collector in a process of its own."""

    process: subprocess.Popen[str]
    address: str

    def limit_files(self, size: int) -> None:
        """Let no file of the collector grow beyond `size`, as a full disk does; -1: no limit."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{size}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "null\n"


@contextmanager
def collector(path: Path, checkpoint_bytes: int = 1 << 20) -> Iterator[Running]:
    """A collector on the store at `path`, ended as gently as it lets us."""
    command = [sys.executable, "-c", COLLECTOR, str(path), str(checkpoint_bytes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Running(process, json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(60)


@dataclass
class Sender:
    """Sends exports of numbered spans, each export once, and remembers what became of them."""

    first: int
    acknowledged: list[bytes] = field(default_factory=list)
    unknown: list[bytes] = field(default_factory=list)
    sent: int = 0
    error_text: str = ""

    def next_body(self) -> bytes:
        request = ExportTraceServiceRequest()
        spans = request.resource_spans.add().scope_spans.add().spans
        for _ in range(SPANS_PER_EXPORT):
            self.sent += 1
            number = self.first + self.sent
            spans.add(trace_id=number.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"), name=f"span {number}")
        return request.SerializeToString()

    def send(self, address: str, bodies: list[bytes]) -> grpc.StatusCode | None:
        """Send until one is not acknowledged; return why."""
        with grpc.insecure_channel(address) as channel:
            export = channel.unary_unary(EXPORT, None, None)
            for body in bodies:
                try:
                    export(body, timeout=60)
                except grpc.RpcError as error:
                    self.unknown.append(body)
                    self.error_text = str(error.details())
                    return error.code()
                self.acknowledged.append(body)
        return None

    def send_until_it_fails(self, address: str, enough: threading.Event, when: int) -> None:
        while self.send(address, [self.next_body()]) is None:
            if len(self.acknowledged) >= when:
                enough.set()


def names(bodies: list[bytes]) -> list[str]:
    requests = (ExportTraceServiceRequest.FromString(body) for body in bodies)
    return [span.name for request in requests for span in request.resource_spans[0].scope_spans[0].spans]


def stored(path: Path, *, read_only: bool = False) -> list[str]:
    store = Store.open(path, read_only=read_only)
    try:
        return [name for (name,) in store.reader().execute("SELECT name FROM spans").fetchall()]
    finally:
        store.close()


@pytest.mark.parametrize("checkpoint_bytes", [100_000, 1 << 30], ids=["amid checkpoints", "all in the log"])
def test_kill_9_loses_nothing_that_was_acknowledged(checkpoint_bytes: int, tmp_path: Path) -> None:
    """Three senders, the collector killed in full flow; what they had no answer for is sent again and stored once."""
    path = tmp_path / "telemetry.duckdb"
    senders = [Sender(first=1_000_000 * number) for number in (1, 2, 3)]
    for round_number in (1, 2):
        with collector(path, checkpoint_bytes) as running:
            for sender in senders:
                assert sender.send(running.address, sender.unknown[:1]) is None
                sender.unknown.clear()
            enough = threading.Event()
            threads = [
                threading.Thread(target=sender.send_until_it_fails, args=(running.address, enough, 25 * round_number))
                for sender in senders
            ]
            for thread in threads:
                thread.start()
            assert enough.wait(60)
            running.process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join(60)
    found = stored(path, read_only=True)
    acknowledged = [name for sender in senders for name in names(sender.acknowledged)]
    unknown = [name for sender in senders for name in names(sender.unknown)]
    assert len(acknowledged) >= 50 * SPANS_PER_EXPORT
    assert set(acknowledged) <= set(found)
    assert set(found) <= set(acknowledged) | set(unknown)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("checkpoint_bytes", [100_000, 1 << 30], ids=["in the store", "in the log"])
def test_a_full_disk_refuses_warns_and_recovers(checkpoint_bytes: int, tmp_path: Path) -> None:
    """UNAVAILABLE with the reason while there is no room; with room again the same exports are stored, once."""
    path = tmp_path / "telemetry.duckdb"
    sender = Sender(first=1_000_000)
    with collector(path, checkpoint_bytes) as running:
        assert sender.send(running.address, [sender.next_body()]) is None
        running.limit_files(700_000)
        refusal = None
        while refusal is None:
            refusal = sender.send(running.address, [sender.next_body()])
        assert refusal is grpc.StatusCode.UNAVAILABLE
        running.limit_files(-1)
        lost, sender.unknown = sender.unknown, []
        while sender.send(running.address, lost + sender.acknowledged[:1]) is not None:
            assert "the store cannot write" in sender.error_text
    assert sorted(stored(path)) == sorted(set(names(sender.acknowledged + sender.unknown)))
