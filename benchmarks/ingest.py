"""How much the local collector takes in: `python -m benchmarks.ingest`.

In: number of senders and of readers, duration, batch size, protocol. Out: a table, or JSON: acknowledged spans per
second, CPU per span, bytes per span on disk, time to the acknowledgement; alone, and while readers query the same
store, with the time of their queries. Collector, senders and readers are processes of their own; the acknowledged spans
are then counted in the store. Owns a temporary folder.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.ingest_load import Load, RealisticLoad
from collector.local.server import LocalCollector, tune_interpreter
from collector.local.store.store import Store

LOADS = {"plain": Load, "realistic": RealisticLoad}
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass(frozen=True)
class Result:
    """What one run measured."""

    load: str
    protocol: str
    senders: int
    batch: int
    seconds: float
    acknowledged_spans: int
    acknowledged_spans_per_s: float
    refused_exports: int
    collector_cpu_us_per_span: float
    collector_peak_memory_mib: float
    ack_p50_ms: float
    ack_p99_ms: float
    ack_max_ms: float
    stored_spans: int
    bytes_per_span: float
    readers: int
    queries_per_s: float
    query_p50_ms: float
    query_p99_ms: float


def main() -> None:
    """Run the benchmark and print its result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--senders", type=int, default=8, help="sending processes, each with one export under way")
    parser.add_argument("--readers", type=int, default=2, help="querying processes, in the second run; 0: no such run")
    parser.add_argument("--seconds", type=float, default=10, help="how long to send")
    parser.add_argument("--batch", type=int, default=512, help="spans in one export")
    parser.add_argument("--protocol", choices=("grpc", "http"), default="grpc")
    parser.add_argument("--load", choices=(*LOADS, "both"), default="both", help="one kind of span, or a search's")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    results = [
        measure(load, arguments.protocol, arguments.senders, arguments.batch, arguments.seconds, readers)
        for load in (LOADS if arguments.load == "both" else (arguments.load,))
        for readers in ((0, arguments.readers) if arguments.readers else (0,))
    ]
    if arguments.json:
        print(json.dumps([asdict(result) for result in results]))
    else:
        show(results)
    for result in results:
        if result.stored_spans < result.acknowledged_spans:
            raise SystemExit(f"lost: {result.acknowledged_spans} acknowledged, {result.stored_spans} stored")


class Child(NamedTuple):
    """A process of a run, and our end of its pipe."""

    pipe: Connection
    process: BaseProcess


def start(run: Callable[..., None], *arguments: object) -> Child:
    """Start a process that calls `run` with these arguments and its end of a pipe."""
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    process = context.Process(target=run, args=(*arguments, other))
    process.start()
    return Child(pipe, process)


def measure(kind: str, protocol: str, senders: int, batch: int, seconds: float, readers: int = 0) -> Result:  # noqa: PLR0917
    """One run: a collector, its senders and readers, and a look at the store afterwards."""
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        path = Path(folder) / "telemetry.duckdb"
        collector = start(run_collector, path)
        addresses = collector.pipe.recv()
        loads = [LOADS[kind](batch, seed) for seed in range(senders)]
        sending = [start(run_sender, protocol, addresses[protocol], load, seconds) for load in loads]
        reading = [start(run_reader, addresses["api"], seconds) for _ in range(readers)]
        for child in (*sending, *reading):
            child.pipe.recv()  # its load is made, its connection stands
        collector.pipe.send("begin")
        collector.pipe.recv()
        for child in (*sending, *reading):
            child.pipe.send("go")
        outcomes = [child.pipe.recv() for child in sending]
        queries = np.concatenate([np.zeros(0), *(child.pipe.recv() for child in reading)]) * 1e3
        collector.pipe.send("end")
        cpu_s, memory_mib = collector.pipe.recv()
        for child in (*sending, *reading, collector):
            child.process.join()
        stored, size = stored_spans(path)
    latencies = np.concatenate([latencies for latencies, _, _, _ in outcomes]) * 1e3
    lasted = max(lasted for _, _, lasted, _ in outcomes)
    spans = sum(spans for _, _, _, spans in outcomes)
    p50, p99, top = np.percentile(latencies, (50, 99, 100))
    refused = sum(refused for _, refused, _, _ in outcomes)
    return Result(
        load=kind,
        protocol=protocol,
        senders=senders,
        batch=batch,
        seconds=lasted,
        acknowledged_spans=spans,
        acknowledged_spans_per_s=spans / lasted,
        refused_exports=refused,
        collector_cpu_us_per_span=cpu_s / spans * 1e6,
        collector_peak_memory_mib=memory_mib,
        ack_p50_ms=float(p50),
        ack_p99_ms=float(p99),
        ack_max_ms=float(top),
        stored_spans=stored,
        bytes_per_span=size / max(1, stored),
        readers=readers,
        queries_per_s=len(queries) / lasted,
        query_p50_ms=float(np.percentile(queries, 50)) if readers else 0.0,
        query_p99_ms=float(np.percentile(queries, 99)) if readers else 0.0,
    )


