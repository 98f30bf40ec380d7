"""A disk that is really full, and a store that would be fuller than it may: nothing acknowledged is lost.

The disk is a file system in memory of a few megabytes, mounted for the test; where that is not permitted, the tests of
the file size limit (`test_local_collector_killed.py`) are what is left.
"""

from __future__ import annotations

import http.client
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from collector.local.store.store import Store
from telemetry import cli
from tests import otlp_samples as otlp

MEGABYTE = 1_000_000
DISK = 24 * MEGABYTE

COLLECTOR = """
import json, logging, sys
from dataclasses import asdict
from pathlib import Path
from collector.local.server import LocalCollector
from collector.local.settings import CollectorSettings
logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
settings = CollectorSettings(**json.loads(sys.argv[2]))
with LocalCollector(Path(sys.argv[1]), None, "127.0.0.1:0", "127.0.0.1:0", settings) as collector:
    print(json.dumps(asdict(collector.addresses)), flush=True)
    sys.stdin.read()
"""


class Running:
    """A collector in a process of its own."""

    def __init__(self, http_address: str, api: str) -> None:
        self.http = http_address
        self.api = api

    def send(self, number: int, kilobytes: int = 100) -> int:
        """An export of one span with content that does not compress, the same for the same number; the HTTP status."""
        content = random.Random(number).randbytes(kilobytes * 500).hex()
        span = otlp.small_span(number, attributes=[{"key": "content", "value": {"stringValue": content}}])
        return self._ask("POST", self.http, "/v1/traces", json.dumps(otlp.traces(span)))[0]

    def get(self, path: str) -> dict[str, Any]:
        """The API's answer; asked again while the store is being opened anew."""
        while True:
            status, body = self._ask("GET", self.api, path, None)
            if status == 200:
                found: dict[str, Any] = json.loads(body)
                return found
            assert json.loads(body)["error"]["code"] == "store_unavailable"

    def spans(self) -> int:
        held: int = self.get("/api/stats")["held"]["spans"]
        return held

    @staticmethod
    def _ask(method: str, address: str, path: str, body: str | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(address, timeout=60)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@contextmanager
def collector(path: Path, log: Path, **settings: Any) -> Iterator[Running]:
    """A collector on this store, which writes its log to a file."""
    command = [sys.executable, "-c", COLLECTOR, str(path), json.dumps(settings)]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            addresses = json.loads(process.stdout.readline())
            yield Running(addresses["http"], addresses["api"])
        finally:
            process.stdin.close()
            assert process.wait(60) == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or not shutil.which("mount"):
        pytest.skip("mounting a small file system takes Linux")
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"mounting a small file system is not permitted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_really_full_disk_refuses_warns_once_reads_on_and_recovers(
    disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No acknowledged span is lost, through the full disk, its hint and the collector's end."""
    path, log = disk / "telemetry.duckdb", tmp_path / "log"
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(10 * MEGABYTE))
    with collector(path, log, checkpoint_bytes=2 * MEGABYTE, reopen_after_s=1) as running:
        number, acknowledged = 1, []
        while running.send(number) == 200:
            acknowledged.append(number)
            number += 1
        assert running.get("/api/health")["status"] == "degraded"
        assert len(acknowledged) > 20
        assert running.get("/api/stats")["store_problem"]
        assert running.spans() >= len(acknowledged)
        assert cli.main(["traces", "--api", running.api, "--limit", "5"]) == 0
        shown = capsys.readouterr()
        assert f"{len(acknowledged):032x}" in shown.out or f"{number:032x}" in shown.out
        assert shown.err.startswith("The collector cannot store telemetry now: ")
        ballast.unlink()
        for again in (number, number + 1):  # the refused one is sent again as it was, and may be found stored already
            while running.send(again) != 200:
                assert running.get("/api/health")["status"] in ("degraded", "ok")
            acknowledged.append(again)
        assert running.get("/api/health") == {"status": "ok"}
        assert running.spans() == len(acknowledged)
    lines = log.read_text().splitlines()
    assert [line.startswith("The store cannot write: ") for line in lines if "cannot write" in line] == [True]
    assert sum(line.startswith("The store writes again after ") for line in lines) == 1
    assert not list(disk.glob("*damaged*"))
    store = Store.open(path, read_only=True)
    found = store.reader().execute("SELECT name FROM spans").fetchall()
    store.close()
    assert sorted(name for (name,) in found) == sorted(f"span {number}" for number in acknowledged)


def test_with_a_largest_size_the_oldest_makes_room(tmp_path: Path) -> None:
    """Every export is taken, and the oldest are gone and counted."""
    with collector(tmp_path / "telemetry.duckdb", tmp_path / "log", max_store_bytes=32 * MEGABYTE) as running:
        for number in range(1, 131):
            assert running.send(number, kilobytes=500) == 200
        stats = running.get("/api/stats")
        while stats["held"]["spans"] + stats["traces"]["expired"] != 130:  # counted one after the other
            stats = running.get("/api/stats")
        assert stats["traces"]["stored"] == 130
        assert stats["traces"]["expired"] > 5
        assert stats["store"]["used"] + stats["store"]["log"] < 40 * MEGABYTE
        newest = running.get(f"/api/traces/{130:032x}")
        assert newest["spans"][0]["name"] == "span 130"
        assert stats["max_store_bytes"] == 32 * MEGABYTE
