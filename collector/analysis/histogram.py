"""Sums of histograms, and percentiles from their buckets."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Histogram:
    """Counts of values between bounds.

    `counts` has one more entry than `bounds`: bucket i holds the values in (bounds[i-1], bounds[i]], the last one all
    above.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float
    """Sum of the values; NaN if one of the histograms has no sum."""
    low: float = -inf
    """A lower bound of all values; the smallest value if it is known."""
    high: float = inf

    @property
    def count(self) -> int:
        """The number of values."""
        return sum(self.counts)

    def plus(self, other: "Histogram") -> "Histogram":
        """The sum of both. Their bounds may differ: common bounds are kept, buckets between them are merged."""
        bounds = tuple(bound for bound in self.bounds if bound in set(other.bounds))
        counts = tuple(a + b for a, b in zip(_merged(self, bounds), _merged(other, bounds), strict=True))
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Histogram(bounds, counts, self.total + other.total, low, high)

    def quantile(self, q: float) -> float | None:
        """The value at the quantile `q` (0 to 1); None if there are no values.

        Values are assumed to be evenly distributed in their bucket, as in Prometheus' `histogram_quantile`; minimum and
        maximum, if known, narrow the outer buckets. In the last bucket, without a maximum, it is the highest bound, and
        `is_beyond`.
        """
        rank, passed = q * self.count, 0
        if not self.count:
            return None
        edges = [min(0.0, self.low if self.low > -inf else 0.0), *self.bounds, inf]
        for lower, upper, count in zip(edges, edges[1:], self.counts, strict=False):
            if count and passed + count >= rank:
                least = min(max(lower, self.low), upper)  # extremes that contradict the buckets are ignored
                most = max(min(upper, self.high), least)
                return least if most == inf else least + (most - least) * (rank - passed) / count
            passed += count
        return self.high if self.high < inf else edges[-2]

    def is_beyond(self, q: float) -> bool:
        """Whether the value at this quantile is above the highest bound, and the maximum is not known."""
        return self.high == inf and self.counts[-1] > 0 and q * self.count > self.count - self.counts[-1]


def _merged(histogram: Histogram, bounds: Sequence[float]) -> list[int]:
    counts = [0] * (len(bounds) + 1)
    upper = [*histogram.bounds, inf]
    position = 0
    for bound, count in zip(upper, histogram.counts, strict=True):
        while position < len(bounds) and bound > bounds[position]:
            position += 1
        counts[position] += count
    return counts


def from_exponential(
    scale: int,
    zero_count: int,
    positive: tuple[int, Sequence[int]],
    negative: tuple[int, Sequence[int]],
    *,
    total: float,
    low: float = -inf,
    high: float = inf,
) -> Histogram:
    """Convert an exponential histogram to explicit bounds: base^index, with base 2^(2^-scale) (OTLP's metrics.proto).

    Args:
        scale: of the base.
        zero_count: values at or near zero.
        positive: index of the first bucket, counts; bucket i holds (base^i, base^(i+1)].
        negative: the same for negative values.
        total: sum of the values.
        low: smallest value.
        high: largest value.
    """
    (up, above), (down, below) = positive, negative
    bounds = [-_power(scale, down + i) for i in range(len(below), -1, -1)] if below else []
    counts = [0, *reversed(below)] if below else []
    bounds += [_power(scale, up + i) for i in range(len(above) + 1)] if above else [0.0]
    counts += [zero_count, *above, 0] if above else [zero_count, 0]
    return Histogram(tuple(bounds), tuple(counts), total, low, high)


def _power(scale: int, index: int) -> float:
    try:
        return float(2.0 ** (index * 2.0**-scale))
    except OverflowError:
        return inf
