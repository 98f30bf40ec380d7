"""What telemetry costs the demo: `python -m benchmarks.demo`.

In: how thoroughly to measure. Out: a table, or JSON: throughput, latency and CPU per search of Pamazon's three
processes, with telemetry ("on") and with `OTEL_SDK_DISABLED=true` ("off"), measured in one run on one machine. State: a
temporary folder and the processes, all gone at the end.

Two Pamazons and a local collector run side by side, and rounds alternate between the two, so that whatever else the
machine does meets both. First both are searched at full speed; then the highest rate is sought at which the one with
telemetry still answers in time; latencies are taken at four fifths of it, since at full speed they show only the length
of a queue. Everything shares one machine: load generator and collector take their part of its cores from the services.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from unittest import mock

import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.demo_figures import Figures, Result, Rounds, show
from benchmarks.demo_load import at_full_speed, at_rate
from benchmarks.ingest import run_collector
from benchmarks.machine import machine
from collector.local.store.store import Store
from demo_flow.client import GatewayClient
from demo_flow.flow import GATEWAY, ROLES
from demo_flow.indexing import index_items, read_catalogue
from demo_flow.processes import Processes
from demo_flow.starting import FREE_PORTS, Plan, open_pamazon
from demo_flow.traffic import Report

CALLERS = 8
"""Searches under way at once, at full speed."""

IN_TIME = 0.05
"""The p99 in seconds up to which the machine counts as holding a rate."""

STORE = "telemetry.duckdb"

SHARE = 0.8
"""Share of that rate at which latencies are taken."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Seconds that each stretch lasts, and pairs of rounds (one with telemetry, one without)."""

    full_speed_pairs: int
    full_speed_s: float
    trial_s: float
    pairs: int
    round_s: float


FULL = Effort(full_speed_pairs=4, full_speed_s=4, trial_s=4, pairs=6, round_s=10)
QUICK = Effort(full_speed_pairs=2, full_speed_s=2, trial_s=2, pairs=2, round_s=4)


@dataclass(frozen=True, slots=True)
class Service:
    """One running Pamazon: its gateway's address, and its processes by role."""

    address: str
    processes: Mapping[str, psutil.Process]

    def measured(self, search: Callable[[str], Report]) -> tuple[Report, dict[str, float]]:
        """Run one stretch of searching; return what it showed and the CPU seconds that each process took."""
        before = self._cpu_seconds()
        report = search(self.address)
        after = self._cpu_seconds()
        return report, {role: after[role] - before[role] for role in after}

    def _cpu_seconds(self) -> dict[str, float]:
        times = {role: process.cpu_times() for role, process in self.processes.items()}
        return {role: time.user + time.system for role, time in times.items()}


def main() -> None:
    """Run the benchmark and print its result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under a minute instead of three: a look, not a figure")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    result = run(QUICK if arguments.quick else FULL, Console(stderr=True))
    if arguments.json:
        print(json.dumps(asdict(result), indent=2))
    else:
        show(result, Console())


def run(effort: Effort, console: Console) -> Result:
    """Open everything, measure, close everything, and count what reached the store."""
    with tempfile.TemporaryDirectory(prefix="bench-demo-") as name:
        folder = Path(name)
        with _opened(folder, effort, console) as (bench, collector):
            before = collector.cpu_times()
            full_speed, held, at_rate = bench.full_speed(), bench.held_rate(), {}
            at_rate = bench.at_rate(SHARE * held)
            after = collector.cpu_times()
        # Services and collector have ended by now: the last spans are stored.
        stored = _stored_searches(folder / STORE)
        return Result(
            machine=machine(),
            held_rate_per_s=held,
            rate_per_s=SHARE * held,
            full_speed=full_speed,
            at_rate=at_rate,
            searches_with_telemetry=bench.answered["on"],
            traces_stored=stored,
            collector_cpu_ms_per_search=(after.user + after.system - before.user - before.system)
            / bench.answered["on"]
            * 1e3,
        )


def full_speed(console: Console) -> dict[str, Figures]:
    """Search at full speed only, with telemetry ("on") and without ("off")."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-demo-") as name,
        _opened(Path(name), FULL, console) as (bench, _),
    ):
        return bench.full_speed()


@contextlib.contextmanager
def _opened(folder: Path, effort: Effort, console: Console) -> Iterator[tuple["Bench", psutil.Process]]:
    """Open a collector and two Pamazons; gives what searches them, and the collector."""
    with contextlib.ExitStack() as stack, _progress(console) as progress:
        task = progress.add_task("opening a collector and two Pamazons", total=1.0)
        endpoint, collector = stack.enter_context(_collector(folder / STORE))
        exporting = {"OTEL_SDK_DISABLED": "false", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoint}"}
        services = {
            "on": stack.enter_context(_pamazon(folder / "on", exporting)),
            "off": stack.enter_context(_pamazon(folder / "off", {"OTEL_SDK_DISABLED": "true"})),
        }
        yield Bench(services, effort, lambda words, by: progress.update(task, description=words, advance=by)), collector


