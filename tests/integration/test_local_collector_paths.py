"""Critical paths of finished traces: metrics of the local collector's own, in its own store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from collector.analysis.counting import Counting
from collector.analysis.seen import Seen
from collector.local import query
from collector.local.paths import follower, follower_process, span_queue
from collector.local.paths.follower import Follower
from collector.local.paths.follower_process import FollowerProcess
from collector.local.server import LocalCollector
from collector.local.store.store import Store
from collector.processes.priority import NICER
from telemetry import conventions as c
from tests.local_collector import JSON, post
from tests.search_spans import BEGIN_NS, MS, SEARCH, TIMES, export_of
from tests.waiting import until

LEAST_PRIORITY = 19

A, B = "a" * 32, "b" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.duckdb"


def running(path: Path, *, in_process: bool = False) -> LocalCollector:
    return LocalCollector(path, None, "127.0.0.1:0", api=None, paths_in_process=in_process)


BOTH = pytest.mark.parametrize("in_process", [False, True], ids=["thread", "process"])


def send(collector: LocalCollector, *exports: dict[str, Any]) -> None:
    """Send each, and wait until it is stored."""
    for export in exports:
        assert post(collector, "/v1/traces", json.dumps(export), JSON)[0] == 200


class Stored:
    """What the collector has left in its store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def metric(self, metric: c.Metric) -> query.Metric:
        with closing(self._store.reader()) as connection:
            return query.metric(connection, metric.name, latest=True)

    def values(self, metric: c.Metric, by: c.Attribute) -> Mapping[str, float]:
        """The latest values by an attribute, over all processes, without those that are 0."""
        found: dict[str, float] = {}
        for series in self.metric(metric).series:
            key = series.attributes[by.name]
            found[key] = found.get(key, 0) + sum(float(point.value or 0) for point in series.points)
        return {key: value for key, value in found.items() if value}

    def root(self) -> query.Span:
        with closing(self._store.reader()) as connection:
            return query.trace(connection, A).spans[0]


@pytest.fixture
def stored(path: Path) -> Iterator[Stored]:
    """The store, once the collector that a test used has ended."""
    opened: list[Store] = []

    class Late(Stored):
        def __init__(self) -> None:
            pass

        @property
        def _store(self) -> Store:  # type: ignore[override]
            if not opened:
                opened.append(Store.open(path, read_only=True))
            return opened[0]

    yield Late()
    for store in opened:
        store.close()


@BOTH
def test_a_finished_trace_is_counted_by_stage(path: Path, stored: Stored, in_process: bool) -> None:
    """Its shares sum to the root's duration; the way by platform; exemplars lead to the trace; it is shown, too."""
    with running(path, in_process=in_process) as collector:
        send(collector, export_of(A, SEARCH[3:]), export_of(A, SEARCH[:3], **{c.CLIENT_PLATFORM.name: "web"}))
    times = stored.values(c.CRITICAL_PATH_TIME, c.SEARCH_STAGE)
    assert times == pytest.approx(TIMES)
    assert sum(times.values()) == pytest.approx(0.1)
    assert stored.values(c.CRITICAL_PATH_SAVING, c.SEARCH_STAGE) == pytest.approx(TIMES)
    found = stored.metric(c.CRITICAL_PATH_TIME)
    assert {series.service for series in found.series} == {c.CRITICAL_PATH_SERVICE}
    (transit,) = stored.metric(c.TRANSIT_DURATION).series
    assert transit.attributes == {c.SEARCH_OPERATION.name: "search", c.CLIENT_PLATFORM.name: "web"}
    (point,) = transit.points
    assert (point.count, point.exemplars[0].trace_id) == (1, A)
    assert point.sum == pytest.approx(0.01)
    assert stored.root().attributes[c.SEARCH_TRANSIT_DURATION.name] == pytest.approx(0.01)


