"""The arithmetic of the benchmark of incidents: rises, means, gaps, noise."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from benchmarks.incident_recording import Recording, Stretch
from benchmarks.incident_signals import MOVES, SIGNALS, Signal, Values, gap, most, slowest, where
from benchmarks.incidents import Noise, Table, noise_of, written

SECOND = 10**9
STRETCH = Stretch("tiny-batches", 10 * SECOND, 20 * SECOND)


def series(points: Sequence[Mapping[str, Any]], process: str = "a", **attributes: Any) -> dict[str, Any]:
    """A series whose points are given with their time in seconds."""
    rows = [{"count": None, "value": None, "sum": None, **row, "time_unix_ns": row["at"] * SECOND} for row in points]
    named = {key.replace("_", "."): value for key, value in attributes.items()}
    return {"attributes": named, "resource": {"service.instance.id": process}, "points": rows}


class Told(Recording):
    """A recording of these series, whatever the metric."""

    def series(self, metric: str) -> list[Mapping[str, Any]]:
        return TOLD


TOLD: list[Mapping[str, Any]] = []


@pytest.fixture
def values() -> Values:
    TOLD.clear()
    return Values(Told("nowhere", stretches=[STRETCH]))


def test_a_rise_is_from_the_last_export_before_to_the_last_one_in_a_stretch(values: Values) -> None:
    """A series that begins in it rises from zero; one that begins later does not; of a late export the next counts."""
    known = series([{"at": at, "value": value} for at, value in ((9, 5), (15, 8), (21, 100))])
    young, later = series([{"at": 15, "value": 2}]), series([{"at": 21, "value": 4}])
    TOLD.append(known)
    assert values.added([known, young, later], STRETCH, "value") == 5
    assert values.added([known, later], Stretch(None, 16 * SECOND, 17 * SECOND), "value") == 96
    assert values.added([known], Stretch(None, 30 * SECOND, 31 * SECOND), "value") == 0
    foreign = series([{"at": 12, "value": 3}], process="without exports")
    assert values.added([foreign], STRETCH, "value") == 3


def test_the_slowest_process_is_that_with_the_largest_mean(values: Values) -> None:
    """Series of one process add up."""
    rows = [
        ("a", 10, 1.0), ("a", 30, 1.0),
        ("b", 10, 3.0),
    ]  # fmt: skip
    TOLD.extend(series([{"at": 15, "count": count, "sum": total}], process) for process, count, total in rows)
    signal = Signal("any", slowest, lambda _: True)
    assert slowest(values, signal, STRETCH) == pytest.approx(0.3)
    TOLD.clear()


def test_a_gap_is_counted_where_it_overlaps_the_stretch(values: Values) -> None:
    """As much of it as lies in the stretch, also if the next point came long after it."""
    TOLD.append(series([{"at": 1, "value": 0}, {"at": 9, "value": 0}, {"at": 13, "value": 0}, {"at": 40, "value": 0}]))
    signal = Signal("any", gap, lambda _: True)
    assert gap(values, signal, STRETCH) == 7
    assert gap(values, signal, Stretch(None, 10 * SECOND, 12 * SECOND)) == 2


def test_a_gauge_counts_with_its_largest_value_in_the_stretch(values: Values) -> None:
    TOLD.append(series([{"at": 9, "value": 50}, {"at": 13, "value": 3}, {"at": 15, "value": 2}]))
    assert most(values, Signal("any", most, lambda _: True), STRETCH) == 3


def test_series_are_chosen_by_attributes_and_resource() -> None:
    """A `!` wants another value, and one at all."""
    chile = {"attributes": {"client.region": "cl"}, "resource": {"service.version": "1"}}
    assert where(client_region="cl", service_version="1")(chile)
    assert where(client_region="!us")(chile)
    assert not where(client_region="!cl")(chile)
    assert not where(client_platform="!ios")(chile)


def test_noise_is_four_deviations_or_the_extremes() -> None:
    assert noise_of([]) is None
    assert noise_of([5.0]) == Noise(5.0, 5.0, 5.0)
    noise = noise_of([1.0, 2.0, 3.0])
    assert noise == Noise(-2.0, 2.0, 6.0)
    assert [noise.side(value) for value in (-3, 0, 7)] == [-1, 0, 1]


def test_the_table_names_what_moved_and_what_should_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the values of the baselines and of the incident."""
    recorded = Recording("nowhere", stretches=[Stretch(None, 0, 1), STRETCH, Stretch(None, 30, 31)])
    during = {"batch of pictures": 1.0, "errors of index": 0.5}

    def of(_: Values, name: str, stretch: Stretch) -> float | None:
        usual = 8.0 if name == "batch of pictures" else 0.0
        return during.get(name, usual) if stretch is STRETCH else usual

    monkeypatch.setattr(Values, "of", of)
    table = Table(recorded)
    assert table.missing("tiny-batches") == []
    assert table.unrelated("tiny-batches") == ["errors of index"]
    (_, _, line) = table.lines(["tiny-batches"])
    assert "batch of pictures: 8 documents → **1 documents** (8 documents to 8 documents)" in line
    assert "errors of index: 0 % → **50 %**" in line
    assert set(MOVES["tiny-batches"]) <= set(SIGNALS)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0123, "s", "12.3 ms"),
        (2.0, "s", "2.0 s"),
        (-1.0, "s", "0.0 ms"),
        (4e6, "By", "4.0 MB"),
        (38_800.0, "By", "39 kB"),
        (0.5, "share", "50 %"),
        (1.5, "/s", "1.5 /s"),
        (None, "s", "no value"),
    ],
)
def test_values_are_written_with_their_unit(value: float | None, unit: str, expected: str) -> None:
    assert written(value, unit) == expected
