"""Histograms added up, and percentiles from their buckets."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.analysis.histogram import Histogram, from_exponential


def test_values_are_spread_evenly_within_their_bucket() -> None:
    """As Prometheus' histogram_quantile has it: half of ten values in (1, 2] lie below 1.5."""
    assert Histogram((1.0, 2.0), (0, 10, 0), 15.0).quantile(0.5) == 1.5


def test_the_first_bucket_begins_at_zero() -> None:
    """Durations and counts are not negative."""
    assert Histogram((1.0,), (10, 0), 5.0).quantile(0.5) == 0.5


def test_known_extremes_narrow_the_outer_buckets() -> None:
    """No percentile lies outside what was measured."""
    histogram = Histogram((1.0, 2.0), (0, 4, 4), 20.0, low=1.8, high=2.5)
    assert histogram.quantile(0.0) == 1.8
    assert histogram.quantile(1.0) == 2.5


def test_above_the_last_bound_the_bound_is_all_that_is_known() -> None:
    """As in Prometheus."""
    assert Histogram((1.0, 2.0), (0, 0, 3), 20.0).quantile(0.5) == 2.0


def test_extremes_that_contradict_the_buckets_are_not_believed() -> None:
    """Values lie in (1, 2], even if a broken sender reports another minimum or maximum."""
    histogram = Histogram((1.0, 2.0), (0, 4, 0), 6.0, low=5.0, high=0.5)
    assert [histogram.quantile(share) for share in (0.1, 0.5, 0.9)] == [2.0, 2.0, 2.0]


def test_no_values_have_no_percentile() -> None:
    """Zero would be a lie."""
    assert Histogram((1.0,), (0, 0), 0.0).quantile(0.5) is None


def test_a_histogram_without_bounds_knows_its_extremes() -> None:
    """One bucket, from the lowest to the highest value."""
    assert Histogram((), (4,), 6.0, low=1.0, high=2.0).quantile(0.5) == 1.5


def test_histograms_with_other_bounds_add_up_over_those_they_share() -> None:
    """A service that was restarted with finer buckets still has one distribution."""
    coarse = Histogram((1.0, 4.0), (1, 2, 3), 20.0, low=0.5, high=9.0)
    fine = Histogram((1.0, 2.0, 4.0), (1, 1, 1, 1), 10.0, low=0.25, high=5.0)
    assert coarse.plus(fine) == Histogram((1.0, 4.0), (2, 4, 4), 30.0, low=0.25, high=9.0)


def test_an_exponential_histogram_has_powers_of_its_base_as_bounds() -> None:
    """Scale 0 is base 2: bucket 0 holds (1, 2], bucket 1 (2, 4]."""
    histogram = from_exponential(0, 5, (0, [3, 4]), (0, []), total=math.nan)
    assert (histogram.bounds, histogram.counts) == ((1.0, 2.0, 4.0), (5, 3, 4, 0))


def test_negative_buckets_lie_on_the_other_side_of_zero() -> None:
    """Bucket 0 holds [-2, -1), bucket 1 [-4, -2)."""
    histogram = from_exponential(0, 5, (0, [3]), (0, [1, 2]), total=0.0)
    assert (histogram.bounds, histogram.counts) == ((-4.0, -2.0, -1.0, 1.0, 2.0), (0, 2, 1, 5, 3, 0))


@pytest.mark.parametrize("scale", [-10, 20])
def test_extreme_scales_do_not_overflow(scale: int) -> None:
    """OTLP allows scales from -10 to 20."""
    histogram = from_exponential(scale, 0, (2**20, [1]), (0, []), total=1.0, low=1.0, high=2.0)
    assert histogram.count == 1


@given(
    st.lists(st.integers(0, 20), min_size=4, max_size=4),
    st.lists(st.floats(0, 1), min_size=2, max_size=9),
    st.tuples(st.floats(-1, 9), st.floats(-1, 9)),
)
def test_percentiles_never_fall_as_their_share_grows(
    counts: list[int], shares: list[float], extremes: tuple[float, float]
) -> None:
    """A p99 below the p95 would be nonsense, whatever was sent as the smallest and the largest value."""
    histogram = Histogram((1.0, 2.0, 4.0), tuple(counts), 0.0, *extremes)
    values = [value for share in sorted(shares) if (value := histogram.quantile(share)) is not None]
    assert values == sorted(values)
