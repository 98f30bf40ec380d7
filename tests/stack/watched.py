"""The real stack, watched: Pamazon under load, a minute without an incident, then two incidents.

It runs once for all tests that ask Prometheus: boards, rules, the boards' page. The rules' windows are divided by
twenty, so that each alert can fire.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.watching import Stretch, Watching, watching
from collector.stack import cache
from collector.stack.stack import Stack
from tests.stack.recorded_qdrant import recorded_qdrant

CACHE = cache.root()
"""The caller's environment, before any test changes it."""
HEALTHY = 60.0
"""Seconds without an incident."""
INCIDENTS: Mapping[str, float] = {"collector-away": 40.0, "platform-fails": 40.0}
"""Seconds of each: an alert needs half a minute of a window, and a few more."""
PATIENCE = 600.0
"""Seconds that the first test may take: the stack starts and both incidents happen in it."""
LATE = 10.0
"""Seconds after which everything of an incident has arrived."""


@dataclass(frozen=True)
class Watched:
    """The stack, which still runs; the healthy minute; each incident by its name."""

    watching: Watching
    healthy: Stretch
    incidents: Mapping[str, Stretch]
    end: float

    @property
    def stack(self) -> Stack:
        return self.watching.stack

    @property
    def begin(self) -> float:
        return self.healthy.begin

    @property
    def prometheus(self) -> str:
        """Its address, for a page that asks it."""
        return self.stack.url("prometheus.web")


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    with (
        pytest.MonkeyPatch.context() as patch,
        recorded_qdrant() as qdrant,
    ):
        patch.setenv(cache.VARIABLE, str(CACHE))
        with watching(folder, more={"qdrant": qdrant}) as flow:
            doctor = examine(flow.stack, folder)
            healthy = flow.watch(None, HEALTHY)
            assert doctor.wait(timeout=60) == 0, (folder / "doctor.txt").read_text(encoding="utf-8")
            incidents = {name: flow.watch(name, seconds) for name, seconds in INCIDENTS.items()}
            last = flow.watch(None, LATE)
            yield Watched(flow, healthy, incidents, last.end)


def examine(stack: Stack, folder: Path) -> "subprocess.Popen[bytes]":
    """Let the doctor run once, with the settings of a service."""
    where = {
        "jaeger": "jaeger.query",
        "prometheus": "prometheus.web",
        "victorialogs": "victorialogs.http",
        "otelcol": "collector.metrics",
    }
    named = [f"--{option}={stack.url(key)}" for option, key in where.items()]
    command = [sys.executable, "-m", "telemetry", "doctor", *named, "--api=none", "--loki=none", "--timeout=40"]
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": stack.url("collector.otlp_grpc")}
    with (folder / "doctor.txt").open("wb") as output:
        return subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
