"""Each incident moves the signals that it should, and no unrelated one: read from one recording of all of them."""

import statistics
from collections import Counter

import pytest

from benchmarks.incident_recording import Recording
from benchmarks.incident_signals import FOLLOWS, MOVES, SIGNALS, Values
from demo_flow.incidents.table import INCIDENTS

pytestmark = pytest.mark.timeout(300)
"""The first test that needs the incidents records them."""

CERTAIN = (
    "errors, ios",
    "errors, others",
    "errors of index",
    "empty index requests",
    "documents of index",
    "size of index",
    "failed exports",
)
"""Signals that nothing but an incident moves, however busy the machine is."""


@pytest.fixture(scope="module")
def values(recorded_incidents: Recording) -> Values:
    return Values(recorded_incidents)


def usual(values: Values, recorded: Recording, signal: str) -> float:
    """The median of a signal in all stretches whose incident does not concern it."""
    found = [
        value
        for stretch in recorded.stretches
        if stretch.incident is None or signal not in set(MOVES[stretch.incident]) | FOLLOWS[stretch.incident]
        if (value := values.of(signal, stretch)) is not None
    ]
    return statistics.median(found) if found else 0.0


@pytest.mark.parametrize("name", INCIDENTS)
def test_an_incident_moves_its_signals(name: str, values: Values, recorded_incidents: Recording) -> None:
    """By half at the least, against what the signal is without it."""
    (stretch,) = recorded_incidents.of(name)
    for signal, side in MOVES[name].items():
        if SIGNALS[signal].lag:
            continue  # counted by the collector every five seconds, in which other incidents follow
        before, during = usual(values, recorded_incidents, signal), values.of(signal, stretch)
        assert during is not None, f"{signal} has no value"
        moved = during > 1.5 * before if side > 0 else during < 0.67 * before
        assert moved, f"{signal} was {before} and is {during}"


@pytest.mark.parametrize("name", INCIDENTS)
def test_an_incident_moves_no_unrelated_signal(name: str, values: Values, recorded_incidents: Recording) -> None:
    """Of those that depend on no clock: the others need the longer run of `benchmarks.incidents`."""
    (stretch,) = recorded_incidents.of(name)
    for signal in set(CERTAIN) - set(MOVES[name]) - FOLLOWS[name]:
        before, during = usual(values, recorded_incidents, signal), values.of(signal, stretch)
        assert during is None or during == pytest.approx(before, rel=0.15, abs=0.01), signal


def test_every_incident_has_signals_that_exist() -> None:
    """The benchmark, the documentation and these tests speak of the same ones."""
    assert list(MOVES) == list(INCIDENTS)
    assert FOLLOWS.keys() == MOVES.keys()
    for name in INCIDENTS:
        assert MOVES[name]
        assert set(MOVES[name]) | FOLLOWS[name] <= set(SIGNALS)


def test_each_process_has_fewer_than_400_series(recorded_incidents: Recording) -> None:
    """After all incidents, with everything on: the attribute sets of all metrics of a process, ended or not."""
    series: Counter[str] = Counter()
    for metric in recorded_incidents.ask("/api/metrics", limit="1000")["metrics"]:
        for one in recorded_incidents.series(metric["name"]):
            series[f"{one['service']} {one['resource']['service.instance.id']}"] += 1
    assert len(series) == 7  # the roles, two of them twice, the load, and the collector itself
    print(*series.most_common(), sep="\n")
    assert max(series.values()) < 400


def test_no_signal_has_the_name_of_an_incident(recorded_incidents: Recording) -> None:
    """Neither a metric, a span nor a log record: boards and alerts must find it by what it does."""
    told = [
        *(recorded_incidents.ask("/api/metrics", limit="1000")["metrics"]),
        *(recorded_incidents.ask("/api/operations", limit="1000")["operations"]),
        *(recorded_incidents.ask("/api/logs", limit="10000")["logs"]),
    ]
    assert told
    text = repr(told).lower()
    assert [name for name in INCIDENTS if name in text] == []
    assert "pamazon.incidents" not in text
