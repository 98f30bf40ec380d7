"""Records incidents: a Pamazon with two indexers and two versions, a local collector, a load, and what happened when.

In: a folder, the incidents to play. Out: a store, and the times of the incidents in it; read again, a `Recording`.
State: the processes, which end with their block.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from demo_flow.client import GatewayClient, RequestFailed
from demo_flow.demo import Collector, free_address
from demo_flow.flow import GATEWAY, QDRANT_INDEXER
from demo_flow.incidents.client import IncidentsClient
from demo_flow.indexing import index_items, read_catalogue
from demo_flow.processes import Processes
from demo_flow.proto.pamazon_pb2 import IndexRequest, SearchRequest
from demo_flow.starting import FREE_PORTS, Plan, open_pamazon
from demo_flow.updates import goods_batches

NEW_VERSION = "2.0.0"
"""Label of the second version."""

STORE = "telemetry.duckdb"
_STRETCHES = "stretches.json"
_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which one incident was active, or none: `begin` and `end` in Unix nanoseconds."""

    incident: str | None
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded: the address of the collector's API, and the stretches; while it runs, the gateway's."""

    api: str
    gateway: str = ""
    stretches: list[Stretch] = field(default_factory=list)

    def of(self, incident: str | None) -> list[Stretch]:
        """Return the stretches of an incident, or the baselines."""
        return [stretch for stretch in self.stretches if stretch.incident == incident]

    def ask(self, path: str, **parameters: str) -> Any:
        """Ask the local collector; an unknown metric has no series."""
        answer = httpx.get(f"http://{self.api}{path}", params=parameters, timeout=60)
        return {"series": [], "next": None} if answer.status_code == 404 else answer.raise_for_status().json()

    def series(self, metric: str) -> list[Mapping[str, Any]]:
        """Return all series of a metric, each with all of its points, oldest first."""
        found: dict[str, dict[str, Any]] = {}
        before: dict[str, str] = {}
        while True:
            page = self.ask(f"/api/metrics/{metric}", limit=str(_PAGE), **before)
            for series in page["series"]:
                key = repr((series["service"], series["resource"], series["attributes"], series["scope"]))
                earlier = found.get(key, {"points": []})
                found[key] = {**series, "points": [*series["points"], *earlier["points"]]}
            if page["next"] is None:
                return list(found.values())
            before = {"before": page["next"]}


@contextlib.contextmanager
def recording(folder: Path, *, goods: int, rate: float, index_rate: float) -> Iterator[Recording]:
    """Start everything, index so many `goods`, and search and index until the block ends.

    Metrics leave every second. The folder then has what `reading` reads.
    """
    with (
        collecting(folder) as collector,
        under_load(folder, collector.otlp, goods=goods, rate=rate, index_rate=index_rate) as gateway,
    ):
        recorded = Recording(collector.api, gateway)
        _await_searches(recorded)
        yield recorded
        rows = [asdict(stretch) for stretch in recorded.stretches]
        (folder / _STRETCHES).write_text(json.dumps(rows), encoding="utf-8")


@contextlib.contextmanager
def under_load(folder: Path, otlp: str, *, goods: int, rate: float, index_rate: float) -> Iterator[str]:
    """Run Pamazon with two indexers and two versions, index so many `goods`, and search and index until the block ends.

    It sends to `otlp`, its metrics every second. Yields the gateway's address.
    """
    with Processes(folder / "logs") as processes:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{otlp}",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
            "OTEL_SDK_DISABLED": "false",
        }
        with mock.patch.dict(os.environ, environment):
            gateway = open_pamazon(_plan(folder), processes).addresses[GATEWAY.name]
            with GatewayClient(gateway) as client:
                catalogue = read_catalogue(None, print)
                index_items(client, catalogue[:: max(1, len(catalogue) // goods)][:goods])  # some of each kind
            load = ["load", "--gateway", gateway, f"--rate={rate}", f"--index-rate={index_rate}", "--duration=36000"]
            processes.start_other("load", [sys.executable, "-m", "demo_flow", *load, "--json"])
        yield gateway


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[Recording]:
    """Read what was recorded in a folder, by a collector of its own."""
    rows = json.loads((folder / _STRETCHES).read_text(encoding="utf-8"))
    with collecting(folder) as collector:
        yield Recording(collector.api, stretches=[Stretch(**row) for row in rows])


@contextlib.contextmanager
def collecting(folder: Path) -> Iterator[Collector]:
    """Run a local collector with the store of a folder, on free ports."""
    otlp, http, api = (free_address() for _ in range(3))
    collector = Collector(otlp=otlp, http=http, api=api, store=folder / STORE)
    with Processes(folder / "logs") as processes:
        collector.await_ready(processes.start_other("collector", collector.command()))
        yield collector


def _plan(folder: Path) -> Plan:
    return Plan(
        folder,
        FREE_PORTS,
        arguments={GATEWAY.name: {"split": 50}},
        replicas={QDRANT_INDEXER.name: 2},
        version=NEW_VERSION,
    )


def play(recorded: Recording, incident: str | None, seconds: float, *, before: float, after: float) -> None:
    """Let an incident, or nothing, happen, and note `seconds` of it.

    It begins at least `before` seconds earlier, so that what was exported until then is not counted; afterwards it
    waits `after` seconds for what is late. On a busy machine both last until requests of our own were answered.
    """
    with IncidentsClient(recorded.gateway) as client:
        if incident is not None:
            client.start(incident, before + seconds + 60)
        _wait(recorded, before)
        begin = time.time_ns()
        time.sleep(seconds)
        recorded.stretches.append(Stretch(incident, begin, time.time_ns()))
        client.stop()
    _wait(recorded, after)


def _wait(recorded: Recording, seconds: float) -> None:
    """Wait so long, and until a search and an index request like those of the load were answered, or failed."""
    until = time.monotonic() + seconds
    with GatewayClient(recorded.gateway) as client:
        with contextlib.suppress(RequestFailed):
            client.search(SearchRequest(text="black jacket"), 30.0)
        with contextlib.suppress(RequestFailed):
            client.index(IndexRequest(documents=goods_batches()[0]), 30.0)
    time.sleep(max(0.0, until - time.monotonic()))


def _await_searches(recorded: Recording, timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not recorded.ask("/api/traces", operation="/pamazon.Gateway/Search", limit="1")["traces"]:
        if time.monotonic() > deadline:
            raise RuntimeError("No search arrived at the collector: see the logs of load and gateway.")
        time.sleep(0.2)
