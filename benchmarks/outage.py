"""What a killed collector costs the searches: `python -m benchmarks.outage`.

In: a rate, and seconds for each stretch. Out: a table, or JSON: latency, failures and memory of Pamazon while its
collector runs, after it was killed with kill -9, and once it runs again on the same store; and whether every
acknowledged span is there. State: a temporary folder and the processes, all gone at the end.
"""

import argparse
import json
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest import mock

import psutil
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.demo_load import at_rate
from collector.local.store.store import Store
from collector.processes.child import Child
from demo_flow.client import GatewayClient
from demo_flow.demo import Collector, free_address
from demo_flow.flow import GATEWAY
from demo_flow.indexing import index_items, read_catalogue
from demo_flow.processes import Processes
from demo_flow.span_counts import read_span_counts
from demo_flow.starting import FREE_PORTS, Plan, open_pamazon
from demo_flow.traffic import Report

ANYWHERE = "127.0.0.1:0"


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of searching: latencies in milliseconds, memory in MiB of Pamazon's three processes at its end."""

    name: str
    searches: int
    failed: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    memory_mib: float


@dataclass(frozen=True, slots=True)
class Result:
    """The stretches in their order, and the counts of Pamazon's processes against the store."""

    rate_per_s: float
    stretches: list[Stretch]
    recorded_spans: int
    acknowledged_spans: int
    dropped_spans: int
    stored_spans: int


def main() -> None:
    """Run the benchmark and print its result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outage", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=30.0, help="searches a second (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each stretch (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-outage-") as name:
        result = run(Path(name), arguments.rate, arguments.seconds, Console(stderr=True))
    if arguments.json:
        print(json.dumps(asdict(result), indent=2))
    else:
        show(result, Console())
    if result.stored_spans < result.acknowledged_spans:
        raise SystemExit(f"lost: {result.acknowledged_spans} acknowledged, {result.stored_spans} stored")


def run(folder: Path, rate: float, seconds: float, console: Console) -> Result:
    """Open everything, search through a collector's death and return, close everything, read the counts."""
    collector = Collector(otlp=free_address(), api=free_address(), http=ANYWHERE, store=folder / "telemetry.duckdb")
    logs = folder / "logs"
    with Processes(folder / "collector") as outer, Progress(console=console, transient=True) as progress:
        task = progress.add_task("opening Pamazon", total=4)
        running = _start(outer, collector)
        with Processes(logs) as processes:
            with mock.patch.dict(os.environ, {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.otlp}"}):
                pamazon = open_pamazon(
                    Plan(folder, FREE_PORTS, arguments={"clip_encoder": {"cache_size": 0}}), processes
                )
            address = pamazon.addresses[GATEWAY.name]
            with GatewayClient(address) as client:
                index_items(client, read_catalogue(None, console.print))

            def stretch(name: str) -> Stretch:
                progress.update(task, description=name, advance=1)
                return _stretch(name, lambda: at_rate(address, rate, seconds), processes)

            at_rate(address, rate, seconds / 6)  # warms up
            stretches = [stretch("collector runs")]
            os.kill(running.process.pid, signal.SIGKILL)
            running.process.wait()
            stretches.append(stretch("killed and away"))
            _start(outer, collector)
            stretches.append(stretch("runs again"))
        recorded, acknowledged, dropped = _counts(logs)
    return Result(rate, stretches, recorded, acknowledged, dropped, _stored(folder / "telemetry.duckdb"))


def show(result: Result, console: Console) -> None:
    """Print the result as a table; the last column compares with the stretch before the outage."""
    table = Table(title=f"Pamazon at {result.rate_per_s:.0f} searches/s, its collector killed", title_justify="left")
    for heading in ("", "searches", "failed", "p50 ms", "p95 ms", "p99 ms", "MiB", "p50 change"):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    before = result.stretches[0].p50_ms
    for s in result.stretches:
        figures = (f"{value:.2f}" for value in (s.p50_ms, s.p95_ms, s.p99_ms))
        change = f"{100 * (s.p50_ms / before - 1):+.1f} %"
        table.add_row(s.name, f"{s.searches:,}", f"{s.failed:,}", *figures, f"{s.memory_mib:.0f}", change)
    console.print(table)
    console.print(
        f"Spans: {result.recorded_spans:,} recorded, {result.acknowledged_spans:,} acknowledged, "
        f"{result.dropped_spans:,} dropped and counted; {result.stored_spans:,} stored.",
        highlight=False,
    )


def _start(processes: Processes, collector: Collector) -> Child:
    child = processes.start_other("collector", collector.command())
    collector.await_ready(child)
    return child


def _stretch(name: str, search: Callable[[], Report], processes: Processes) -> Stretch:
    report = search()
    p50, p95, p99 = ((report.percentile(share) or float("nan")) * 1e3 for share in (0.5, 0.95, 0.99))
    memory = sum(psutil.Process(role.pid).memory_info().rss for role in processes.roles) / 2**20
    return Stretch(name, len(report.latencies), report.errors.total(), p50, p95, p99, memory)


def _counts(logs: Path) -> tuple[int, int, int]:
    """Add up what Pamazon's processes reported of their spans when they ended."""
    counts = read_span_counts(logs)
    dropped = sum(sum(one["dropped"].values()) for one in counts)
    return sum(one["recorded"] for one in counts), sum(one["exported"] for one in counts), dropped


def _stored(path: Path) -> int:
    store = Store.open(path, read_only=True)
    try:
        row = store.reader().execute("SELECT count(*) FROM spans").fetchone()
        return int(row[0]) if row else 0
    finally:
        store.close()


if __name__ == "__main__":
    main()
