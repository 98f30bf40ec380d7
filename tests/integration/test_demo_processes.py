"""`pamazon up` and the demo as processes: they open, they report what dies, and nothing outlives them."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from demo_flow.demo import free_address
from demo_flow.processes import Processes
from demo_flow.proto.pamazon_pb2 import Document, ProcessRequest
from demo_flow.proto.pamazon_pb2_grpc import ExecutorStub
from tests import recording_resolver
from tests.pamazon_fixtures import ANYWHERE, faulty_encoder, pamazon_command


@dataclass
class Up:
    """A running `pamazon up`."""

    process: "subprocess.Popen[str]"
    gateway: str
    data: Path
    shop: str = ""

    def children(self) -> dict[str, psutil.Process]:
        """Its processes by role."""
        return {child.cmdline()[4]: child for child in psutil.Process(self.process.pid).children()}

    def read_until(self, pattern: str) -> re.Match[str]:
        """Read its output until a line matches."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"pamazon up ended without {pattern}")


def _up_command(data: Path, *more: str) -> list[str]:
    ports = [f"--{name}={ANYWHERE}" for name in ("gateway", "clip-encoder", "qdrant-indexer")]
    return pamazon_command("up", "--data", str(data), *ports, *more)


@pytest.fixture(autouse=True)
def _no_telemetry(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests look at processes; without a collector each of them would wait at its end."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")


@pytest.fixture(scope="module")
def data(home: Path) -> Path:
    """A folder whose index the first `up` fills, and the following ones find full."""
    return home / "up"


