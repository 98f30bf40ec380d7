"""The figures of the demo's benchmark, from rounds whose answers are known."""

import io
import json
from collections import Counter
from dataclasses import asdict

import pytest
from rich.console import Console

from benchmarks.demo_figures import Result, Rounds, show
from demo_flow.traffic import Report


def rounds(slower: float) -> Rounds:
    """Two rounds of 100 answers in two seconds: 10 ms and 20 ms each, for 4 ms of CPU; all times `slower`."""
    reports = [
        Report(duration=2.0, latencies=[latency * slower] * 100, errors=Counter({"UNAVAILABLE": 1}))
        for latency in (0.010, 0.020)
    ]
    return Rounds(reports, [{"gateway": 0.1 * slower, "indexer": 0.3 * slower}] * 2)


def test_figures_sum_up_all_answers_of_all_rounds() -> None:
    """Percentiles come from the answers together, CPU from all processes, and each round stays visible."""
    assert asdict(rounds(1.0).figures()) == {
        "searches": 200,
        "failed": 2,
        "throughput_per_s": 50.0,
        "p50_ms": pytest.approx(20.0),
        "p95_ms": pytest.approx(20.0),
        "p99_ms": pytest.approx(20.0),
        "cpu_ms_per_search": {"gateway": pytest.approx(1.0), "indexer": pytest.approx(3.0)},
        "rounds_throughput_per_s": [50.0, 50.0],
        "rounds_p50_ms": pytest.approx([10.0, 20.0]),
        "rounds_cpu_ms": pytest.approx([4.0, 4.0]),
    }


def test_the_table_shows_what_telemetry_costs() -> None:
    """Off, on, the difference, and whether every trace arrived; the same numbers go out as JSON."""
    figures = {"off": rounds(1.0).figures(), "on": rounds(1.5).figures()}
    result = Result("a machine", 100.0, 80.0, figures, figures, 400, 399, 0.5)
    shown = io.StringIO()
    show(result, Console(file=shown, width=80))
    lines = [" ".join(line.replace("│", " ").split()) for line in shown.getvalue().splitlines()]
    assert "p50 ms 20.00 30.00 +50.0 % +50 % … +50 %" in lines
    assert "CPU ms a search 4.00 6.00 +50.0 % +50 % … +50 %" in lines
    assert any("400 searches with telemetry left 399 traces" in line for line in lines)
    assert max(len(line) for line in shown.getvalue().splitlines() if "│" in line) <= 80
    assert json.loads(json.dumps(asdict(result)))["at_rate"]["on"]["p50_ms"] == pytest.approx(30.0)
