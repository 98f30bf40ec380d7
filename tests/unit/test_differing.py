"""Two groups of durations: alike ones are seldom said to differ, others are."""

import random
from math import sqrt

import pytest

from collector.analysis.differing import LEAST, _means, _ranks, differ


def durations(seed: int, count: int, *, longer: float = 1.0, tail: float = 0.0) -> list[float]:
    """As requests take: a long tail, of which so many are ten times as long."""
    source = random.Random(seed)
    return [source.lognormvariate(3, 0.5) * longer * (10 if source.random() < tail else 1) for _ in range(count)]


@pytest.mark.parametrize("count", [LEAST, 40, 200])
def test_alike_groups_are_seldom_said_to_differ(count: int) -> None:
    """In 1 % of the comparisons: more than 13 of 400 in fewer than one of 10,000 series."""
    found = sum(bool(differ(durations(2 * n, count), durations(2 * n + 1, count))) for n in range(400))
    print(f"{found} of 400")
    assert found <= 13


def test_a_shift_and_a_tail_are_differences() -> None:
    shifts = sum(bool(differ(durations(2 * n, 100), durations(2 * n + 1, 100, longer=1.5))) for n in range(100))
    tails = sum(bool(differ(durations(2 * n, 200), durations(2 * n + 1, 200, tail=0.1))) for n in range(100))
    assert shifts >= 90
    assert tails >= 70


def test_ties_and_few() -> None:
    assert differ([5.0] * 50, [5.0] * 50) is False
    assert differ([5.0] * 50, [6.0] * 50) is True
    assert differ([5.0] * (LEAST - 1), [6.0] * 50) is None


def test_ranks_and_means_are_those_of_the_formulas() -> None:
    """Computed by hand: U = 0 of 9; U = 1 with two groups of ties, 3 and 2 long; means of 2 and 5, variances 1."""
    assert _ranks([1, 2, 3], [4, 5, 6]) == pytest.approx(4 / sqrt(9 / 12 * 7))
    assert _ranks([1, 2, 2], [2, 3, 3]) == pytest.approx(3 / sqrt(9 / 12 * 6))
    assert _means([1, 2, 3], [4, 5, 6]) == pytest.approx(-3 / sqrt(2 / 3))