@pytest.fixture
def up(data: Path) -> Iterator[Up]:
    """Pamazon, opened by its command on free ports."""
    process = subprocess.Popen(_up_command(data), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    running = Up(process, "", data)
    try:
        running.gateway = running.read_until(r"gateway +(\S+)")[1]
        running.shop = running.read_until(r"  shop +http://(\S+)")[1]
        running.read_until("logs")
        yield running
    finally:
        process.kill()
        process.communicate()


def _all_gone(children: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(children, timeout=20)
    return not alive


def test_up_indexes_once_and_serves(up: Up) -> None:
    """Ready means searchable: the catalogue is in the index when the banner appears."""
    command = pamazon_command("search", "--json", "guitar", "--gateway", up.gateway)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert '"results": [{"id"' in done.stdout
    assert set(up.children()) == {"gateway", "clip_encoder", "qdrant_indexer"}
    answer = httpx.post(f"http://{up.shop}/api/search", json={"text": "guitar"}, timeout=20, trust_env=False)
    assert (answer.status_code, answer.json()["trace_id"]) == (200, None)  # its telemetry is switched off
    assert httpx.get(f"http://{up.shop}/api/shop", trust_env=False).json()["otlp"] is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_up_closes_everything_when_asked(up: Up, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM: children drained and ended, exit status 0."""
    children = list(up.children().values())
    up.process.send_signal(number)
    assert up.process.wait(30) == 0
    assert _all_gone(children)


def test_no_child_outlives_a_killed_parent(up: Up) -> None:
    """Kill -9 of the parent: all three end by themselves."""
    children = list(up.children().values())
    up.process.kill()
    assert _all_gone(children)


def test_a_childs_death_is_reported_and_the_others_stay(up: Up) -> None:
    """Who died and how; the others go on, so that a search can report what is missing."""
    children = up.children()
    children["clip_encoder"].kill()
    up.read_until(r"clip_encoder was ended by SIGKILL")
    command = pamazon_command("search", "guitar", "--gateway", up.gateway)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "UNAVAILABLE: clip_encoder at" in done.stderr
    assert children["gateway"].is_running()


def test_a_taken_port_is_reported_with_its_holder(data: Path) -> None:
    """Exit status 2, the role, the port and, where the system gives it, the process that has it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = _up_command(data, f"--clip-encoder=127.0.0.1:{port}")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"clip_encoder cannot listen on 127.0.0.1:{port}: port {port} is taken" in done.stderr
    hint = "Stop that process, or choose another port: --listen HOST:PORT; of `pamazon up`: --clip-encoder HOST:PORT."
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    """Which one, why, and no stack trace."""
    (tmp_path / "file").touch()
    command = _up_command(tmp_path / "file" / "below")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    expected = f"The folder {tmp_path / 'file' / 'below' / 'logs'} cannot be made: Not a directory.\nChoose another.\n"
    assert done.stderr == expected


def test_an_index_that_is_open_elsewhere_is_reported(up: Up) -> None:
    """Two shops on one folder: the second names the process that has it."""
    done = subprocess.run(_up_command(up.data), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "is open in another process" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_model_is_reported(data: Path) -> None:
    """The encoder's error, if it cannot load, is shown."""
    command = _up_command(data, "--model", "no-such-model")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "no-such-model" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_without_an_encoder_is_reported(data: Path) -> None:
    """`--encoder` names an address where nobody answers."""
    command = _up_command(data, "--encoder", nobody := free_address())
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"No clip_encoder answers at {nobody}." in done.stderr


def test_a_request_under_way_is_answered_before_the_process_ends(home: Path, tmp_path: Path) -> None:
    """SIGTERM drains: what was asked before is answered, and only then the process ends, with status 0.

    A second SIGTERM, while it still tries to deliver its telemetry, changes nothing: the log ends with the span counts.
    """
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with pytest.MonkeyPatch.context() as patch, Processes(tmp_path / "logs") as processes:
        patch.setenv("PAMAZON_TEST_GATE", str(gate))
        patch.delenv("OTEL_SDK_DISABLED")
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{free_address()}")
        child = processes.start_role("clip_encoder", faulty_encoder())
        address = processes.ready(child)["address"]
        with grpc.insecure_channel(address) as channel:
            stub = ExecutorStub(channel)  # type: ignore[no-untyped-call]
            answer = stub.Process.future(ProcessRequest(endpoint="/search", docs=[Document(text="gate")]))
            with gate.open():  # opens when the encoder has the request in hand
                child.process.terminate()
            assert len(answer.result(timeout=10).docs[0].embedding) == 192
        child.process.terminate()
        assert child.process.wait(20) == 0
        assert '"message": "ends"' in child.log.read_text().splitlines()[-1]


def test_health_reports_when_an_executor_serves(home: Path, tmp_path: Path) -> None:
    """The standard health service, of the whole server and of its service, is SERVING once the model has loaded."""
    with Processes(tmp_path / "logs") as processes:
        address = processes.ready(processes.start_role("clip_encoder", faulty_encoder()))["address"]
        with grpc.insecure_channel(address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            for service in ("", "pamazon.Executor"):
                answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
                assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_the_demo_shows_all_of_it_and_ends(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make demo ONCE=1 REPLICAS=2`: collector, five processes, progress, searches, a tree, timings, addresses; exit 0.

    None of its processes looks up the name of a host (watched where the machine lets a test have its own network), and
    none leaves files in the user's cache folder.
    """
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")  # meant for other programs, and so is the proxy
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    command = [sys.executable, "-m", "demo_flow.demo", "--once", "--replicas", "--free-ports"]
    command += ["--data", str(home / "demo"), "--store", str(home / "demo.duckdb")]
    looked_up, cached = home / "looked-up", set(home.glob(".cache/*"))
    recorded = recording_resolver.why_not() is None
    command = recording_resolver.unshared(looked_up, *command) if recorded else command
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    for query in ("jacket mens", "black jacket", "Winterjacke", "guitarra", "backpak"):
        assert query in done.stdout
    tree = re.sub(" +", " ", done.stdout.partition("5  The trace")[2])
    for words in (
        "/pamazon.Gateway/Search",
        "txt_minibatch_encoding clip_encoder",
        "qdrant_search",
        "How long it took",
    ):
        assert words in tree
    assert re.search(r"all of it \d+\.\d s", tree)
    assert re.search(r"clip_encoder-2 127\.0\.0\.1:\d+ [^│]*version 2\.0\.0", tree, re.DOTALL)
    assert re.search(r"qdrant_indexer-2 127\.0\.0\.1:\d+", tree)
    assert re.search(r"gateway 127\.0\.0\.1:\d+", tree)
    assert re.search(r"shop http://127\.0\.0\.1:\d+", tree)
    assert not recorded or looked_up.read_text("utf-8") == ""
    assert set(home.glob(".cache/*")) == cached


def test_the_demo_reports_a_port_that_is_taken(home: Path, tmp_path: Path) -> None:
    """One of its usual ports has another owner: which, and how to go on."""
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", 4317))
        except OSError:
            pytest.skip("port 4317 is in use on this machine: another test covers a taken port")
        taken.listen()
        command = [sys.executable, "-m", "demo_flow.demo", "--once", "--data", str(tmp_path / "demo")]
        command += ["--store", str(tmp_path / "demo.duckdb")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Port 4317 (127.0.0.1:4317) is taken" in done.stderr
    assert "--free-ports" in done.stderr
    assert "Traceback" not in done.stderr
