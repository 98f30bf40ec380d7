"""Whether two groups of durations differ beyond chance.

In: durations of two groups. Out: yes, no, or too few to say. Two tests at half of the level each: one of ranks, which
finds a shift of most of them, and one of means, which finds a tail. Sources:

- Mann, H. B., Whitney, D. R.: "On a test of whether one of two random variables is stochastically larger than the
  other", Annals of Mathematical Statistics 18 (1947), 50-60; the normal approximation, corrected for ties.
- Welch, B. L.: "The generalization of Student's problem when several different population variances are involved",
  Biometrika 34 (1947), 28-35.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, fmean, variance
from typing import Final

import numpy as np

LEAST: Final = 8
"""The fewest durations of each group for which the normal approximation holds."""
LEAST_FOR_MEANS: Final = 30
LEVEL: Final = 0.01
"""How often groups that are alike are said to differ."""
_BEYOND: Final = NormalDist().inv_cdf(1 - LEVEL / 4)
"""In deviations: half of the level for each test, half of that for each direction."""


def differ(left: Sequence[float], right: Sequence[float]) -> bool | None:
    """Whether two groups differ; None: one is too small to say.

    Args:
        left: durations.
        right: durations, independent of those.
    """
    if min(len(left), len(right)) < LEAST:
        return None
    found = abs(_ranks(left, right)) > _BEYOND
    if not found and min(len(left), len(right)) >= LEAST_FOR_MEANS:
        found = abs(_means(left, right)) > _BEYOND
    return found


def _ranks(left: Sequence[float], right: Sequence[float]) -> float:
    """By how many deviations the ranks differ (Mann and Whitney)."""
    n, m = len(left), len(right)
    _, place, counts = np.unique(np.array([*left, *right], np.float64), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    above = float(ranks[:n].sum()) - n * (n + 1) / 2
    total = n + m
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / (total * (total - 1))
    deviation = sqrt(max(n * m / 12 * (total + 1 - ties), 0.0))
    return max(abs(above - n * m / 2) - 0.5, 0.0) / deviation if deviation else 0.0


def _means(left: Sequence[float], right: Sequence[float]) -> float:
    """By how many deviations the means differ (Welch)."""
    deviation = sqrt(variance(left) / len(left) + variance(right) / len(right))
    return (fmean(left) - fmean(right)) / deviation if deviation else 0.0
