"""How long questions take at ten million spans, beside ingest: `python -m benchmarks.store [--store PATH]`.

In: a store of realistic spans, made if none is given (some minutes). Out: a table: p50 and p95 of each question beside
the goal, while a sender sends a steady rate; the rate that was reached, without and with questions; the collector's
memory; bytes a span. Questions are asked one after the other, with a pause after each answer, as somebody looks at a
page. A question of which the collector does not know the path is named and skipped. The senders, who asks, and the
collector are processes of their own.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import realistic
from benchmarks.ingest import http_sender
from benchmarks.ingest_load import RealisticLoad
from collector.local.server import LocalCollector, tune_interpreter
from collector.local.settings import CollectorSettings

BATCH, SENDERS = 512, 8
DIFFERENT = 20
"""Traces and attributes that are asked for, each about as old."""
RANGE = "since=1h"
QUESTIONS = (
    ("latest traces", "/api/traces?limit=20&" + RANGE, 150),
    ("traces of an operation", "/api/traces?limit=20&service=gateway&operation=/search", 150),
    ("slow traces", "/api/traces?limit=20&min_duration=200ms&" + RANGE, 150),
    ("failed traces", "/api/traces?limit=20&status=error&" + RANGE, 150),
    ("a common attribute", "/api/traces?limit=20&attribute=device=cpu", 150),
    ("a rare attribute", "/api/traces?limit=20&attribute=request.id=RARE", 250),
    ("one of every hour", "/api/traces?limit=20&attribute=request.id=SPREAD", 250),
    ("a trace by its id", "/api/traces/TRACE", 50),
    ("performance", "/api/performance?" + RANGE, 150),
    ("performance, inner", "/api/performance?scope=inner&" + RANGE, 150),
    ("performance, rpc", "/api/performance?scope=rpc&" + RANGE, 150),
    ("the worst cell", "/api/worst?" + RANGE, 150),
    ("who asks", "/api/who?" + RANGE, 150),
    ("summary", "/api/summary?operation=/search&" + RANGE, 150),
    ("map", "/api/map?" + RANGE, 150),
    ("scatter", "/api/scatter?x=len_docs&" + RANGE, 150),
    ("tags", "/api/tags?operation=/search&" + RANGE, 500),
    ("suspects", "/api/suspects?operation=/search&" + RANGE, 500),
    ("compare", "/api/compare?left=slow&right=typical&" + RANGE, 1000),
)
"""Name, path, and the goal in milliseconds at p95. `RARE` is in one request, each time in another; `SPREAD` is in
one of nearly every hour, since the store is made of copies of its first hour."""


@dataclass(frozen=True)
class Timed:
    """What one question took."""

    name: str
    goal_ms: int
    p50_ms: float
    p95_ms: float
    answer_bytes: int
    problem: str = ""


def main() -> None:
    """Run the benchmark and print its result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store", description=__doc__)
    parser.add_argument("--store", type=Path, help="of realistic spans; it is copied first")
    parser.add_argument("--spans", type=int, default=10_000_000, help="how many, if none is given")
    parser.add_argument("--rate", type=int, default=30_000, help="spans a second beside the questions; 0: none")
    parser.add_argument("--times", type=int, default=20, help="how often each question is asked")
    parser.add_argument("--pause", type=float, default=0.25, help="seconds after each answer; 0: none")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="store-") as folder:
        path = Path(folder) / "telemetry.duckdb"
        if arguments.store:
            shutil.copy(arguments.store, path)
        else:
            realistic.fill(path, arguments.spans, 24, progress=True)
        measure(path, arguments.rate, arguments.times, arguments.pause)


def measure(path: Path, rate: int, times: int, pause_s: float) -> None:
    """Start a collector on the store, send to it, ask it, and print."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    collector = context.Process(target=run_collector, args=(path, theirs))
    collector.start()
    addresses = mine.recv()
    stop = context.Event()
    count = SENDERS if rate else 0
    senders = [
        context.Process(target=send_steadily, args=(addresses["http"], rate / SENDERS, stop, seed))
        for seed in range(count)
    ]
    for sender in senders:
        sender.start()
    ask = Asker(addresses["api"], pause_s)
    if senders:
        ask.await_spans()
    time.sleep(10)  # summaries wait to be folded, as they always do
    alone = Rate(ask)
    time.sleep(15)
    alone_per_s, beside = alone.per_s(), Rate(ask)
    ask.choose_traces()
    memory = Memory(collector.pid or 0)
    found = [ask.times(name, path_, goal, times) for name, path_, goal in QUESTIONS]
    rates = f"{alone_per_s:,.0f} spans/s without questions, {beside.per_s():,.0f} beside them"
    stats = ask.get("/api/stats")[0]
    peak = memory.stop()
    stop.set()
    for sender in senders:
        sender.join()
    mine.send("end")
    collector.join()
    show(found, stats, peak, f"{rates}, each after a pause of {pause_s * 1e3:.0f} ms")


class Rate:
    """Measures how many spans are stored in a second, from now on."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask
        self._begun, self._stored = time.monotonic(), self._count()

    def per_s(self) -> float:
        """The rate since then."""
        return (self._count() - self._stored) / (time.monotonic() - self._begun)

    def _count(self) -> int:
        return int(self._ask.get("/api/stats")[0]["traces"]["stored"])