def run_collector(path: Path, pipe: Connection) -> None:
    """The collector's process: sends where it listens, then what it used between "begin" and "end"."""
    tune_interpreter()
    with LocalCollector(path, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", paths_in_process=True) as collector:
        pipe.send(asdict(collector.addresses))
        pipe.recv()
        before = time.process_time()
        pipe.send("counting")
        pipe.recv()
        pipe.send((time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def run_sender(protocol: str, address: str, load: Load | RealisticLoad, seconds: float, pipe: Connection) -> None:
    """A sender's process: one export after the other; gives back seconds to each answer, refusals, duration."""
    send = grpc_sender(address) if protocol == "grpc" else http_sender(address)
    send(load.next())
    pipe.send("ready")
    pipe.recv()
    latencies = []
    refused = spans = 0
    exports = 1
    begin = now = time.perf_counter()
    while now - begin < seconds:
        body = load.next()
        before = time.perf_counter()
        accepted = send(body)
        now = time.perf_counter()
        if accepted:
            spans += load.spans[exports % len(load.spans)]
            latencies.append(now - before)
        else:
            refused += 1
        exports += 1
    pipe.send((np.array(latencies), refused, now - begin, spans))


def run_reader(address: str, seconds: float, pipe: Connection) -> None:
    """A reader's process: the latest traces, one of them whole, all operations; gives back seconds of each query."""
    connection = http.client.HTTPConnection(address, timeout=60)

    def ask(path: str) -> dict[str, Any]:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path}: the collector answered {response.status}")
        answer: dict[str, Any] = json.loads(body)
        return answer

    ask("/api/traces?limit=20")
    pipe.send("ready")
    pipe.recv()
    latencies = []
    trace_id = ""
    begin = now = time.perf_counter()
    while now - begin < seconds:
        for path in ("/api/traces?limit=20", "/api/operations", f"/api/traces/{trace_id}"):
            if path.endswith("/"):
                continue  # nothing is stored yet
            before = time.perf_counter()
            answer = ask(path)
            now = time.perf_counter()
            latencies.append(now - before)
            if answer.get("traces"):
                trace_id = answer["traces"][0]["trace_id"]
    pipe.send(np.array(latencies))


def grpc_sender(address: str) -> Callable[[bytes], bool]:
    """A function that exports by gRPC and returns whether it was acknowledged."""
    export = grpc.insecure_channel(address).unary_unary(EXPORT, None, None)

    def send(body: bytes) -> bool:
        try:
            export(body, timeout=30)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            return False
        return True

    return send


def http_sender(address: str) -> Callable[[bytes], bool]:
    """A function that exports by HTTP and returns whether it was acknowledged."""
    connection = http.client.HTTPConnection(address, timeout=30)

    def send(body: bytes) -> bool:
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        response = connection.getresponse()
        response.read()
        if response.status not in (200, 429):
            raise RuntimeError(f"the collector answered {response.status}")
        return response.status == 200

    return send


def stored_spans(path: Path) -> tuple[int, int]:
    """How many spans are in the store, and the size of its file."""
    store = Store.open(path, read_only=True)
    try:
        row = store.reader().execute("SELECT count(*) FROM spans").fetchone()
        return int(row[0]) if row else 0, path.stat().st_size
    finally:
        store.close()


def show(results: list[Result]) -> None:
    """Print the results side by side."""
    first = results[0]
    load = f"{first.senders} senders, {first.protocol}, {first.batch} spans an export"
    table = Table(title=f"Ingest of the local collector: {load}", title_justify="left")
    table.add_column("measure")
    for result in results:
        beside = f"beside {result.readers} readers" if result.readers else "alone"
        table.add_column(f"{result.load}, {beside}", justify="right")
    rows: dict[str, Callable[[Result], str]] = {
        "acknowledged": lambda r: f"{r.acknowledged_spans_per_s:,.0f} spans/s",
        "acknowledged, in all": lambda r: f"{r.acknowledged_spans:,} spans in {r.seconds:.1f} s",
        "refused": lambda r: f"{r.refused_exports:,} exports",
        "collector's CPU": lambda r: f"{r.collector_cpu_us_per_span:.1f} µs a span",
        "collector's memory": lambda r: f"{r.collector_peak_memory_mib:,.0f} MiB at most",
        "acknowledged after": lambda r: f"{r.ack_p50_ms:.0f} ms p50, {r.ack_p99_ms:.0f} p99, {r.ack_max_ms:.0f} max",
        "on disk": lambda r: f"{r.bytes_per_span:.0f} bytes a span",
        "stored": lambda r: f"{r.stored_spans:,} spans",
        "queries": lambda r: f"{r.queries_per_s:,.1f}/s" if r.readers else "",
        "a query takes": lambda r: f"{r.query_p50_ms:.0f} ms p50, {r.query_p99_ms:.0f} p99" if r.readers else "",
    }
    for name, figure in rows.items():
        table.add_row(name, *(figure(result) for result in results))
    Console().print(table)


if __name__ == "__main__":
    main()
