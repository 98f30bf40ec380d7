"""Functions of instant vectors and numbers.

In: evaluated arguments. Out: a value. State: none; `label_replace` asks `Regexes`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from collector.local.errors import QueryError
from collector.local.promql.matching import Regexes
from collector.local.promql.quantiles import histogram_quantile
from collector.local.promql.vectors import Floats, Labels, Scalar, Value, Vector, merged, without

_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def _half_up(values: Floats, to: Floats) -> Floats:
    return np.floor(values / to + 0.5) * to


_OF_VALUES: Final[Mapping[str, Callable[[Floats], Floats]]] = {
    "abs": np.abs, "ceil": np.ceil, "floor": np.floor, "exp": np.exp, "ln": np.log, "log2": np.log2, "log10": np.log10,
    "sqrt": np.sqrt, "sgn": np.sign,
}  # fmt: skip
_LIMITED: Final[Mapping[str, Callable[[Floats, Sequence[Floats]], Floats]]] = {
    "clamp": lambda values, limits: np.where(
        limits[0] > limits[1], np.nan, np.maximum(limits[0], np.minimum(limits[1], values))
    ),
    "clamp_min": lambda values, limits: np.maximum(values, limits[0]),
    "clamp_max": lambda values, limits: np.minimum(values, limits[0]),
    "round": lambda values, limits: _half_up(values, limits[0] if limits else np.ones(1)),
}
NAMES: Final = frozenset(
    {*_OF_VALUES, *_LIMITED, "histogram_quantile", "label_replace", "scalar", "vector", "sort", "sort_desc"}
)


def called(name: str, arguments: Sequence[Value], regexes: Regexes) -> Value:
    """Return the value of a function in `NAMES`.

    Raises:
        QueryError: an argument is not valid.
    """
    match name, list(arguments):
        case "vector", [Scalar(values)]:
            return Vector([{}], values[np.newaxis], np.ones((1, len(values)), dtype=np.bool_))
        case "scalar", [Vector() as vector]:
            alone = vector.present.sum(axis=0) == 1
            return Scalar(np.where(alone, np.where(vector.present, vector.values, 0.0).sum(axis=0), np.nan))
        case "histogram_quantile", [Scalar(share), Vector() as vector]:
            return histogram_quantile(share, vector)
        case "label_replace", [Vector() as vector, str(to), str(replacement), str(source), str(pattern)]:
            new = regexes.replaced(pattern, replacement, [labels.get(source, "") for labels in vector.labels])
            return _relabelled(vector, to, source, new)
        case (("sort" | "sort_desc"), [Vector() as vector]):
            return _sorted(vector, descending=name == "sort_desc")
        case _, [Vector() as vector, *limits]:
            return _of_each(name, vector, [each.values for each in limits if isinstance(each, Scalar)])
    raise QueryError("bad_request", f"The arguments of {name} are not valid.", "See Prometheus's list of functions.")


def _of_each(name: str, vector: Vector, limits: Sequence[Floats]) -> Vector:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        of_limits = _LIMITED.get(name)
        values = _OF_VALUES[name](vector.values) if of_limits is None else of_limits(vector.values, limits)
    return vector.with_values(values)


def _relabelled(vector: Vector, to: str, source: str, new: Mapping[str, str]) -> Vector:
    """Return the series with a label `to`, whose value is `new` of the value of the label `source`, if that has one."""
    if not _LABEL.fullmatch(to):
        raise QueryError("bad_request", f"{to!r} is not the name of a label.", "Write letters, digits and _.")
    labels: list[Labels] = []
    for each in vector.labels:
        value = new.get(each.get(source, ""))
        changed = each if value is None else {**without(each, (to,)), **({to: value} if value else {})}
        labels.append(changed)
    return merged(labels, vector.values.copy(), vector.present.copy(), "label_replace makes several series with")


def _sorted(vector: Vector, *, descending: bool) -> Vector:
    """Return the series in the order of their last values."""
    last = np.where(vector.present[:, -1], vector.values[:, -1], np.nan)
    order = np.argsort(-last if descending else last, kind="stable")
    return Vector([vector.labels[row] for row in order], vector.values[order], vector.present[order])
