"""How much the local collector takes in: `python -m benchmarks.ingest`.

In: number of senders, duration, batch size, protocol. Out: a table, or JSON: acknowledged spans per second, CPU per
span, bytes per span on disk, time to the acknowledgement. Collector and each sender are processes of their own; the
acknowledged spans are then counted in the store. Owns a temporary folder.
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
from pathlib import Path

import grpc
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.ingest_load import Load
from collector.local.server import LocalCollector
from collector.local.store import Store

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass(frozen=True)
class Result:
    """What one run measured."""

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


def main() -> None:
    """Run the benchmark and print its result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--senders", type=int, default=8, help="sending processes, each with one export under way")
    parser.add_argument("--seconds", type=float, default=10, help="how long to send")
    parser.add_argument("--batch", type=int, default=512, help="spans in one export")
    parser.add_argument("--protocol", choices=("grpc", "http"), default="grpc")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    result = measure(arguments.protocol, arguments.senders, arguments.batch, arguments.seconds)
    if arguments.json:
        print(json.dumps(asdict(result)))
    else:
        show(result)
    if result.stored_spans < result.acknowledged_spans:
        raise SystemExit(f"lost: {result.acknowledged_spans} acknowledged, {result.stored_spans} stored")


def measure(protocol: str, senders: int, batch: int, seconds: float) -> Result:
    """One run: a collector, its senders, and a look at the store afterwards."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        path = Path(folder) / "telemetry.duckdb"
        mine, theirs = context.Pipe()
        collector = context.Process(target=run_collector, args=(path, theirs))
        collector.start()
        address: str = mine.recv()[protocol]
        pipes = []
        for seed in range(senders):
            pipe, other = context.Pipe()
            process = context.Process(target=run_sender, args=(protocol, address, Load(batch, seed), seconds, other))
            process.start()
            pipes.append((pipe, process))
        for pipe, _ in pipes:
            pipe.recv()  # its load is made, its connection stands
        mine.send("begin")
        mine.recv()
        for pipe, _ in pipes:
            pipe.send("go")
        outcomes = [pipe.recv() for pipe, _ in pipes]
        mine.send("end")
        cpu_s, memory_mib = mine.recv()
        for _, process in (*pipes, (mine, collector)):
            process.join()
        stored, size = stored_spans(path)
    latencies = np.concatenate([latencies for latencies, _, _ in outcomes]) * 1e3
    lasted = max(lasted for _, _, lasted in outcomes)
    spans = len(latencies) * batch
    p50, p99, top = np.percentile(latencies, (50, 99, 100))
    refused = sum(refused for _, refused, _ in outcomes)
    return Result(
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
    )


def run_collector(path: Path, pipe: Connection) -> None:
    """The collector's process: says where it listens, then what it used between "begin" and "end"."""
    with LocalCollector(path, "127.0.0.1:0", "127.0.0.1:0", None) as collector:
        pipe.send({"grpc": collector.addresses.grpc, "http": collector.addresses.http})
        pipe.recv()
        before = time.process_time()
        pipe.send("counting")
        pipe.recv()
        pipe.send((time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def run_sender(protocol: str, address: str, load: Load, seconds: float, pipe: Connection) -> None:
    """A sender's process: one export after the other; gives back seconds to each answer, refusals, duration."""
    send = grpc_sender(address) if protocol == "grpc" else http_sender(address)
    send(load.next())
    pipe.send("ready")
    pipe.recv()
    latencies = []
    refused = 0
    begin = now = time.perf_counter()
    while now - begin < seconds:
        body = load.next()
        before = time.perf_counter()
        accepted = send(body)
        now = time.perf_counter()
        if accepted:
            latencies.append(now - before)
        else:
            refused += 1
    pipe.send((np.array(latencies), refused, now - begin))


def grpc_sender(address: str) -> Callable[[bytes], bool]:
    """A function that exports by gRPC and says whether it was acknowledged."""
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
    """A function that exports by HTTP and says whether it was acknowledged."""
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


def show(result: Result) -> None:
    """Print the result as a table."""
    table = Table(title="Ingest of the local collector", title_justify="left")
    table.add_column("measure")
    table.add_column("value", justify="right")
    table.add_row("load", f"{result.senders} senders, {result.protocol}, {result.batch} spans an export")
    table.add_row("acknowledged", f"{result.acknowledged_spans_per_s:,.0f} spans/s")
    table.add_row("acknowledged, in all", f"{result.acknowledged_spans:,} spans in {result.seconds:.1f} s")
    table.add_row("refused", f"{result.refused_exports:,} exports")
    table.add_row("collector's CPU", f"{result.collector_cpu_us_per_span:.1f} µs a span")
    table.add_row("collector's memory", f"{result.collector_peak_memory_mib:,.0f} MiB at most")
    latency = f"{result.ack_p50_ms:.0f} ms p50, {result.ack_p99_ms:.0f} ms p99, {result.ack_max_ms:.0f} ms max"
    table.add_row("acknowledged after", latency)
    table.add_row("on disk", f"{result.bytes_per_span:.0f} bytes a span")
    table.add_row("stored", f"{result.stored_spans:,} spans")
    Console().print(table)


if __name__ == "__main__":
    main()
