"""What an absent Collector costs the pipeline: nothing that its users would notice."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from collector.processes.child import Child, PipedChild
from collector.stack.profiles import PROFILES
from collector.stack.stack import Stack
from demo_flow.span_counts import read_span_counts
from tests.stack.pamazon import index_a_little, pamazon

RATE = 20
"""Searches a second, each of 13 spans and more in three processes."""

OUTAGE = float(os.environ.get("STACK_OUTAGE_SECONDS", "8"))
"""Seconds of each stretch; `make chaos` takes 60."""

GROWTH = 48.0
"""MiB that a process may grow by: its queues are full then, and gRPC's buffers."""

EXIT = 2.0
"""Seconds from the last answer to the end of the process."""


@pytest.mark.slow
@pytest.mark.timeout(180 + 4 * OUTAGE)
def test_a_collector_that_is_away_costs_no_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed under load: no search fails, memory is bounded, every drop is counted, each process ends in time.

    Latency is compared where the stretches are long enough to prove something, and then with both neighbours: the
    machine's own moods change it as well.
    """
    minimal = [one for one in PROFILES["minimal"] if one.name != "prometheus"]
    with ExitStack() as opened:
        stack = opened.enter_context(Stack(minimal, data_dir=tmp_path / "stack"))
        shop = opened.enter_context(pamazon(tmp_path, stack.address("collector.otlp_grpc")))
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")  # for the client, which would wait for the collector at its end
        index_a_little(shop)
        children = shop.processes.roles
        shop.load(RATE, OUTAGE / 4)  # warms up
        before, memory = shop.load(RATE, OUTAGE), [mib(child) for child in children]
        stack.kill("collector")
        away = shop.load(RATE, OUTAGE)
        grown = [mib(child) - was for child, was in zip(children, memory, strict=True)]
        stack.restart("collector")
        back = shop.load(RATE, OUTAGE)
        stack.kill("collector")
        shop.load(RATE, 1.0)  # something to send, and nobody to take it
        exits = end_all(children)
    for name, report in (("before", before), ("away", away), ("back", back)):
        print(f"{name}: p50 {p50(report):.2f} ms, p99 {report['latency']['p99_ms']:.2f} ms")
        assert (report["succeeded"], report["errors"]) == (report["sent"], {})
    print("grown by MiB:", [round(by, 1) for by in grown], "exits after s:", [round(took, 2) for took in exits])
    assert max(grown) < GROWTH
    assert max(exits) <= EXIT
    counts = read_span_counts(tmp_path / "logs")
    assert len(counts) == len(children)
    assert all(one["recorded"] == one["exported"] + sum(one["dropped"].values()) for one in counts)
    if OUTAGE >= 30:
        assert p50(away) <= 1.1 * max(p50(before), p50(back))


def p50(report: dict[str, Any]) -> float:
    """Milliseconds."""
    return float(report["latency"]["p50_ms"])


def mib(child: Child) -> float:
    """What a process holds in memory."""
    return float(psutil.Process(child.process.pid).memory_info().rss) / 2**20


def end_all(children: Sequence[PipedChild]) -> list[float]:
    """Ask each to end, one by one, callers first; seconds from its word that it has drained to its end."""
    exits = []
    for child in reversed(children):
        child.process.terminate()
        child.output.readline()
        drained = time.monotonic()
        child.process.wait(30)
        exits.append(time.monotonic() - drained)
    return exits
