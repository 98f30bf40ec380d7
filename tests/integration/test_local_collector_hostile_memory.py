"""A real collector process under a bounded flood: its memory stays flat, and others are served meanwhile."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
import httpx
import psutil
import pytest

from tests import otlp_samples as otlp
from tests.local_collector import EXPORT, GZIP, JSON, PROTOBUF

MIB = 1 << 20
BIG = 4 * MIB

LIMITS = {"max_request_bytes": 5 * MIB, "queue_bytes": 20 * MIB, "receiving_exports": 4, "handshake_timeout_s": 0.5}
COLLECT = """
import json, sys
from collector.local.server import LocalCollector
from collector.local.settings import CollectorSettings
settings = CollectorSettings(**json.loads(sys.argv[1]))
with LocalCollector(None, "127.0.0.1:0", "127.0.0.1:0", None, settings) as collector:
    print(collector.addresses.grpc, collector.addresses.http, flush=True)
    sys.stdin.read()
"""


@dataclass
class Process:
    grpc: str
    http: str
    process: psutil.Process

    def rss(self) -> int:
        return int(self.process.memory_info().rss)


@pytest.fixture
def running() -> Iterator[Process]:
    process = subprocess.Popen(
        [sys.executable, "-c", COLLECT, json.dumps(LIMITS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        by_grpc, by_http = process.stdout.readline().split()
        yield Process(by_grpc, by_http, psutil.Process(process.pid))
    finally:
        process.communicate("", timeout=60)


def field(tag: int, value: bytes) -> bytes:
    length, left = b"", len(value)
    while left > 127:
        length, left = length + bytes((left & 127 | 128,)), left >> 7
    return bytes((tag << 3 | 2,)) + length + bytes((left,)) + value


IDS = field(1, b"a" * 16) + field(2, b"b" * 8)
EMPTY_SPANS = field(1, field(2, b"\x12\x00" * (BIG // 2)))
MANY_EVENTS = field(1, field(2, b"".join(field(2, IDS + b"\x5a\x00" * (MIB // 2)) for _ in range(3))))
BOMBS: dict[str, tuple[bytes, dict[str, str], int]] = {
    "empty spans": (EMPTY_SPANS, PROTOBUF, 413),
    "empty spans, compressed": (gzip.compress(EMPTY_SPANS, 1), PROTOBUF | GZIP, 413),
    "zeros, compressed twice": (gzip.compress(gzip.compress(bytes(50 * MIB), 1)), PROTOBUF | GZIP, 400),
    "zeros, compressed": (gzip.compress(bytes(50 * MIB), 1), PROTOBUF | GZIP, 413),
    "many events": (MANY_EVENTS, PROTOBUF, 200),
    "no protobuf": (b"\xff" * BIG, PROTOBUF, 400),
    "values in JSON": (b'{"resourceSpans":[' + b"0," * (BIG // 2) + b"0]}", JSON, 413),
    "objects in JSON, never closed": (b'{"a":' * (BIG // 16), JSON, 400),
}


def test_memory_stays_flat_under_bombs_over_http(running: Process) -> None:
    """After the first round of each bomb, three more add nothing; good exports are stored all the while."""
    good = json.dumps(otlp.traces(otlp.small_span(1))).encode()
    ended = threading.Event()
    served: list[int] = []
    with httpx.Client(base_url=f"http://{running.http}", timeout=60, trust_env=False) as client:

        def be_served() -> None:
            while not ended.is_set():
                served.append(client.post("/v1/traces", content=good, headers=JSON).status_code)

        def flood() -> int:
            with ThreadPoolExecutor(4) as senders:
                for name, (body, headers, status) in BOMBS.items():
                    sent = senders.map(
                        lambda _, b=body, h=headers: client.post("/v1/traces", content=b, headers=h), range(4)
                    )
                    answered = {response.status_code for response in sent}
                    assert answered <= {status, 429}, (name, answered)  # 429: the budget is spent, come back
                    assert status in answered, (name, answered)
            return running.rss()

        other = threading.Thread(target=be_served)
        other.start()
        try:
            before = running.rss()
            levels = [flood() for _ in range(3)]
        finally:
            ended.set()
            other.join(60)
    assert served
    assert set(served) == {200}
    assert max(levels) < before + 250 * MIB
    assert levels[-1] < levels[0] + 50 * MIB, [level >> 20 for level in (before, *levels)]


def test_memory_stays_flat_under_large_messages_over_grpc(running: Process) -> None:
    """Whatever is sent at once, a few at a time are in memory, and none for longer than it takes to refuse it."""

    def send(_: int) -> grpc.StatusCode:
        options = (("grpc.use_local_subchannel_pool", 1),)
        with grpc.insecure_channel(running.grpc, options) as channel:
            try:
                channel.unary_unary(EXPORT, None, None)(b"\xff" * BIG, timeout=60)
            except grpc.RpcError as error:
                code: grpc.StatusCode = error.code()
                return code
        return grpc.StatusCode.OK

    before = running.rss()
    levels = []
    for _ in range(3):
        with ThreadPoolExecutor(12) as senders:
            codes = set(senders.map(send, range(24)))
        levels.append(running.rss())
        assert codes <= {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert max(levels) < before + 250 * MIB
    assert levels[-1] < levels[0] + 50 * MIB, [level >> 20 for level in (before, *levels)]


def test_grpc_connections_that_never_shake_hands_are_closed(running: Process) -> None:
    """Silent ones and those that stop in the middle; their file descriptors are given back."""
    host, port = running.grpc.split(":")
    descriptors = running.process.num_fds()
    connections = [socket.create_connection((host, int(port)), 60) for _ in range(40)]
    for connection in connections[:20]:
        connection.sendall(b"PRI * HTTP/2.0\r\n")
    for connection in connections:
        with connection:
            while connection.recv(1_000):
                pass
    assert running.process.num_fds() <= descriptors + 5
