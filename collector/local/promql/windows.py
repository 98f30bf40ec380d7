"""Functions of range vectors: rates with counter resets and extrapolation, and the `…_over_time`.

In: `Windows`. Out: a vector. State: none. As in Prometheus 3: a window does not have its left end; a rate is
extrapolated to the ends of the window where samples lie near them, and never below zero.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from collector.local.promql.vectors import NAME, Bools, Floats, Samples, Times, Vector, Windows, stacked, without

_Result = tuple[Floats, Bools]
_Reduce = Callable[[Samples, Times, Times], _Result]
"""From samples, and for each step the first one in its window and the one after the last, to values and presence."""


def rate(windows: Windows) -> Vector:
    """Return the increase a second of counters."""
    return _extrapolated(windows, counter=True, per_second=True)


def increase(windows: Windows) -> Vector:
    """Return the increase of counters."""
    return _extrapolated(windows, counter=True, per_second=False)


def delta(windows: Windows) -> Vector:
    """Return the difference of gauges."""
    return _extrapolated(windows, counter=False, per_second=False)


def _extrapolated(windows: Windows, *, counter: bool, per_second: bool) -> Vector:
    ends, starts = windows.steps, windows.steps - windows.length

    def reduce(samples: Samples, first: Times, after: Times) -> _Result:
        last = after - 1
        several = last > first
        first, last = np.where(several, first, 0), np.where(several, last, 0)
        values = samples.values
        begin = values[:, first]
        result = values[:, last] - begin
        if counter:
            resets = np.where(values[:, 1:] < values[:, :-1], values[:, :-1], 0.0)
            lost = np.concatenate([np.zeros((len(values), 1)), np.cumsum(resets, axis=1)], axis=1)
            result = result + (lost[:, last] - lost[:, first])
        sampled = np.where(several, samples.times[last] - samples.times[first], 1) / 1000
        average = sampled / np.where(several, last - first, 1)
        to_start = (samples.times[first] - starts) / 1000
        to_end = (ends - samples.times[last]) / 1000
        to_start = np.where(to_start >= average * 1.1, average / 2, to_start)
        to_end = np.where(to_end >= average * 1.1, average / 2, to_end)
        before: Floats = np.broadcast_to(to_start, result.shape)
        if counter:
            with np.errstate(divide="ignore", invalid="ignore"):
                to_zero = sampled * (begin / result)
            before = np.where((result > 0) & (begin >= 0) & (to_zero < to_start), to_zero, to_start)
        factor = (sampled + before + to_end) / sampled
        if per_second:
            factor = factor / (windows.length / 1000)
        return result * factor, np.broadcast_to(several, result.shape)

    return _reduced(windows, reduce)


def _reduced(windows: Windows, reduce: _Reduce) -> Vector:
    """Return what `reduce` makes of each window; a series is absent where its window has no sample."""
    parts = []
    for samples in windows.samples:
        first = np.searchsorted(samples.times, windows.steps - windows.length, side="right")
        after = np.searchsorted(samples.times, windows.steps, side="right")
        if not len(samples.times):
            continue
        values, present = reduce(samples, first, after)
        labels = [without(each, (NAME,)) for each in samples.labels]
        parts.append(Vector(labels, values, np.array(present)))
    return stacked(parts, len(windows.steps))


def _sum(samples: Samples, first: Times, after: Times) -> _Result:
    zero = np.zeros((len(samples.values), 1))
    total = np.concatenate([zero, np.cumsum(samples.values, axis=1)], axis=1)
    return total[:, after] - total[:, first], _any(samples, first, after)


def _count(samples: Samples, first: Times, after: Times) -> _Result:
    values = np.broadcast_to((after - first).astype(np.float64), (len(samples.labels), len(first)))
    return values, _any(samples, first, after)


def _average(samples: Samples, first: Times, after: Times) -> _Result:
    total, present = _sum(samples, first, after)
    return total / np.maximum(after - first, 1), present


def _last(samples: Samples, first: Times, after: Times) -> _Result:
    return samples.values[:, np.maximum(after - 1, 0)], _any(samples, first, after)


def _present(samples: Samples, first: Times, after: Times) -> _Result:
    return np.ones((len(samples.labels), len(first))), _any(samples, first, after)


def _extreme(of: Callable[[Floats, int], Floats]) -> _Reduce:
    def reduce(samples: Samples, first: Times, after: Times) -> _Result:
        values = np.full((len(samples.labels), len(first)), np.nan)
        for step, (begin, end) in enumerate(zip(first.tolist(), after.tolist(), strict=True)):
            if end > begin:
                values[:, step] = of(samples.values[:, begin:end], 1)
        return values, _any(samples, first, after)

    return reduce


def _difference_of_last_two(*, per_second: bool) -> _Reduce:
    def reduce(samples: Samples, first: Times, after: Times) -> _Result:
        several = after - first >= 2
        last = np.where(several, after - 1, 1 if len(samples.times) > 1 else 0)
        before = np.maximum(last - 1, 0)
        begin, end = samples.values[:, before], samples.values[:, last]
        if per_second:
            change = np.where(end < begin, end, end - begin)
            change = change / np.maximum(samples.times[last] - samples.times[before], 1) * 1000
        else:
            change = end - begin
        return change, np.broadcast_to(several, change.shape)

    return reduce


def _steps_where(of: Callable[[Floats, Floats], Bools]) -> _Reduce:
    def reduce(samples: Samples, first: Times, after: Times) -> _Result:
        found = of(samples.values[:, :-1], samples.values[:, 1:]).astype(np.float64)
        total = np.concatenate([np.zeros((len(found), 1)), np.cumsum(found, axis=1)], axis=1)
        last = np.maximum(after - 1, first)
        inside = np.minimum(last, total.shape[1] - 1), np.minimum(first, total.shape[1] - 1)
        return total[:, inside[0]] - total[:, inside[1]], _any(samples, first, after)

    return reduce


def _any(samples: Samples, first: Times, after: Times) -> Bools:
    return np.broadcast_to(after > first, (len(samples.labels), len(first)))


_REDUCED: Final[Mapping[str, _Reduce]] = {
    "sum_over_time": _sum,
    "count_over_time": _count,
    "avg_over_time": _average,
    "last_over_time": _last,
    "present_over_time": _present,
    "max_over_time": _extreme(np.fmax.reduce),
    "min_over_time": _extreme(np.fmin.reduce),
    "irate": _difference_of_last_two(per_second=True),
    "idelta": _difference_of_last_two(per_second=False),
    "resets": _steps_where(np.greater),
    "changes": _steps_where(np.not_equal),
}


def _by(name: str) -> Callable[[Windows], Vector]:
    return lambda windows: _reduced(windows, _REDUCED[name])


FUNCTIONS: Final[Mapping[str, Callable[[Windows], Vector]]] = {
    "rate": rate,
    "increase": increase,
    "delta": delta,
    **{name: _by(name) for name in _REDUCED},
}
"""From the name of a function of one range vector to what evaluates it."""
