"""What the real Collector needs for its roles: `python -m benchmarks.stack`.

In: rates, seconds. Out: a table, or JSON: for each role and rate the CPU for a span, hence the spans a second that one
core takes, and the memory; and, with the next tier killed, memory and disk for what waits. Each role runs alone, on the
layers that it has in production, with a bare Collector for everything that it sends to.
Jaeger, which stores, is measured beside them.
State: a temporary folder and the processes, all gone at the end. Needs `make stack`.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.ingest import grpc_sender
from benchmarks.ingest_load import Load
from collector.stack.errors import StackError
from collector.stack.profiles import PROFILES
from collector.stack.programs.otelcol import Otelcol
from collector.stack.stack import Stack

CLEAN = ("base", "privacy")
ROLES: Mapping[str, Sequence[str]] = {
    "collector": (*CLEAN, "span-metrics", "prometheus", "jaeger"),
    "agent": (*CLEAN, "agent", "prometheus"),
    "gateway": (*CLEAN, "gateway", "span-metrics", "prometheus", "jaeger"),
}
"""The layers of each role, as in `collector/stack/profiles.py`."""

NEXT = ("JAEGER_OTLP", "OTELCOL_GATEWAY_1", "OTELCOL_GATEWAY_2")
"""The variables that set where a role sends to."""

BATCH = 256
"""Spans in one export: 32 traces of 8."""

WARM_UP = 15.0
"""Seconds before anything is measured: a gateway holds ten seconds of traces."""


@dataclass(frozen=True, slots=True)
class Result:
    """One role at one rate. Memory in MiB, at most; CPU in microseconds a span; disk in bytes a span.

    `away_memory_mib` and `disk_bytes` are what it takes while its next tier is away, and for what waits then. Jaeger
    has no next tier; the disk is for what it stores.
    """

    role: str
    asked_per_s: float
    spans_per_s: float
    cpu_us: float
    per_core_per_s: float
    memory_mib: float
    away_memory_mib: float | None
    disk_bytes: float


def main() -> None:
    """Run the benchmark and print its result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stack", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--rates", type=float, nargs="+", default=[2000.0, 10000.0], help="spans a second (%(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="of each stretch (%(default)s)")
    parser.add_argument("--roles", nargs="+", choices=(*ROLES, "jaeger"), default=[*ROLES, "jaeger"], help="(all)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    try:
        results = measure_all(arguments.roles, arguments.rates, arguments.seconds)
    except StackError as error:
        raise SystemExit(f"{error.message}\n{error.hint}") from None
    if arguments.json:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        show(results, Console())


def measure_all(roles: Sequence[str], rates: Sequence[float], seconds: float) -> list[Result]:
    """Each role at each rate, one after the other."""
    results = []
    with Console(stderr=True).status("") as status:
        for role in roles:
            for rate in rates:
                status.update(f"{role} at {rate:,.0f} spans/s")
                results.append(measure_jaeger(rate, seconds) if role == "jaeger" else measure(role, rate, seconds))
    return results


def measure(role: str, rate: float, seconds: float) -> Result:
    """One role at one rate: with its next tier there, then with it killed."""
    with tempfile.TemporaryDirectory(prefix="bench-stack-") as name:
        folder = Path(name)
        with Stack([Otelcol("next", ("base",))], data_dir=folder / "next") as sink:
            environment = dict.fromkeys(NEXT, sink.address("next.otlp_grpc"))
            program = Otelcol(role, tuple(ROLES[role]))
            with Stack([program], data_dir=folder / "role", environment=environment) as stack:
                send = grpc_sender(stack.address(f"{role}.otlp_grpc"))
                process = psutil.Process(stack.pid(role))
                lasted, used, memory = load_of(send, rate, seconds, process)
                sink.kill("next")
                held = size(folder / "role" / role)
                waiting, _, away = drive(send, rate, seconds, process)
                disk = (size(folder / "role" / role) - held) / waiting
    return Result(role, rate, lasted, used * 1e6, 1 / used, memory, away, disk)


def measure_jaeger(rate: float, seconds: float) -> Result:
    """Jaeger by itself, storing on its disk."""
    with tempfile.TemporaryDirectory(prefix="bench-stack-") as name:
        programs = [program for program in PROFILES["minimal"] if program.name in {"jaeger", "prometheus"}]
        with Stack(programs, data_dir=Path(name)) as stack:
            process = psutil.Process(stack.pid("jaeger"))
            per_s, used, memory = load_of(grpc_sender(stack.address("jaeger.otlp")), rate, seconds, process)
            stack.stop("jaeger")  # writes what it has in memory
        disk = size(Path(name) / "jaeger") / (rate * (WARM_UP + seconds))
    return Result("jaeger", rate, per_s, used * 1e6, 1 / used, memory, None, disk)


def load_of(
    send: Callable[[bytes], bool], rate: float, seconds: float, process: psutil.Process
) -> tuple[float, float, float]:
    """Warm up, then measure: spans a second, seconds of CPU a span, memory in MiB at most."""
    drive(send, rate, WARM_UP, process)
    before = cpu(process)
    spans, lasted, memory = drive(send, rate, seconds, process)
    return spans / lasted, (cpu(process) - before) / spans, memory


def drive(
    send: Callable[[bytes], bool], rate: float, seconds: float, process: psutil.Process
) -> tuple[int, float, float]:
    """Send at a rate, and catch up when late; spans acknowledged, seconds that it took, memory in MiB at most."""
    load = Load(BATCH, seed=time.time_ns() % 2**32)
    spans, memory = 0, 0.0
    started = due = time.monotonic()
    while due - started < seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        spans += BATCH * send(load.next())
        memory = max(memory, process.memory_info().rss / 2**20)
        due += BATCH / rate
    return spans, max(due, time.monotonic()) - started, memory


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def size(folder: Path) -> int:
    """Bytes that a program's folder takes on disk, holes in its files not counted."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def show(results: Sequence[Result], console: Console) -> None:
    """Print the results as a table."""
    table = Table(
        title="The real Collector, by role",
        title_justify="left",
        caption="† with its next tier killed; Jaeger: what it stores",
    )
    table.add_column("role")
    for heading in ("spans/s", "CPU µs a span", "spans/s a core", "MiB", "† MiB", "† bytes a span on disk"):
        table.add_column(heading, justify="right")
    for r in results:
        figures = (r.spans_per_s, r.cpu_us, r.per_core_per_s, r.memory_mib, r.away_memory_mib, r.disk_bytes)
        table.add_row(r.role, *("" if figure is None else f"{figure:,.0f}" for figure in figures))
    console.print(table)


if __name__ == "__main__":
    main()
