"""Nothing is lost unseen: what was searched, what was served, measured, stored and dropped add up.

A flow of its own for each test, on an empty index, whose processes end before the counts are read, so that everything
they had to send has been sent.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.processes.child import Child
from demo_flow.demo import Collector, free_address
from demo_flow.processes import Processes
from demo_flow.span_counts import read_span_counts
from demo_flow.starting import FREE_PORTS, Plan, open_pamazon
from telemetry import conventions as c
from tests.pamazon_fixtures import ANYWHERE, pamazon_command

SEARCH = "/pamazon.Gateway/Search"


@dataclass(frozen=True)
class Ledger:
    """A local collector as a process, what it keeps, and what can be asked of it."""

    collector: Collector
    processes: Processes

    def start(self) -> Child:
        started = self.processes.start_other("collector", self.collector.command())
        self.collector.await_ready(started)
        return started

    def ask(self, path: str, **parameters: str) -> Mapping[str, Any]:
        answer = httpx.get(f"http://{self.collector.api}{path}", params=parameters, timeout=20)
        assert answer.status_code in {200, 404}, answer.text
        found: Mapping[str, Any] = answer.json()
        return found

    def served(self, kind: str, service: str) -> int:
        """Count the spans of a search, of one kind and service."""
        rows = self.ask("/api/operations", service=service)["operations"]
        return sum(row["count"] for row in rows if (row["operation"], row["kind"]) == (SEARCH, kind))

    def metric(self, metric: c.Metric, **attributes: str) -> float:
        """Sum the latest values (of a histogram: the counts) of the series with these attributes."""
        series = self.ask(f"/api/metrics/{metric.name}").get("series", [])
        kept = [s for s in series if attributes.items() <= {"service": s["service"], **s["attributes"]}.items()]
        latest = [s["points"][-1] for s in kept]
        return sum(float(point["count"] if point["count"] is not None else point["value"]) for point in latest)


@pytest.fixture
def ledger(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    collector = Collector(otlp=free_address(), api=free_address(), http=ANYWHERE, store=tmp_path / "telemetry.duckdb")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{collector.otlp}")
    with Processes(tmp_path / "collector") as processes:
        yield Ledger(collector, processes)


def load(gateway: str, rate: int, seconds: int) -> "subprocess.Popen[str]":
    command = pamazon_command("load", f"--rate={rate}", f"--duration={seconds}", "--json", "--gateway", gateway)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def report_of(process: "subprocess.Popen[str]") -> dict[str, Any]:
    with process:
        out, _ = process.communicate(timeout=90)
    report: dict[str, Any] = json.loads(out)
    return report


def dropped_and_exported(logs: Path) -> tuple[int, int]:
    """Add up what the flow's processes reported of their spans when they ended."""
    counts = read_span_counts(logs)
    assert len(counts) == 3, "each process reports how its telemetry ended"
    for one in counts:
        assert one["recorded"] == one["exported"] + sum(one["dropped"].values())
    return sum(sum(one["dropped"].values()) for one in counts), sum(one["exported"] for one in counts)


@pytest.mark.parametrize(("sampler", "share"), [("always_on", 1), ("always_off", 0)])
def test_the_counts_add_up(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampler: str, share: int
) -> None:
    """Searches sent = SERVER spans of the gateway = count of the duration metric = roots stored + drops counted.

    With sampling at 0 % there are no spans, and every metric is exact all the same.
    """
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    ledger.start()
    with Processes(tmp_path / "logs") as processes:
        pamazon = open_pamazon(Plan(tmp_path, FREE_PORTS), processes)
        report = report_of(load(pamazon.addresses["gateway"], rate=40, seconds=4))
    sent = report["sent"]
    assert (sent, report["errors"]) == (160, {})
    dropped, _ = dropped_and_exported(tmp_path / "logs")
    assert ledger.metric(c.REQUEST_DURATION, service="gateway", **{"search.operation": "search"}) == sent
    assert ledger.metric(c.RPC_SERVER_CALL_DURATION, service="gateway", **{"rpc.method": SEARCH[1:]}) == sent
    assert ledger.metric(c.STAGE_DURATION, **{"search.stage": "qdrant_search"}) == sent
    assert ledger.metric(c.RESULTS_EMPTY) == sent, "the index is empty"
    assert ledger.served("server", "gateway") == sent * share
    assert ledger.served("client", "pamazon") + sum(report["telemetry"]["dropped"].values()) == sent * share
    assert ledger.metric(c.TELEMETRY_DROPPED) == dropped == 0


def test_a_killed_collector_costs_no_search_and_nothing_it_acknowledged(ledger: Ledger, tmp_path: Path) -> None:
    """Kill -9 in the middle of traffic, a new start on the same store: all acknowledged spans are there.

    What the processes could not deliver they count as dropped; no search fails.
    """
    collector = ledger.start()
    with Processes(tmp_path / "logs") as processes:
        pamazon = open_pamazon(Plan(tmp_path, FREE_PORTS), processes)
        traffic = load(pamazon.addresses["gateway"], rate=30, seconds=8)
        while ledger.served("server", "gateway") < 60:
            assert traffic.poll() is None, "the traffic ended before the collector was killed"
        os.kill(collector.process.pid, signal.SIGKILL)
        collector.process.wait()
        ledger.start()
        report = report_of(traffic)
    assert (report["sent"], report["errors"]) == (240, {})
    dropped, exported = dropped_and_exported(tmp_path / "logs")
    counts = report["telemetry"]
    acknowledged = exported + counts["exported"]
    stored = ledger.ask("/api/stats")["held"]["spans"]
    # An export whose acknowledgement was lost is stored and counted as dropped, or sent again and stored once.
    assert acknowledged <= stored <= acknowledged + dropped + sum(counts["dropped"].values())