def test_the_metrics_come_while_it_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that no sender caused."""
    monkeypatch.setattr(follower, "REPORT_EVERY_S", 0.01)
    with running(path) as collector:
        send(collector, export_of(A, SEARCH))
        sequence = collector.store.changed.sequence
        assert collector.store.changed.wait(sequence, 30) > sequence
        stored = Stored(collector.store)
        assert stored.values(c.CRITICAL_PATH_TIME, c.SEARCH_STAGE) == pytest.approx(TIMES)


@BOTH
def test_everything_that_does_not_count_is_counted(path: Path, stored: Stored, in_process: bool) -> None:
    """A batch, a trace that is not whole, the same bytes again; a span of a trace that was decided."""
    batch = ("encoder", "9", None, c.BATCH.name, "i", 0, 1)
    with running(path, in_process=in_process) as collector:
        send(collector, export_of(B, [batch]), export_of("c" * 32, SEARCH[2:]))
        send(collector, export_of(A, SEARCH), export_of(A, SEARCH))
    assert stored.values(c.CRITICAL_PATH_TIME, c.SEARCH_STAGE) == pytest.approx(TIMES)
    assert stored.values(c.CRITICAL_PATH_SKIPPED, c.SEARCH_CRITICAL_PATH_REASON) == {"batch": 1, "stopped": 1}


@BOTH
def test_a_restarted_collector_counts_from_zero_and_nothing_twice(path: Path, stored: Stored, in_process: bool) -> None:
    """Two processes with their own metrics; of a trace that a restart cuts in two, none takes a half for the whole."""
    with running(path, in_process=in_process) as collector:
        send(collector, export_of(A, SEARCH), export_of(B, SEARCH[3:]))
    with running(path, in_process=in_process) as collector:
        send(collector, export_of("c" * 32, SEARCH), export_of(B, SEARCH[:3]))
    assert stored.values(c.CRITICAL_PATH_TIME, c.SEARCH_STAGE) == pytest.approx({k: 2 * v for k, v in TIMES.items()})
    assert stored.values(c.CRITICAL_PATH_SKIPPED, c.SEARCH_CRITICAL_PATH_REASON) == {"stopped": 1}
    assert stored.values(c.CRITICAL_PATH_LOST, c.SEARCH_CRITICAL_PATH_REASON) == {"late": 3}
    found = stored.metric(c.CRITICAL_PATH_TIME).series
    assert len({series.resource[c.SERVICE_INSTANCE_ID.name] for series in found}) == 2


@BOTH
def test_what_arrives_faster_than_it_is_analysed_is_lost_and_counted(in_process: bool) -> None:
    """The queue is bounded by spans, and nobody waits for it."""
    counted = Recorded()
    slow = FollowerProcess(counted, counted.report, list) if in_process else Follower(Counting(counted))
    for records in (span_queue.MOST_SPANS - 1, 10, 1, 1):
        slow.take(records, dict)
    slow.start()
    assert slow.stop(30)
    assert counted.of(c.CRITICAL_PATH_LOST)["queue_full"] == 11


def test_a_process_that_is_killed_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent to nobody is lost and counted; of what the first one knew, nobody knows."""
    monkeypatch.setattr(follower_process, "AGAIN_AFTER_S", 0.0)
    counted = Recorded()
    following = FollowerProcess(counted, counted.report, list)
    following.start()
    first = following.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    following.take(len(SEARCH), seen)
    following.take(len(SEARCH), seen)
    assert following.stop(30)
    assert following.pid != first
    assert counted.of(c.CRITICAL_PATH_TIME, c.SEARCH_STAGE) == pytest.approx(TIMES)
    assert counted.of(c.CRITICAL_PATH_LOST)["queue_full"] == len(SEARCH)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no priority of its own")
def test_a_process_that_replaces_another_has_the_same_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the thread that starts it has a lower one than the collector."""
    monkeypatch.setattr(follower_process, "AGAIN_AFTER_S", 0.0)
    wanted = min(os.getpriority(os.PRIO_PROCESS, 0) + NICER, LEAST_PRIORITY)
    counted = Recorded()
    following = FollowerProcess(counted, counted.report, list)
    following.start()
    first = following.pid
    assert first is not None
    until(lambda: psutil.Process(first).nice() == wanted)
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    following.take(len(SEARCH), seen)
    following.take(len(SEARCH), seen)
    second = until(lambda: following.pid if following.pid != first else None)
    until(lambda: counted.of(c.CRITICAL_PATH_LOST))  # it has read something: it has its priority
    assert psutil.Process(second).nice() == wanted
    assert following.stop(30)


def test_without_a_process_spans_are_lost_and_nothing_else(
    path: Path, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the machine has no memory for one: spans are stored."""
    monkeypatch.setattr(follower_process, "COMMAND", ("/nothing/of/this/name",))
    with running(path, in_process=True) as collector:
        send(collector, export_of(A, SEARCH))
    assert stored.root().trace_id == A


def test_signals_to_both_are_the_collectors() -> None:
    """Of Ctrl-C, and of systemd, which ends all processes of a service: it has not reported everything then."""
    counted = Recorded()
    following = FollowerProcess(counted, counted.report, lambda: [f"{number:032x}" for number in range(5_000)])
    following.start()  # more than a pipe holds: now it reads
    assert following.pid is not None
    assert os.getsid(following.pid) == following.pid
    os.kill(following.pid, signal.SIGTERM)
    following.take(len(SEARCH), seen)
    assert following.stop(30)
    assert counted.of(c.CRITICAL_PATH_TIME, c.SEARCH_STAGE) == pytest.approx(TIMES)


def test_the_process_ends_with_a_collector_that_is_killed(tmp_path: Path) -> None:
    ports = [f"--{name}=127.0.0.1:0" for name in ("grpc", "http", "api")]
    command = [sys.executable, "-m", "telemetry", "collect", "--store", str(tmp_path / "s.duckdb"), *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as collector:
        assert collector.stdout is not None
        collector.stdout.readline()  # it runs
        (child,) = psutil.Process(collector.pid).children()
        collector.kill()
        assert psutil.wait_procs([child], 30)[1] == []


class Recorded:
    """What was recorded, added up."""

    def __init__(self) -> None:
        self._values: list[tuple[c.Metric, float, Mapping[str, str]]] = []

    def __call__(self, metric: c.Metric, value: float, attributes: Mapping[str, str], _: object) -> None:
        self._values.append((metric, value, attributes))

    def report(self) -> None:
        pass

    def of(self, metric: c.Metric, by: c.Attribute = c.SEARCH_CRITICAL_PATH_REASON) -> Mapping[str, float]:
        found: Counter[str] = Counter()
        for recorded, value, attributes in self._values:
            if recorded is metric:
                found[attributes[by.name]] += value  # type: ignore[assignment]
        return found


def seen() -> Mapping[str, Sequence[Seen]]:
    kinds = {"i": "internal", "s": "server", "c": "client"}
    return {
        A: [
            Seen(
                span,
                parent,
                BEGIN_NS + int(start) * MS,
                BEGIN_NS + int(end) * MS,
                kinds[kind],
                name,
                True,
                kind != "i",
                False,
                "search",
            )
            for _, span, parent, name, kind, start, end in SEARCH
        ]
    }
