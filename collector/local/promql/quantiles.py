"""`histogram_quantile` on classic buckets, and `quantile` over values.

In: counts of buckets, values. Out: percentiles, as Prometheus interpolates them. State: none.
"""

from typing import Final

import numpy as np

from collector.local.promql.vectors import NAME, Bools, Floats, Key, Labels, Vector, key, stacked, without

_INSIGNIFICANT: Final = 1e-12
"""A difference of counts, as a share of them, that is an error of floating point."""
_LEAST: Final = 2.2250738585072014e-308
"""The least normal number."""


def histogram_quantile(share: Floats, vector: Vector) -> Vector:
    """Return a percentile of each histogram, whose buckets are the series that differ by `le` alone."""
    histograms: dict[Key, list[tuple[float, int]]] = {}
    labels: dict[Key, Labels] = {}
    for row, each in enumerate(vector.labels):
        try:
            upper = float(each["le"])
        except (KeyError, ValueError):
            continue
        rest = without(each, ("le", NAME))
        labels.setdefault(key(rest), rest)
        histograms.setdefault(key(rest), []).append((upper, row))
    parts = []
    for name, buckets in histograms.items():
        buckets.sort()
        rows = [row for _, row in buckets]
        bounds = np.array([upper for upper, _ in buckets])
        values, present = _of_histogram(share, bounds, vector.values[rows], vector.present[rows])
        parts.append(Vector([labels[name]], values[np.newaxis], present[np.newaxis]))
    return stacked(parts, len(share))


def _of_histogram(share: Floats, bounds: Floats, counts: Floats, present: Bools) -> tuple[Floats, Bools]:
    """Return a percentile at each step, and where there is a bucket at all."""
    everywhere: Bools = np.asarray(present.all(axis=0))
    anywhere: Bools = np.asarray(present.any(axis=0))
    values = np.full(len(share), np.nan)
    values[everywhere] = of_buckets(share[everywhere], bounds, counts[:, everywhere])
    for step in np.flatnonzero(anywhere & ~everywhere):
        held = present[:, step]
        values[step] = of_buckets(share[step : step + 1], bounds[held], counts[held, step : step + 1])[0]
    return values, anywhere


def of_buckets(share: Floats, bounds: Floats, counts: Floats) -> Floats:
    """Return a percentile at each step; NaN where nothing was measured, or the last bucket has a bound.

    Args:
        share: of the values that are below, at each step: 0.95 for the 95th.
        bounds: of the buckets, in order, the last one infinite; equal bounds are one bucket.
        counts: of values up to each bound, in columns by step.
    """
    bounds, counts = _coalesced(bounds, counts)
    nothing = np.full(len(share), np.nan)
    if len(bounds) < 2 or bounds[-1] != np.inf or not len(share):
        return nothing
    counts = _rising(counts)
    rank = share * counts[-1]
    reached = counts[:-1] >= rank
    bucket = np.where(reached.any(axis=0), reached.argmax(axis=0), len(bounds) - 1)
    step = np.arange(len(share))
    before = np.maximum(bucket - 1, 0)
    begin = np.where(bucket > 0, bounds[before], 0.0)
    below = np.where(bucket > 0, counts[before, step], 0.0)
    end = bounds[np.minimum(bucket, len(bounds) - 2)]
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = begin + (end - begin) * ((rank - below) / (counts[bucket, step] - below))
    found = np.where(bucket == len(bounds) - 1, bounds[-2], inside)
    found = np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], found)
    found = np.where(counts[-1] == 0, np.nan, found)
    return np.where(share < 0, -np.inf, np.where(share > 1, np.inf, np.where(np.isnan(share), np.nan, found)))


def _coalesced(bounds: Floats, counts: Floats) -> tuple[Floats, Floats]:
    distinct, place = np.unique(bounds, return_inverse=True)
    if len(distinct) == len(bounds):
        return bounds, counts
    together = np.zeros((len(distinct), counts.shape[1]))
    np.add.at(together, place, counts)
    return distinct, together


def _rising(counts: Floats) -> Floats:
    """Return counts that never fall from one bucket to the next, without insignificant steps."""
    counts = counts.copy()
    before = counts[0].copy()
    for row in range(1, len(counts)):
        now = counts[row]
        total = np.abs(before) + np.abs(now)
        tiny = (before == 0) | (now == 0) | (total < _LEAST)
        with np.errstate(divide="ignore", invalid="ignore"):
            difference = np.abs(before - now)
            same = np.where(tiny, difference < _INSIGNIFICANT * _LEAST, difference / total < _INSIGNIFICANT)
        kept = same | (now < before)
        counts[row] = np.where(kept, before, now)
        before = counts[row].copy()
    return counts


def quantile(share: float, values: Floats) -> float:
    """Return a percentile of values, none of which is NaN, interpolated between its neighbours."""
    if not len(values) or np.isnan(share):
        return float("nan")
    if share < 0 or share > 1:
        return float("-inf") if share < 0 else float("inf")
    rank = share * (len(values) - 1)
    ordered = np.sort(values)
    lower = int(rank)
    upper = min(lower + 1, len(values) - 1)
    weight = rank - lower
    return float(ordered[lower] * (1 - weight) + ordered[upper] * weight)
