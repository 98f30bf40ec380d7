"""Percentiles of durations that are counted in buckets, as in `entry_minutes` and `span_minutes`.

Bucket b counts the durations from 2^(b/8) to 2^((b+1)/8) nanoseconds; what has no known duration has no bucket. A
percentile is the middle of its bucket, on the logarithmic scale: at most 4.5 % from the duration of that rank.
"""

from collections.abc import Mapping, Sequence

PER_OCTAVE = 8
QUANTILES = (0.5, 0.95, 0.99)


def middle_ns(bucket: int) -> int:
    """The duration that stands for a bucket."""
    return round(2 ** ((bucket + 0.5) / PER_OCTAVE))


def quantiles_of(counts: Mapping[int | None, int]) -> list[int | None]:
    """The percentiles of durations, by how many are in each bucket; None stands for those that are not known.

    A count may be negative where others were corrected, as long as sums are not.
    """
    timed = sorted((bucket, n) for bucket, n in counts.items() if bucket is not None and n > 0)
    limits = iter([quantile * sum(n for _, n in timed) - 1e-9 for quantile in QUANTILES])
    found: list[int | None] = []
    limit, upto = next(limits), 0
    for bucket, n in timed:
        upto += n
        while len(found) < len(QUANTILES) and upto >= limit:
            found.append(middle_ns(bucket))
            limit = next(limits, limit)
    return found or [None] * len(QUANTILES)


def count_of(counts: Mapping[int | None, int]) -> int:
    """How many there are in all buckets."""
    return sum(n for n in counts.values() if n > 0)


def percentiles(relation: str, keys: Sequence[str]) -> str:
    """A query for count, total and percentiles of each group: the keys, n, total_ns, and a bucket for each quantile.

    Args:
        relation: a table or a CTE with the keys and `bucket`, `n`, `total_ns`; `n` may be negative where a row was
            corrected, as long as the sums are not.
        keys: columns.
    """
    group = ", ".join(keys)
    of_quantile = ", ".join(
        f"min(bucket) FILTER (upto >= {quantile} * timed - 1e-9) AS b{index}"
        for index, quantile in enumerate(QUANTILES)
    )
    return f"""
        SELECT {group}, any_value(whole)::BIGINT AS n, sum(total_ns)::HUGEINT AS total_ns, {of_quantile}
        FROM (
            SELECT {group}, bucket, total_ns, sum(n) OVER (PARTITION BY {group} ORDER BY bucket NULLS LAST) AS upto,
                   sum(n) OVER (PARTITION BY {group}) AS whole,
                   sum(n) FILTER (bucket IS NOT NULL) OVER (PARTITION BY {group}) AS timed
            FROM (
                SELECT {group}, bucket, sum(n) AS n, sum(total_ns) AS total_ns FROM {relation}
                GROUP BY {group}, bucket HAVING sum(n) > 0
            )
        ) GROUP BY {group}"""  # noqa: S608 (our own names)


def durations(buckets: Sequence[int | None]) -> list[int | None]:
    """The durations of the buckets of `percentiles`."""
    return [None if bucket is None else middle_ns(int(bucket)) for bucket in buckets]