class Memory(threading.Thread):
    """Watches the resident memory of a process."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self._end = threading.Event()
        self._peak = 0
        self.start()

    def run(self) -> None:
        """Look ten times a second."""
        while not self._end.wait(0.1):
            self._peak = max(self._peak, self._process.memory_info().rss)

    def stop(self) -> float:
        """The most that it had, in MiB."""
        self._end.set()
        self.join()
        return self._peak / (1 << 20)


class Asker:
    """Asks a collector, one question after the other."""

    def __init__(self, address: str, pause_s: float) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=120)
        self._pause_s = pause_s
        self._values: dict[str, list[str]] = {}

    def await_spans(self) -> None:
        """Wait until all senders have begun, which takes a while on a busy machine."""
        while int(self.get("/api/stats")[0]["traces"]["stored"]) < 8 * SENDERS * BATCH:
            time.sleep(0.5)

    def choose_traces(self) -> None:
        """Choose what is asked for: traces and attributes of some seconds ago, and an attribute that comes again."""
        found = self._traces_before("8s")
        self._values = {"TRACE": [trace for trace, _ in found], "RARE": [text for _, text in found]}
        self._values["SPREAD"] = [self._traces_before("10m")[0][1]]

    def _traces_before(self, when: str) -> list[tuple[str, str]]:
        """The last traces before a moment, each with the random text of its first span."""
        rows = self.get(f"/api/traces?limit={DIFFERENT}&until={when}")[0]["traces"]
        found = []
        for trace in (str(row["trace_id"]) for row in rows):
            first = self.get(f"/api/traces/{trace}")[0]["spans"][0]
            found.append((trace, str(first["attributes"]["request.id"])))
        return found

    def get(self, path: str) -> tuple[Any, int]:
        """The answer and its size; an answer of another status than 200 has its message as `refused`."""
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        body = response.read()
        answer = json.loads(body)
        if response.status != 200:
            return {"refused": str(answer.get("error", {}).get("message", response.status))}, len(body)
        return answer, len(body)

    def times(self, name: str, path: str, goal: int, times: int) -> Timed:
        """Ask a question so often."""
        took = []
        size = 0
        for number in range(times):
            asked = path
            for word, values in self._values.items():
                asked = asked.replace(word, quote(values[number % len(values)]))
            begun = time.perf_counter()
            answer, size = self.get(asked)
            took.append((time.perf_counter() - begun) * 1e3)
            if "refused" in answer:
                return Timed(name, goal, 0, 0, 0, answer["refused"])
            time.sleep(self._pause_s)
        p50, p95 = np.percentile(took, (50, 95))
        return Timed(name, goal, float(p50), float(p95), size)


def run_collector(path: Path, pipe: Connection) -> None:
    """The collector's process."""
    settings = CollectorSettings(max_store_bytes=None)
    tune_interpreter()
    with LocalCollector(path, None, "127.0.0.1:0", "127.0.0.1:0", settings, paths_in_process=True) as collector:
        pipe.send({"http": collector.addresses.http, "api": collector.addresses.api})
        pipe.recv()


def send_steadily(address: str, rate: float, stop: Any, seed: int) -> None:
    """The sender's process: so many spans a second, or as many as are taken."""
    send, load = http_sender(address), RealisticLoad(BATCH, seed)
    begun, sent, exports = time.monotonic(), 0, 0
    while not stop.is_set():
        send(load.next())
        sent += load.spans[exports % len(load.spans)]
        exports += 1
        time.sleep(max(0.0, begun + sent / rate - time.monotonic()))


def show(found: list[Timed], stats: dict[str, Any], peak_mib: float, rates: str) -> None:
    """Print the times beside their goals."""
    spans = stats["held"]["spans"]
    title = f"Questions at {spans:,} spans, beside ingest"
    table = Table(title=title, title_justify="left")
    for name in ("question", "p50 ms", "p95 ms", "goal", "bytes"):
        table.add_column(name, justify="left" if name == "question" else "right")
    for row in found:
        if row.problem:
            table.add_row(row.name, "skipped", row.problem[:40])
        else:
            held = "" if row.p95_ms <= row.goal_ms else " missed"
            table.add_row(
                row.name, f"{row.p50_ms:.0f}", f"{row.p95_ms:.0f}", f"{row.goal_ms}{held}", f"{row.answer_bytes:,}"
            )
    console = Console()
    console.print(table)
    console.print(f"stored: {rates}")
    console.print(f"collector's memory: {peak_mib:,.0f} MiB at most (goal: 500)")
    console.print(f"used blocks: {stats['store']['used'] / spans:.1f} bytes a span (goal: 80)")


if __name__ == "__main__":
    main()
