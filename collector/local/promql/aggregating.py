"""Aggregations: `sum by (…) (…)` and its kind.

In: a vector, labels to keep or to leave out. Out: a vector with a series for each group. State: none.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
import promql_parser as promql

from collector.local.promql.parsing import unsupported
from collector.local.promql.quantiles import quantile
from collector.local.promql.vectors import NAME, Bools, Floats, Key, Labels, Scalar, Vector, key, only, stacked, without

_Group = Callable[[Floats, Bools], Floats]
"""From the values of a group, and where they are present, to one value at each step."""


def aggregated(node: Any, vector: Vector, parameter: Scalar | None) -> Vector:
    """Return the value of a parsed aggregation of a vector.

    Raises:
        QueryError: it is not supported.
    """
    name = str(node.op)
    groups: dict[Key, list[int]] = {}
    labels: dict[Key, Labels] = {}
    for row, each in enumerate(vector.labels):
        kept = _kept(node.modifier, each)
        labels.setdefault(key(kept), kept)
        groups.setdefault(key(kept), []).append(row)
    steps = vector.values.shape[1]
    if name in {"topk", "bottomk"} and parameter is not None:
        return _ranked(vector, groups.values(), parameter, highest=name == "topk")
    if name == "quantile" and parameter is not None:
        of: _Group = _percentile(parameter)
    elif name in _GROUPS:
        of = _GROUPS[name]
    else:
        raise unsupported(f"The aggregation {name}")
    parts = []
    for group, rows in groups.items():
        values, present = vector.values[rows], vector.present[rows]
        parts.append(Vector([labels[group]], of(values, present)[np.newaxis], np.atleast_2d(present.any(axis=0))))
    return stacked(parts, steps)


def _kept(modifier: Any, labels: Labels) -> Labels:
    if modifier is None:
        return {}
    if modifier.type == promql.AggModifierType.By:
        return only(labels, modifier.labels)
    return without(labels, (*modifier.labels, NAME))


def _sum(values: Floats, present: Bools) -> Floats:
    return np.asarray(np.where(present, values, 0.0).sum(axis=0))


def _count(_: Floats, present: Bools) -> Floats:
    return np.asarray(present.sum(axis=0), dtype=np.float64)


def _mean(values: Floats, present: Bools) -> Floats:
    return _sum(values, present) / np.maximum(_count(values, present), 1)


def _variance(values: Floats, present: Bools) -> Floats:
    return _mean((values - _mean(values, present)) ** 2, present)


def _percentile(parameter: Scalar) -> _Group:
    def of(values: Floats, present: Bools) -> Floats:
        columns = zip(parameter.values, values.T, present.T, strict=True)
        return np.array([quantile(float(share), column[held]) for share, column, held in columns])

    return of


_GROUPS: Final[Mapping[str, _Group]] = {
    "sum": _sum,
    "count": _count,
    "avg": _mean,
    "min": lambda values, present: np.fmin.reduce(np.where(present, values, np.nan), axis=0),
    "max": lambda values, present: np.fmax.reduce(np.where(present, values, np.nan), axis=0),
    "group": lambda _, present: np.ones(present.shape[1]),
    "stdvar": _variance,
    "stddev": lambda values, present: np.sqrt(_variance(values, present)),
}


def _ranked(vector: Vector, groups: Iterable[list[int]], parameter: Scalar, *, highest: bool) -> Vector:
    """Return the series of each group that are among the highest, or the lowest, at a step."""
    kept = np.zeros_like(vector.present)
    for rows in groups:
        last = -np.inf if highest else np.inf
        values = np.where(vector.present[rows] & ~np.isnan(vector.values[rows]), vector.values[rows], last)
        order = np.argsort(-values if highest else values, axis=0, kind="stable")
        ranks = np.empty_like(order)
        np.put_along_axis(ranks, order, np.arange(len(rows))[:, np.newaxis], axis=0)
        kept[rows] = ranks < parameter.values
    return vector.where(kept)
