"""Binary operators between vectors and numbers, with the matching of their series.

In: two values, how they are matched. Out: a value. State: none.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import promql_parser as promql

from collector.local.errors import QueryError
from collector.local.promql.parsing import unsupported
from collector.local.promql.vectors import (
    NAME,
    Bools,
    Floats,
    Key,
    Labels,
    Scalar,
    Vector,
    empty,
    key,
    merged,
    only,
    stacked,
    without,
    written,
)

_Operator = Callable[[Any, Any], Any]

_ARITHMETIC: Final[Mapping[str, _Operator]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.fmod, "^": np.power, "atan2": np.arctan2,
}  # fmt: skip
_COMPARISONS: Final[Mapping[str, _Operator]] = {
    "==": np.equal, "!=": np.not_equal, "<": np.less, ">": np.greater, "<=": np.less_equal, ">=": np.greater_equal,
}  # fmt: skip
_SETS: Final = frozenset({"and", "or", "unless"})


def combined(node: Any, left: Vector | Scalar, right: Vector | Scalar) -> Vector | Scalar:
    """Return the value of a parsed binary expression, by the values of its sides.

    Raises:
        QueryError: it is not supported, or several series of the one side match.
    """
    operator, modifier = str(node.op), node.modifier
    if operator not in {*_ARITHMETIC, *_COMPARISONS, *_SETS}:
        raise unsupported(f"The operator {operator}")
    if modifier is not None and (modifier.fill_values.lhs is not None or modifier.fill_values.rhs is not None):
        raise unsupported("fill")
    flagged = modifier is not None and modifier.return_bool
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            return Scalar(np.asarray(_apply(operator, left.values, right.values), dtype=np.float64))
        if isinstance(left, Scalar) or isinstance(right, Scalar):
            return _with_number(operator, left, right, flagged)
        if operator in _SETS:
            return _set(operator, _Matching(modifier), left, right)
        return _joined(operator, modifier, left, right, flagged)


def _apply(operator: str, left: Any, right: Any) -> Any:
    return (_ARITHMETIC.get(operator) or _COMPARISONS[operator])(left, right)


def _with_number(operator: str, left: Vector | Scalar, right: Vector | Scalar, flagged: bool) -> Vector:
    vector = left if isinstance(left, Vector) else right
    assert isinstance(vector, Vector)  # noqa: S101 (for the type checker)
    result = _apply(operator, left.values, right.values)
    if operator in _ARITHMETIC or flagged:
        return vector.with_values(result.astype(np.float64))
    return vector.where(result)


class _Matching:
    """Matches the series of two sides by their labels."""

    def __init__(self, modifier: Any) -> None:
        matching = None if modifier is None else modifier.matching
        self._names: list[str] = [] if matching is None else list(matching.labels)
        self.on = matching is not None and matching.type == promql.LabelModifierType.Include

    def labels(self, labels: Labels) -> Labels:
        """Return the labels that both sides share."""
        return only(labels, self._names) if self.on else without(labels, (*self._names, NAME))

    def rows(self, vector: Vector) -> dict[Key, list[int]]:
        """Return the rows of a vector by those labels."""
        found: dict[Key, list[int]] = {}
        for row, labels in enumerate(vector.labels):
            found.setdefault(key(self.labels(labels)), []).append(row)
        return found


def _set(operator: str, matching: _Matching, left: Vector, right: Vector) -> Vector:
    if operator == "or":
        lefts = matching.rows(left)
        covered = np.zeros_like(right.present)
        for name, rows in matching.rows(right).items():
            if name in lefts:
                covered[rows] = left.present[lefts[name]].any(axis=0)
        return stacked([left, right.where(~covered)], left.values.shape[1])
    rights = matching.rows(right)
    held = np.zeros_like(left.present)
    for name, rows in matching.rows(left).items():
        if name in rights:
            held[rows] = right.present[rights[name]].any(axis=0)
    return left.where(held if operator == "and" else ~held)


def _joined(operator: str, modifier: Any, left: Vector, right: Vector, flagged: bool) -> Vector:
    """Return the result for each pair of matching series."""
    cardinality = promql.VectorMatchCardinality
    card = cardinality.OneToOne if modifier is None else modifier.card
    swapped = card == cardinality.OneToMany
    many, one = (right, left) if swapped else (left, right)
    matching = _Matching(modifier)
    ones = matching.rows(one)
    if card == cardinality.OneToOne:
        _check_one(many, matching.rows(many), "left")
    _check_one(one, ones, "left" if swapped else "right")
    taken = () if modifier is None or card == cardinality.OneToOne else tuple(modifier.group_labels or ())
    labels: list[Labels] = []
    values: list[Floats] = []
    present: list[Bools] = []
    for row, each in enumerate(many.labels):
        for other in ones.get(key(matching.labels(each)), ()):
            mine, theirs = many.values[row], one.values[other]
            result = _apply(operator, theirs, mine) if swapped else _apply(operator, mine, theirs)
            both = many.present[row] & one.present[other]
            if operator in _COMPARISONS and not flagged:
                both, result = both & result, (theirs if swapped else mine)
            if not both.any():
                continue
            named = _result_labels(each, one.labels[other], matching, taken, card == cardinality.OneToOne)
            labels.append(named if operator in _COMPARISONS and not flagged else without(named, (NAME,)))
            values.append(np.asarray(result, dtype=np.float64))
            present.append(both)
    if not labels:
        return empty(left.values.shape[1])
    return merged(labels, np.array(values), np.array(present), "Several results have the labels")


def _result_labels(many: Labels, one: Labels, matching: _Matching, taken: tuple[str, ...], alone: bool) -> Labels:
    if alone:
        return matching.labels(many)
    kept = without(many, taken)
    return {**kept, **only(one, taken)}


def _check_one(vector: Vector, rows: dict[Key, list[int]], side: str) -> None:
    """Raise `QueryError` if several series of a side match the same one at a step."""
    for same in rows.values():
        if len(same) > 1 and (vector.present[same].sum(axis=0) > 1).any():
            first, second = (written(vector.labels[row]) for row in same[:2])
            raise QueryError(
                "bad_request",
                f"Several series on the {side} match one of the other side: {first} and {second}.",
                "Match by more labels, or write group_left or group_right.",
            )
