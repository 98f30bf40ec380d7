"""The real Pamazon for tests: a local collector, an encoder that fails on demand, indexer and gateway, each a process.

They start once for the whole run, on free ports, with folders of their own; `Shop` is what tests do with them.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo_flow.demo import Collector, free_address
from demo_flow.processes import Processes
from demo_flow.starting import FREE_PORTS, Plan, open_pamazon

HERE = Path(__file__).parent
ANYWHERE = "127.0.0.1:0"


@dataclass(frozen=True)
class Trace:
    """One trace as the local collector gives it."""

    data: Mapping[str, Any]

    @property
    def spans(self) -> list[dict[str, Any]]:
        return list(self.data["spans"])

    def tree(self) -> str:
        """Draw it: name, kind where it is an rpc, service; an error as `!`, with its type and the rpc's status."""
        depth: dict[str | None, int] = {None: -1}
        lines = []
        for span in self.spans:
            depth[span["span_id"]] = depth[span["parent_span_id"]] + 1
            lines.append("  " * depth[span["span_id"]] + _line(span))
        return "\n".join(lines)

    def named(self, name: str, service: str | None = None) -> list[dict[str, Any]]:
        """The spans of a name, in tree order."""
        return [s for s in self.spans if s["name"] == name and service in {None, s["service"]}]


def _line(span: Mapping[str, Any]) -> str:
    attributes = span["attributes"]
    status = attributes.get("rpc.response.status_code", "OK")
    words = [span["name"], span["kind"].upper() if span["kind"] != "internal" else "", span["service"]]
    words += [status if status != "OK" else "", "" if span["status"] == "unset" else f"! {attributes['error.type']}"]
    return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Shop:
    """The running flow, and the commands that a user has for it."""

    gateway: str
    page: str
    clip_encoder: str
    qdrant_indexer: str
    api: str
    otlp: str
    otlp_http: str
    processes: Processes
    gate: Path
    logs: Path

    def pamazon(self, *arguments: str, gateway: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a command against this gateway, or another."""
        command = pamazon_command(*arguments, "--gateway", gateway or self.gateway)
        return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)

    def search(self, *arguments: str, gateway: str | None = None) -> Trace:
        """Search, whatever comes of it, and return the trace."""
        before = self.latest("/pamazon.Gateway/Search")
        done = self.pamazon("search", "--json", *arguments, gateway=gateway)
        if done.returncode == 0:
            return self.trace(json.loads(done.stdout)["trace_id"])
        return self.trace(self.next_trace("/pamazon.Gateway/Search", before))

    def trace(self, trace_id: str) -> Trace:
        """Return a trace once it is complete.

        A call that was answered UNAVAILABLE needs no server span to be complete; here the gateway always has one.
        """
        deadline = time.monotonic() + 15
        while True:
            answer = self.ask(f"/api/traces/{trace_id}", wait="10s")
            if answer["complete"] and "gateway" in answer["services"]:
                return Trace(answer)
            assert time.monotonic() < deadline, f"the trace {trace_id} is not complete: {answer}"

    def ask(self, path: str, **parameters: str) -> dict[str, Any]:
        """Ask the local collector."""
        answer: dict[str, Any] = httpx.get(f"http://{self.api}{path}", params=parameters, timeout=20).json()
        return answer

    def await_logs(self, trace_id: str) -> list[dict[str, Any]]:
        """Return the log records of a trace as soon as there are any."""
        deadline = time.monotonic() + 10
        while not (rows := self.ask("/api/logs", trace_id=trace_id)["logs"]):
            assert time.monotonic() < deadline, f"no logs of {trace_id} arrived"
        return list(rows)

    def latest(self, operation: str) -> str | None:
        """Return the id of the latest trace with an operation."""
        rows = self.ask("/api/traces", operation=operation, limit="1")["traces"]
        return rows[0]["trace_id"] if rows else None

    def next_trace(self, operation: str, before: str | None) -> str:
        """Wait for a trace later than `before`, which the client has sent already, to be stored."""
        deadline = time.monotonic() + 40
        while (found := self.latest(operation)) in {before, None}:
            assert time.monotonic() < deadline, f"no trace of {operation} arrived"
        assert found is not None
        return found


def pattern_of(name: str) -> str:
    """The regular expression of a declared span's name, in which braces stand for any one part."""
    return "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", name))


def pamazon_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "demo_flow", *arguments]


def write_catalogue(folder: Path) -> None:
    """Write a catalogue of one's own: three pictures, each of one colour."""
    from PIL import Image

    rows = []
    for name in ("red", "green", "blue"):
        Image.new("RGB", (64, 64), name).save(folder / f"{name}.png")
        rows.append(json.dumps({"id": name, "name": {"en": name}, "image": f"{name}.png", "price": 1.0}))
    (folder / "catalogue.jsonl").write_text("\n".join(rows), "utf-8")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of its own for every process that a test starts, and none of the caller's telemetry settings."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("OTEL_", "SEARCH_TELEMETRY_"))]:
            patch.delenv(name)
        patch.setenv("HOME", str(folder))
        patch.setenv("XDG_DATA_HOME", str(folder / "data"))
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "100")
        yield folder


@pytest.fixture(scope="session")
def shop(home: Path) -> Iterator[Shop]:
    """Pamazon with its catalogue indexed, and a local collector that gets everything."""
    http = free_address()
    collector = Collector(otlp=free_address(), api=free_address(), http=http, store=home / "telemetry.duckdb")
    gate = home / "gate"
    os.mkfifo(gate)
    with pytest.MonkeyPatch.context() as patch, Processes(home / "logs") as processes:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{collector.otlp}")
        patch.setenv("PAMAZON_TEST_GATE", str(gate))
        started = processes.start_other("collector", collector.command())
        collector.await_ready(started)
        encoder = processes.ready(processes.start_role("clip_encoder", faulty_encoder()))["address"]
        page = {"traces": f"http://{collector.api}/traces/", "page_otlp": f"http://{http}"}
        plan = Plan(home, FREE_PORTS, elsewhere={"clip_encoder": encoder}, arguments={"gateway": page})
        pamazon = open_pamazon(plan, processes)
        running = Shop(
            **pamazon.addresses,
            page=pamazon.shops[0],
            api=collector.api,
            otlp=collector.otlp,
            otlp_http=http,
            processes=processes,
            gate=gate,
            logs=home / "logs",
        )
        indexed = running.pamazon("index")
        assert indexed.returncode == 0, indexed.stderr
        yield running


def faulty_encoder() -> list[str]:
    """The command of the encoder that fails on demand. It has no cache: equal searches leave equal traces."""
    script = str(HERE / "pamazon_faulty_encoder.py")
    options = [f"--listen={ANYWHERE}", "--follow-parent", "--cache-size=0"]
    return [sys.executable, script, "serve", "clip_encoder", *options]
