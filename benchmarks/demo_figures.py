"""From rounds of searching to the table of `benchmarks.demo`.

It turns the reports of rounds, and the CPU seconds that they took, into figures with telemetry "on" and "off".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from demo_flow.traffic import Report


@dataclass(frozen=True, slots=True)
class Figures:
    """One service at one load; percentiles over all answers of all rounds."""

    searches: int
    failed: int
    throughput_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms_per_search: dict[str, float]
    rounds_throughput_per_s: list[float]
    rounds_p50_ms: list[float]
    rounds_cpu_ms: list[float]

    @property
    def cpu_ms(self) -> float:
        """CPU of all its processes for one search."""
        return sum(self.cpu_ms_per_search.values())


@dataclass(slots=True)
class Rounds:
    """What the rounds of one service at one load showed, with the CPU seconds that each took by role."""

    reports: list[Report] = field(default_factory=list)
    cpu: list[dict[str, float]] = field(default_factory=list)

    def figures(self) -> Figures:
        """Sum them up."""
        answered = sum(len(report.latencies) for report in self.reports)
        pooled = Report(latencies=[latency for report in self.reports for latency in report.latencies])
        return Figures(
            searches=answered,
            failed=sum(sum(report.errors.values()) for report in self.reports),
            throughput_per_s=answered / sum(report.duration for report in self.reports),
            p50_ms=_ms(pooled, 0.5),
            p95_ms=_ms(pooled, 0.95),
            p99_ms=_ms(pooled, 0.99),
            cpu_ms_per_search={role: sum(cpu[role] for cpu in self.cpu) / answered * 1e3 for role in self.cpu[0]},
            rounds_throughput_per_s=[len(report.latencies) / report.duration for report in self.reports],
            rounds_p50_ms=[_ms(report, 0.5) for report in self.reports],
            rounds_cpu_ms=[
                sum(cpu.values()) / len(report.latencies) * 1e3
                for report, cpu in zip(self.reports, self.cpu, strict=True)
            ],
        )


@dataclass(frozen=True, slots=True)
class Result:
    """One run: the machine, the rates in searches per second, the figures, and what became of the traces."""

    machine: str
    held_rate_per_s: float
    rate_per_s: float
    full_speed: dict[str, Figures]
    at_rate: dict[str, Figures]
    searches_with_telemetry: int
    traces_stored: int
    collector_cpu_ms_per_search: float


def show(result: Result, console: Console) -> None:
    """Print the result as a table, telemetry's cost in the last column."""
    table = Table(title="Pamazon with telemetry and without", title_justify="left", caption_justify="left")
    for heading in ("", "off", "on", "cost", "by pair"):
        table.add_column(heading, justify="left" if not heading else "right")
    off, on = result.full_speed["off"], result.full_speed["on"]
    table.add_row("[bold]full speed, 8 callers[/]")
    _row(table, "searches/s", off.throughput_per_s, on.throughput_per_s,
         _differences(off.rounds_throughput_per_s, on.rounds_throughput_per_s))  # fmt: skip
    _row(table, "CPU ms a search", off.cpu_ms, on.cpu_ms, _differences(off.rounds_cpu_ms, on.rounds_cpu_ms))
    off, on = result.at_rate["off"], result.at_rate["on"]
    table.add_section()
    table.add_row(f"[bold]{result.rate_per_s:.0f} searches/s[/]")
    _row(table, "p50 ms", off.p50_ms, on.p50_ms, _differences(off.rounds_p50_ms, on.rounds_p50_ms))
    _row(table, "p95 ms", off.p95_ms, on.p95_ms)
    _row(table, "p99 ms", off.p99_ms, on.p99_ms)
    _row(table, "CPU ms a search", off.cpu_ms, on.cpu_ms, _differences(off.rounds_cpu_ms, on.rounds_cpu_ms))
    for role in off.cpu_ms_per_search:
        _row(table, f"  {role}", off.cpu_ms_per_search[role], on.cpu_ms_per_search[role])
    table.add_section()
    table.add_row("searches", f"{off.searches:,}", f"{on.searches:,}")
    table.add_row("failed", f"{off.failed:,}", f"{on.failed:,}")
    console.print(table)
    console.print(
        f"{result.machine}; load generator and collector share it. It holds {result.held_rate_per_s:.0f} searches/s.",
        f"{result.searches_with_telemetry:,} searches with telemetry left {result.traces_stored:,} traces, and took "
        f"{result.collector_cpu_ms_per_search:.2f} ms each of the collector's CPU.",
        "by pair: the least and the greatest cost among pairs of neighbouring rounds.",
        sep="\n",
        highlight=False,
        soft_wrap=True,
    )


def _ms(report: Report, share: float) -> float:
    found = report.percentile(share)
    return float("nan") if found is None else found * 1e3


def _differences(off: Sequence[float], on: Sequence[float]) -> list[float]:
    """Return what telemetry changed in each pair of rounds, as a share."""
    return [b / a - 1 for a, b in zip(off, on, strict=True)]


def _row(table: Table, name: str, off: float, on: float, differences: Sequence[float] = ()) -> None:
    spread = f"{100 * min(differences):+.0f} % … {100 * max(differences):+.0f} %" if differences else ""
    table.add_row(f"  {name}", _number(off), _number(on), f"{100 * (on / off - 1):+.1f} %" if off else "", spread)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
