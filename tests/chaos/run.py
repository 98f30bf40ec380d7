"""Conducts a run: starts everything, finds the rate that the machine holds, does harm, ends everything, adds up.

In: seconds, a seed. Out: progress while it runs; what was gathered. State: a folder and the processes, gone at the end.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import grpc
import psutil

from tests.chaos.collector import Collector
from tests.chaos.counts import read_counts
from tests.chaos.verdict import Gathered

ROLES = ("pipeline", "rpc")
SHARE = 0.8  # of the rate that the machine holds
PATIENCE = 60.0  # seconds after which an awaited event counts as missing
ROOT = Path(__file__).parents[2]
Say = Callable[[str], None]


class Program:
    """A program that runs, and its output."""

    def __init__(self, role: str, collector: Collector, folder: Path, seed: int, fork_every: float) -> None:
        self.role = role
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SEARCH_TELEM"))}
        self._err = (folder / f"{role}.log").open("w+")
        counts = folder / "counts"
        counts.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.program", role, f"http://{collector.address}", str(counts), str(seed),
             str(fork_every)],
            cwd=ROOT, env=clean, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._err, text=True,
        )  # fmt: skip
        self.report: dict[str, Any] = {}
        self._changed = threading.Condition()  # guards report
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.report = json.loads(line)
                self._changed.notify_all()

    def command(self, line: str) -> None:
        """Send it a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Wait for its next line."""
        with self._changed:
            assert self._changed.wait(PATIENCE) or self.process.poll() is None, f"{self.role} is silent"
            return dict(self.report)

    def end(self) -> tuple[dict[str, Any], float, int]:
        """End it; return its last line, the seconds from there to its exit, its status."""
        self.command("end")
        status = self.process.wait(PATIENCE * 2)
        ended = time.monotonic()
        self._reader.join(PATIENCE)
        return dict(self.report), ended - float(self.report.get("ends_at", ended)), status

    def close(self) -> list[str]:
        """See to it that it is gone; return its log."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        with self._err:
            self._err.seek(0)
            return self._err.read().splitlines()


class Run:
    """One run."""

    def __init__(self, folder: Path, seconds: float, seed: int, children: int, say: Say) -> None:
        self._seconds = seconds
        self._random = Random(seed)
        self._say = say
        self._began = time.monotonic()
        self._collector = Collector(folder / "telemetry.duckdb")
        self._collector.start()
        fork_every = seconds / (children * 1.2)
        self._programs = [Program(role, self._collector, folder, seed, fork_every) for role in ROLES]
        self._folder = folder
        self._gathered = Gathered(seconds, memory={role: [] for role in ROLES})

    def go(self) -> Gathered:
        """Do all of it."""
        try:
            self._find_the_rate()
            self._do_harm()
            self._end()
        finally:
            for program in self._programs:
                self._gathered.logs[program.role] = program.close()
            self._collector.end()
        self._gathered.counts = read_counts(self._folder / "counts")
        self._gathered.stored, self._gathered.twice, self._gathered.doomed = self._collector.stored()
        return self._gathered

    def _find_the_rate(self) -> None:
        """Let both programs work as fast as they can, beside each other, and slow them down to a share of that."""
        for program in self._programs:
            program.hear()
        measured = max(1.5, min(10.0, self._seconds / 20))
        before = {program.role: (program.hear()["operations"], time.monotonic()) for program in self._programs}
        time.sleep(measured)
        rates = {}
        for program in self._programs:
            operations, since = before[program.role]
            rates[program.role] = SHARE * (program.hear()["operations"] - operations) / (time.monotonic() - since)
            program.command(f"rate {rates[program.role]}")
        listed = ", ".join(f"{role} {rate:.0f}" for role, rate in rates.items())
        self._say(f"operations a second at {SHARE:.0%} of what the machine holds: {listed}")

    def _do_harm(self) -> None:
        """One thing after another goes wrong, until the time is over. The first outage fills the queues."""
        until = time.monotonic() + self._seconds
        longest = max(0.5, min(8.0, self._seconds / 10))
        harm = [self._kill, self._stall, self._refuse]
        self._watch(longest / 2)
        self._kill(longest)
        while time.monotonic() < until:
            self._watch(self._random.uniform(0.5, 1.5) * longest)
            self._random.choice(harm)(self._random.uniform(0.1, 0.8) * longest)
            self._watch(self._random.uniform(0.1, 0.5) * longest)

    def _kill(self, seconds: float) -> None:
        self._print_progress(f"collector killed, back after {seconds:.1f} s")
        self._collector.kill()
        self._watch(seconds)
        self._collector.start()

    def _stall(self, seconds: float) -> None:
        self._print_progress(f"collector stalled for {seconds:.1f} s")
        self._collector.stall()
        self._watch(seconds)
        self._collector.go_on()

    def _refuse(self, seconds: float) -> None:
        code = self._random.choice(
            [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT]
        )
        self._print_progress(f"everything is refused ({code.name}) for {seconds:.1f} s")
        self._collector.kill()
        self._collector.refuse(code)
        self._watch(seconds)
        self._collector.refuse_no_more()
        self._collector.start()

    def _watch(self, seconds: float) -> None:
        """Let time pass, and note how much memory the programs take."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for program in self._programs:
                if program.process.poll() is not None:
                    continue
                mib = psutil.Process(program.process.pid).memory_info().rss / 2**20
                self._gathered.memory[program.role].append((time.monotonic(), mib))
            time.sleep(min(0.5, max(0.0, until - time.monotonic())))

    def _print_progress(self, what: str) -> None:
        reports = [program.report for program in self._programs]
        total = {name: sum(one.get(name, 0) for one in reports) for name in ("recorded", "exported", "dropped")}
        children, errors = (sum(one.get(name, 0) for one in reports) for name in ("children", "errors"))
        memory = sum(samples[-1][1] for samples in self._gathered.memory.values() if samples)
        self._say(
            f"{time.monotonic() - self._began:5.0f} s  spans {total['recorded']:,} recorded, {total['exported']:,} "
            f"exported, {total['dropped']:,} dropped; {children} forks; {memory:.0f} MiB; {errors} errors; {what}"
        )

    def _end(self) -> None:
        """End one program with the collector there, the other while it hangs."""
        by_role = {program.role: program for program in self._programs}
        self._print_progress("the end")
        for role in ("rpc", "pipeline"):
            if role == "pipeline":
                by_role[role].command("rate 1")
                self._watch(1.0)
                self._collector.stall()
            report, lasted, status = by_role[role].end()
            self._gathered.ends[role] = report
            self._gathered.exits[role], self._gathered.statuses[role] = lasted, status
