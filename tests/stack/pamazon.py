"""Pamazon's real processes, sending to a collector of the test's choice.

In: an address for OTLP. Out: the addresses of its roles, its commands, the last lines of its processes. State:
the processes, ended with the block.
"""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo_flow.client import GatewayClient
from demo_flow.indexing import index_items, read_catalogue
from demo_flow.processes import Processes
from demo_flow.starting import FREE_PORTS, Plan, open_pamazon
from tests.pamazon_fixtures import Trace, faulty_encoder, pamazon_command

SEARCH = "/pamazon.Gateway/Search"


@dataclass(frozen=True)
class Pamazon:
    """The running flow."""

    gateway: str
    processes: Processes
    logs: Path

    def run(self, *arguments: str) -> Any:
        """A command against this gateway, and the JSON that it printed."""
        command = pamazon_command(*arguments, "--json", "--gateway", self.gateway)
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def search(self, *arguments: str) -> str:
        """Search; the id of the trace."""
        return str(self.run("search", *arguments)["trace_id"])

    def show(self, *arguments: str) -> str:
        """Search as a person does; what was printed."""
        command = pamazon_command("search", *arguments, "--gateway", self.gateway)
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    def fail(self) -> str:
        """Search for what the encoder fails at; the id of the trace, which its log has."""
        command = pamazon_command("search", "explode", "--gateway", self.gateway)
        assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 1
        lines = (self.logs / "clip_encoder.log").read_text(encoding="utf-8").splitlines()
        return str(json.loads(next(line for line in lines if "a request failed" in line))["trace_id"])

    def load(self, rate: int, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Search at a rate, and do something else meanwhile; the report, with the counts of the client's own spans."""
        command = pamazon_command(
            "load", f"--rate={rate}", f"--duration={seconds}", "--json", "--gateway", self.gateway
        )
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            meanwhile()
            out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        report: dict[str, Any] = json.loads(out)
        return report


@contextmanager
def pamazon(folder: Path, otlp: str, environment: Mapping[str, str] | None = None) -> Iterator[Pamazon]:
    """Open Pamazon, which keeps its index in the folder and sends to `HOST:PORT`; only that variable has it.

    Its encoder is the one that fails when a query is `explode`.
    """
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{otlp}", **(environment or {})}
    with pytest.MonkeyPatch.context() as patch, Processes(folder / "logs") as processes:
        for name, value in variables.items():
            patch.setenv(name, value)
        encoder = processes.ready(processes.start_role("clip_encoder", faulty_encoder()))["address"]
        few = {"qdrant_indexer": {"threshold": 0.0}}  # of a few goods, any is found
        plan = Plan(folder, FREE_PORTS, elsewhere={"clip_encoder": encoder}, arguments=few)
        opened = open_pamazon(plan, processes)
        yield Pamazon(opened.addresses["gateway"], processes, folder / "logs")


def index_a_little(shop: Pamazon) -> None:
    """Fill the index with the first goods of the catalogue: enough to find something, within a second."""
    with GatewayClient(shop.gateway) as client:
        index_items(client, read_catalogue(None, pytest.fail)[:40])


def whole(trace: Trace | None, tree: str) -> Trace | None:
    """A trace, if it has as many spans as its tree."""
    return trace if trace and len(trace.spans) == len(tree.strip().splitlines()) else None
