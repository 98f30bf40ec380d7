"""`pamazon up` with two replicas of the index and two versions of the encoder: who served what, what if one is away."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from demo_flow.version import own_version
from tests.pamazon_fixtures import ANYWHERE, Shop, Trace, pamazon_command, write_catalogue

PORTS = [f"--{name}={ANYWHERE}" for name in ("gateway", "clip-encoder", "qdrant-indexer")]


@dataclass
class Pair:
    """The running `pamazon up`, what it printed, and the shop, whose collector it sends to."""

    process: "subprocess.Popen[str]"
    banner: str
    shop: Shop

    def address(self, name: str) -> str:
        """Where a process listens."""
        found = re.search(rf"^ +{name} +(\S+)", self.banner, re.MULTILINE)
        assert found, self.banner
        return found[1]

    def search(self) -> Trace:
        """Search, and return the trace."""
        return self.shop.search("red", gateway=self.address("gateway"))

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.shop.pamazon(*arguments, gateway=self.address("gateway"))


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures."""
    folder = tmp_path_factory.mktemp("catalogue")
    write_catalogue(folder)
    return folder


def opened(*arguments: str) -> "tuple[subprocess.Popen[str], str]":
    """Start `pamazon up` and read until it is open."""
    command = pamazon_command("up", *PORTS, *arguments)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if " logs " in line:
            return process, "".join(lines)
    raise AssertionError(f"pamazon up ended: {lines}")


@pytest.fixture(scope="module")
def pair(shop: Shop, catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    data = tmp_path_factory.mktemp("pair")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{shop.otlp}")
        process, banner = opened(
            f"--data={data}", f"--catalogue={catalogue}", "--index-replicas=2", "--version-label=2.0-rc1", "--split=50"
        )
        try:
            yield Pair(process, banner, shop)
        finally:
            process.kill()
            process.communicate()


def test_the_banner_names_every_process(pair: Pair) -> None:
    """Each replica of the index holds all goods; the encoder that was added has the version."""
    names = ("gateway", "clip_encoder", "clip_encoder-2", "qdrant_indexer", "qdrant_indexer-2")
    assert len({pair.address(name) for name in names}) == 5
    assert len(re.findall(r"3 goods in Qdrant Edge", pair.banner)) == 2
    (versioned,) = [line for line in pair.banner.splitlines() if "version 2.0-rc1" in line]
    assert versioned.split()[0] == "clip_encoder-2"


def test_searches_are_served_by_both_and_the_spans_tell_by_whom(pair: Pair) -> None:
    """The gateway's CLIENT spans have the port, the servers' resources an instance id and the version."""
    traces = [pair.search() for _ in range(2)]
    ports = {
        span["attributes"]["server.port"]
        for trace in traces
        for span in trace.named("/pamazon.Executor/Process", "gateway")
        if span["kind"] == "client"
    }
    names = ("clip_encoder", "clip_encoder-2", "qdrant_indexer", "qdrant_indexer-2")
    assert ports == {int(pair.address(name).rpartition(":")[2]) for name in names}
    encoders = [trace.named("encode")[0]["resource"] for trace in traces]
    assert len({resource["service.instance.id"] for resource in encoders}) == 2
    versions = {resource["service.version"] for resource in encoders}
    assert "2.0-rc1" in versions
    assert len(versions) == 2


def test_a_query_that_was_asked_before_needs_no_inference(pair: Pair) -> None:
    """Each encoder has a cache of its own; the span says how many vectors came from there."""
    trace = [pair.search() for _ in range(3)][-1]
    (encode,) = trace.named("encode")
    assert encode["attributes"]["search.cache.hits"] == 1
    assert trace.named("inference") == []
    assert trace.named("qdrant_search")


def test_a_replica_that_dies_costs_no_search_but_no_write_succeeds(pair: Pair, catalogue: Path) -> None:
    """A write names who is away. Runs last: the replica stays away."""
    (child,) = [
        child
        for child in psutil.Process(pair.process.pid).children()
        if child.cmdline()[-1].endswith("-2") or any(word.endswith("-2") for word in child.cmdline())
    ]
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    for _ in range(2):
        assert pair.command("search", "--json", "red").returncode == 0
    done = pair.command("index", "--catalogue", str(catalogue))
    assert done.returncode == 1
    assert f"UNAVAILABLE: qdrant_indexer at {pair.address('qdrant_indexer-2')}: " in done.stderr
    pair.process.send_signal(signal.SIGTERM)
    out, _ = pair.process.communicate(timeout=30)
    assert pair.process.returncode == 0
    assert "qdrant_indexer-2 was ended by SIGKILL" in out


def test_a_split_without_another_version_is_refused(shop: Shop) -> None:
    """Nobody could tell the two versions apart."""
    done = shop.pamazon("up", "--split", "50")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "--split needs the label of the other version.\nAdd --version-label VERSION.\n"
    version = own_version() or ""
    done = shop.pamazon("up", "--split", "50", "--version-label", version)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Both versions would be called {version}.\nChoose another --version-label.\n"