class Bench:
    """Searches both services in turn. State: how many answers each gave, and how far the run is."""

    def __init__(self, services: Mapping[str, Service], effort: Effort, progress: Callable[[str, float], None]) -> None:
        self._services = services
        self._effort = effort
        self._progress = progress
        self.answered = dict.fromkeys(services, 0)

    def full_speed(self) -> dict[str, Figures]:
        """Search both as fast as they answer, after a first stretch that is not counted."""
        for key in self._services:
            self._search(key, "warming up", lambda address: at_full_speed(address, CALLERS, self._effort.trial_s / 2))
        return self._pairs(
            self._effort.full_speed_pairs,
            "full speed",
            lambda address: at_full_speed(address, CALLERS, self._effort.full_speed_s),
        )

    def held_rate(self) -> float:
        """Return the highest of falling rates at which the service with telemetry answers all searches in time."""
        report, _ = self._search("on", "seeking", lambda address: at_full_speed(address, CALLERS, self._effort.trial_s))
        rate = len(report.latencies) / report.duration
        while rate > 1:
            report, _ = self._search("on", f"{rate:.0f}/s?", partial(at_rate, rate=rate, seconds=self._effort.trial_s))
            p99 = report.percentile(0.99)
            if p99 is not None and p99 <= IN_TIME and not report.errors.total():
                return rate
            rate *= 0.9
        raise SystemExit("This machine does not hold one search per second: see what else it does.")

    def at_rate(self, rate: float) -> dict[str, Figures]:
        """Search both at the same rate."""
        search = partial(at_rate, rate=rate, seconds=self._effort.round_s)
        return self._pairs(self._effort.pairs, f"{rate:.0f} searches/s", search)

    def _pairs(self, pairs: int, words: str, search: Callable[[str], Report]) -> dict[str, Figures]:
        """Search in pairs of rounds, every other pair the other way round."""
        rounds = {key: Rounds() for key in self._services}
        for number in range(pairs):
            for key in sorted(self._services, reverse=number % 2 == 0):
                report, cpu = self._search(key, f"{words}, pair {number + 1} of {pairs}", search)
                rounds[key].reports.append(report)
                rounds[key].cpu.append(cpu)
        return {key: found.figures() for key, found in rounds.items()}

    def _search(self, key: str, words: str, search: Callable[[str], Report]) -> tuple[Report, dict[str, float]]:
        self._progress(f"telemetry {key}: {words}", 0)
        report, cpu = self._services[key].measured(search)
        self._progress(words, report.duration)
        self.answered[key] += len(report.latencies)
        return report, cpu


@contextlib.contextmanager
def _pamazon(folder: Path, environment: Mapping[str, str]) -> Iterator[Service]:
    """Open a Pamazon with its goods indexed; its processes have `environment` on top of ours."""
    with Processes(folder / "logs") as processes:
        before = set(psutil.Process().children())
        with mock.patch.dict(os.environ, environment):
            pamazon = open_pamazon(Plan(folder, FREE_PORTS, arguments={"clip_encoder": {"cache_size": 0}}), processes)
        started = [process for process in psutil.Process().children() if process not in before]
        roles = {role: process for process in started for role in ROLES if role in process.cmdline()}
        address = pamazon.addresses[GATEWAY.name]
        with GatewayClient(address) as client:
            index_items(client, read_catalogue(None, print))
        yield Service(address, roles)


@contextlib.contextmanager
def _collector(store: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run a local collector in a process of its own; gives its address for OTLP over gRPC."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=run_collector, args=(store, its))
    process.start()
    address = ours.recv()["grpc"]
    ours.send("begin")
    ours.recv()
    try:
        yield str(address), psutil.Process(process.pid)
    finally:
        ours.send("end")
        ours.recv()
        process.join()


def _stored_searches(path: Path) -> int:
    """Return how many searches' gateway spans are in the store."""
    store = Store.open(path, read_only=True)
    try:
        row = (
            store.reader()
            .execute(
                "SELECT count(DISTINCT trace_id) FROM spans WHERE name = '/pamazon.Gateway/Search' AND kind = 'server'"
            )
            .fetchone()
        )
        return int(row[0]) if row else 0
    finally:
        store.close()


def _progress(console: Console) -> Progress:
    """Return a progress bar that counts seconds of searching."""
    return Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True)


if __name__ == "__main__":
    main()
