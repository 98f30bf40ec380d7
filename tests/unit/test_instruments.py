"""Records of metrics: what may be kept, and what is counted each time."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from telemetry import conventions as c
from telemetry.recording import providers
from telemetry.recording.clock import metrics_generation
from telemetry.recording.guard import guard
from telemetry.recording.metrics import instruments
from telemetry.recording.metrics.own_metrics import OwnMetrics
from telemetry.recording.request.bounds import bounds


def observed(stage: Any) -> None:
    """Record a second of this stage."""
    instruments.observe(c.STAGE_DURATION, 1, {"search.stage": stage})


def recorded(stage: Any) -> None:
    """Do the same in the way of code that runs often."""
    record = instruments.record_of(c.STAGE_DURATION, None, stage, None)
    assert record is not None
    record(1, None)


BOTH_WAYS = pytest.mark.parametrize("by", [observed, recorded])


@pytest.fixture(autouse=True)
def own() -> Iterator[OwnMetrics]:
    """Metrics of our own in use."""
    made = OwnMetrics("always_off")
    with providers.override(own=made):
        bounds.forget()
        yield made


@BOTH_WAYS
def test_a_value_beyond_its_limit_is_counted_each_time(own: OwnMetrics, by: Callable[[Any], None]) -> None:
    """Series at hand change nothing about bounds: the overflow goes on to be counted."""
    for number in (*range(30), 1, 29):
        by(f"stage {number}")
    (metric,) = own.reader().collect()
    points = {p.attributes["search.stage"]: p.count for p in metric.data.data_points}  # type: ignore[union-attr]
    assert (len(points), points["stage 1"], points["_other"]) == (25, 2, 7)
    assert bounds.overflow() == {"search.stage": 7}


@BOTH_WAYS
def test_odd_values_are_recorded_too(own: OwnMetrics, by: Callable[[Any], None]) -> None:
    """A list cannot be looked up, a number is not a string: both make series as they do elsewhere."""
    assert guard.strict, "a fault would show"
    for stage in (["a"], 1, True, 1):
        by(stage)
    (metric,) = own.reader().collect()
    points = [(p.attributes["search.stage"], p.count) for p in metric.data.data_points]  # type: ignore[union-attr]
    assert points == [("['a']", 1), (1, 2), (True, 1)]


def test_what_lasts_may_be_kept(own: OwnMetrics) -> None:
    """A record that was kept counts as `observe` does, until providers or the process are others."""
    labels = {"search.stage": "encode", "unknown": "left out"}
    found = instruments.bound(c.STAGE_DURATION, labels)
    assert found is not None
    assert found.lasting
    before = metrics_generation.current
    found.record(0.5, None)
    instruments.observe(c.STAGE_DURATION, 0.25, labels)
    (metric,) = own.reader().collect()
    (point,) = metric.data.data_points
    assert (point.attributes, point.count) == ({"search.stage": "encode"}, 2)  # type: ignore[union-attr]
    assert metrics_generation.current is before
    for change in (instruments.forget, own.renew, lambda: providers.set_current(None, None, own)):
        change()
        assert metrics_generation.current is not before
        before = metrics_generation.current


def test_what_became_other_does_not_last(own: OwnMetrics) -> None:
    """Its place may be another one later, and each such value counts as an overflow."""
    for number in range(26):
        found = instruments.bound(c.STAGE_DURATION, {"search.stage": f"stage {number}"})
        assert found is not None
        assert found.lasting == (number < 24)
    assert bounds.overflow() == {"search.stage": 2}


def test_nothing_is_bound_without_a_meter() -> None:
    """Where metrics are off, there is nothing to record with."""
    with providers.override():
        providers.set_current(None, None)
        assert instruments.bound(c.STAGE_DURATION, {}) is None
