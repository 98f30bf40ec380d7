"""Percentiles of durations that are counted in buckets, as in `entry_minutes` and `span_minutes`.

Bucket b counts the durations from 2^(b/8) to 2^((b+1)/8) nanoseconds; what has no known duration has no bucket. A
percentile is the middle of its bucket, on the logarithmic scale: at most 4.5 % from the duration of that rank.
"""

from collections.abc import Mapping

PER_OCTAVE = 8
QUANTILES = (0.5, 0.95, 0.99)


def middle_ns(bucket: int) -> int:
    """The duration that stands for a bucket."""
    return round(2 ** ((bucket + 0.5) / PER_OCTAVE))


def quantiles_of(counts: Mapping[int | None, float]) -> list[int | None]:
    """The percentiles of durations, by how many are in each bucket; None stands for those that are not known.

    A count may be negative where others were corrected, as long as sums are not.
    """
    timed = sorted((bucket, n) for bucket, n in counts.items() if bucket is not None and n > 0)
    whole, upto = sum(n for _, n in timed), 0.0
    found: list[int | None] = []
    for bucket, n in timed:
        upto += n
        while len(found) < len(QUANTILES) and upto >= QUANTILES[len(found)] * whole - 1e-9:
            found.append(middle_ns(bucket))
    return found or [None] * len(QUANTILES)


def count_of(counts: Mapping[int | None, int]) -> int:
    """How many there are in all buckets."""
    return sum(n for n in counts.values() if n > 0)
