"""Histograms: adding them up, and percentiles from their buckets.

In: bucket bounds and counts. Out: a sum of histograms; a value at a quantile. Owns nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Histogram:
    """How often values fell between bounds.

    `counts` has one more entry than `bounds`: bucket i holds the values in (bounds[i-1], bounds[i]], the last one all
    above.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float
    """Sum of the values, NaN where one of the histograms has none."""
    low: float = -inf
    """No value is below; the smallest value where that is known."""
    high: float = inf

    @property
    def count(self) -> int:
        """How many values."""
        return sum(self.counts)

    def plus(self, other: "Histogram") -> "Histogram":
        """Both together. Their bounds need not be the same: those that both have stay, buckets between are merged."""
        bounds = tuple(bound for bound in self.bounds if bound in set(other.bounds))
        counts = tuple(a + b for a, b in zip(_merged(self, bounds), _merged(other, bounds), strict=True))
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Histogram(bounds, counts, self.total + other.total, low, high)

    def quantile(self, q: float) -> float | None:
        """The value below which the share `q` (0 to 1) of all values lies; None where there are none.

        Values are taken to be spread evenly within their bucket, as Prometheus' `histogram_quantile` does; the lowest
        and the highest value, where they are known, narrow the outer buckets. In the last bucket, without a highest
        value, it is the highest bound, and `is_beyond`.
        """
        rank, passed = q * self.count, 0
        if not self.count:
            return None
        edges = [min(0.0, self.low if self.low > -inf else 0.0), *self.bounds, inf]
        for lower, upper, count in zip(edges, edges[1:], self.counts, strict=False):
            if count and passed + count >= rank:
                least = min(max(lower, self.low), upper)  # extremes that contradict the buckets are not believed
                most = max(min(upper, self.high), least)
                return least if most == inf else least + (most - least) * (rank - passed) / count
            passed += count
        return self.high if self.high < inf else edges[-2]

    def is_beyond(self, q: float) -> bool:
        """Whether the value at this quantile lies above the highest bound, and no highest value is known."""
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
    """An exponential histogram with explicit bounds: base^index, with base 2^(2^-scale) (OTLP's metrics.proto).

    Args:
        scale: of the base.
        zero_count: values at, or too near to, zero.
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
