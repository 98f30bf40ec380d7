"""Compares how often something is so in two groups: exact tests, bounds, and the correction for many of them.

In: counts. Out: probabilities and bounds. Sources:

- Wilson, E. B.: "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
- Newcombe, R. G.: "Interval estimation for the difference between independent proportions: comparison of eleven
  methods", Statistics in Medicine 17 (1998), 873-890; method 10.
- Fisher, R. A.: "The logic of inductive inference", Journal of the Royal Statistical Society 98 (1935), 39-82.
- Tarone, R. E.: "A modified Bonferroni method for discrete data", Biometrics 46 (1990), 515-522.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, exp, lgamma, sqrt
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of two groups have something."""

    matching: int
    of_matching: int
    others: int
    of_others: int

    @property
    def difference(self) -> float:
        """The difference of the two shares; a group without members has the share 0."""
        return self.matching / max(self.of_matching, 1) - self.others / max(self.of_others, 1)


def thinned(counts: Counts, by: float) -> Counts:
    """Divide the requests by `by`, with the same shares: those of the first group rounded down, of the second up.

    This is for requests that come in groups: they show less than as many independent ones.
    """
    if by <= 1:
        return counts
    of_matching, of_others = max(int(counts.of_matching / by), 1), max(int(counts.of_others / by), 1)
    matching, others = int(counts.matching / by), min(ceil(counts.others / by), of_others)
    return Counts(min(matching, of_matching), of_matching, others, of_others)


def wilson(count: int, of: int, z: float) -> tuple[float, float]:
    """Wilson's score interval of a share; 0 to 1 without observations."""
    if not of:
        return 0.0, 1.0
    share, spread = count / of, z * z / of
    middle = share + spread / 2
    half = z * sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def lower_bound(counts: Counts, alpha: float) -> float:
    """Newcombe's lower bound of the difference of two shares, one-sided at `alpha`."""
    z = NormalDist().inv_cdf(1 - alpha)
    first, second = counts.matching / max(counts.of_matching, 1), counts.others / max(counts.of_others, 1)
    low, _ = wilson(counts.matching, counts.of_matching, z)
    _, high = wilson(counts.others, counts.of_others, z)
    return first - second - sqrt((first - low) ** 2 + (high - second) ** 2)


def chance(counts: Counts) -> float:
    """Fisher's exact test, one-sided: how likely so many of the first group have it, if the groups do not differ."""
    having, total = counts.matching + counts.others, counts.of_matching + counts.of_others
    most = min(having, counts.of_matching)
    logs = (
        _log_choose(counts.of_matching, count)
        + _log_choose(counts.of_others, having - count)
        - _log_choose(total, having)
        for count in range(counts.matching, most + 1)
    )
    return min(1.0, sum(map(exp, logs)))


def least_chance(counts: Counts) -> float:
    """The smallest value that `chance` could have, if as many had it, in whichever group they are."""
    having = counts.matching + counts.others
    most = min(having, counts.of_matching)
    return chance(Counts(most, counts.of_matching, having - most, counts.of_others))


def corrected(least_chances: Iterable[float], alpha: float) -> float:
    """The level of each test such that all of them together raise a false alarm in at most a share `alpha` of the runs.

    Tarone's correction: of Bonferroni's number of tests those are left out that could not be significant anyway.

    Args:
        least_chances: of each test, by `least_chance`.
        alpha: of all tests together.
    """
    ordered = sorted(least_chances)
    tests = 1
    while bisect_right(ordered, alpha / tests) > tests:
        tests += 1
    return alpha / tests


def _log_choose(of: int, count: int) -> float:
    return lgamma(of + 1) - lgamma(count + 1) - lgamma(of - count + 1)
