"""The registry of hooks at a fork: their order, and what keeps them apart."""

import gc
import importlib
import os
from functools import partial

import pytest

from telemetry.recording import fork
from telemetry.recording.fork import Rank, in_child, weakly
from telemetry.recording.guard import guard
from tests.unit.own_process import python

OWNERS = {
    Rank.GENERATION: "telemetry.recording.clock",
    Rank.BOUNDS: "telemetry.recording.request.bounds",
    Rank.SERIES: "telemetry.recording.clock",
    Rank.CONFIGURATION: "telemetry.setup.configure",
    Rank.SOURCES: "telemetry.recording.metrics.saturation",
    Rank.CONNECTIONS: "telemetry.otlp.connection",
}
"""The module that registers the hook of each rank. `PIPELINES` has one for each `Telemetry`."""


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A registry of its own, and the names that its hooks leave."""
    monkeypatch.setattr(fork, "_in_child", [])
    return []


def test_hooks_run_by_rank_whenever_they_were_registered(called: list[str]) -> None:
    for rank in (Rank.CONNECTIONS, Rank.GENERATION, Rank.BOUNDS):
        in_child(rank, partial(called.append, rank.name))
    fork._call_all()
    assert called == ["GENERATION", "BOUNDS", "CONNECTIONS"]


def test_each_rank_before_the_pipelines_has_one_hook() -> None:
    for owner in OWNERS.values():
        importlib.import_module(owner)
    assert [rank for rank, _ in fork._in_child] == list(OWNERS) == list(Rank)[:-1]


def test_a_hook_that_fails_does_not_stop_the_others(called: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(guard, "faults", 1)  # it has warned already
    in_child(Rank.BOUNDS, lambda: 1 / 0)
    in_child(Rank.SERIES, partial(called.append, "series"))
    fork._call_all()
    assert (called, guard.faults) == (["series"], 2)


def test_a_hook_does_not_keep_its_owner_alive(called: list[str]) -> None:
    owner = {1}
    hook = weakly(lambda alive: called.append(str(alive)), owner)
    hook()
    del owner
    gc.collect()
    hook()
    assert called == ["{1}"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_waits_for_a_module_that_a_thread_of_ours_imports() -> None:
    """A child has a module wholly or not at all, and its own threads import again."""
    ended = python(
        """
import threading, warnings
from telemetry.recording.fork import importing
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of a fork with threads from 3.12 on
inside, forking, imported = threading.Event(), threading.Event(), []
def load():
    with importing:
        inside.set()
        forking.wait(10)
        imported.append("module")
os.register_at_fork(before=forking.set)  # runs before ours, which is older
threading.Thread(target=load).start()
inside.wait(10)
child = os.fork()
if not child:
    with importing:
        os._exit(0 if imported else 3)
with importing:
    show(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
    )
    assert (ended.status, ended.shown) == (0, [0]), ended.err
