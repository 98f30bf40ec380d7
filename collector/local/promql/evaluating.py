"""Evaluates a parsed query for all its steps at once.

In: an expression, a `Reader`, the times of the steps. Out: a value. State: none of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import promql_parser as promql

from collector.local.errors import QueryError
from collector.local.promql import functions, windows
from collector.local.promql.aggregating import aggregated
from collector.local.promql.matching import Matcher, matchers_of
from collector.local.promql.operators import combined
from collector.local.promql.parsing import check_no_at, milliseconds, unsupported
from collector.local.promql.reading import Reader, Span
from collector.local.promql.vectors import NAME, Scalar, Times, Value, Vector, Windows, stacked, windows_of, without

LOOKBACK: Final = 300_000
"""Milliseconds for which a sample is the present value, as in Prometheus."""
MOST_STEPS: Final = 11_000
"""The most steps of a query, as in Prometheus."""
_MOST_INNER: Final = 100_000
"""Steps of a subquery, over the whole time."""
_INNER: Final = 60_000
"""Milliseconds between the steps of a subquery that names none."""


def spans_of(node: Any, steps: Times) -> list[Span]:
    """Return the times that a query looks at, those that overlap together."""
    spans: list[Span] = []
    for begin, end in sorted(_looked_at(node, int(steps[0]), int(steps[-1]))):
        if spans and begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((begin, end))
    return spans


def _looked_at(node: Any, begin: int, end: int) -> Iterator[Span]:
    if isinstance(node, promql.VectorSelector):
        offset = milliseconds(node.offset)
        yield begin - offset - LOOKBACK, end - offset
    elif isinstance(node, promql.MatrixSelector):
        offset = milliseconds(node.vector_selector.offset)
        yield begin - offset - milliseconds(node.range), end - offset
    elif isinstance(node, promql.SubqueryExpr):
        offset = milliseconds(node.offset)
        yield from _looked_at(node.expr, begin - offset - milliseconds(node.range), end - offset)
    else:
        for child in _children(node):
            yield from _looked_at(child, begin, end)


def shortest_window(node: Any) -> int:
    """Return the shortest window of a query in milliseconds; of a selector without one, how far it looks back."""
    if isinstance(node, promql.MatrixSelector):
        return milliseconds(node.range)
    windows_below = [shortest_window(child) for child in _children(node)]
    return min([LOOKBACK, *windows_below])


def _children(node: Any) -> list[Any]:
    if isinstance(node, promql.BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, promql.AggregateExpr):
        return [node.expr] if node.param is None else [node.expr, node.param]
    if isinstance(node, promql.Call):
        return list(node.args)
    return [node.expr] if isinstance(node, promql.ParenExpr | promql.UnaryExpr | promql.SubqueryExpr) else []


def selectors_of(node: Any) -> list[list[Matcher]]:
    """Return the conditions of each selector in a query."""
    if isinstance(node, promql.VectorSelector):
        return [matchers_of(node)]
    if isinstance(node, promql.MatrixSelector):
        return [matchers_of(node.vector_selector)]
    return [found for child in _children(node) for found in selectors_of(child)]


class Evaluator:
    """Evaluates expressions with the series of one reader."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._called: dict[tuple[str, int, int], Vector] = {}
        self._by_kind: Mapping[type, Callable[[Any, Times], Value]] = {
            promql.NumberLiteral: lambda node, steps: Scalar(np.full(len(steps), node.val)),
            promql.StringLiteral: lambda node, _: str(node.val),
            promql.ParenExpr: lambda node, steps: self.evaluate(node.expr, steps),
            promql.UnaryExpr: self._negated,
            promql.VectorSelector: lambda node, steps: self._instant(node, steps, of_time=False),
            promql.MatrixSelector: self._range,
            promql.SubqueryExpr: self._subquery,
            promql.Call: self._call,
            promql.AggregateExpr: self._aggregate,
            promql.BinaryExpr: self._binary,
        }

    def evaluate(self, node: Any, steps: Times) -> Value:
        """Return the value of an expression at each step.

        Raises:
            QueryError: a part of it is not supported, or does not fit the data.
        """
        kind = self._by_kind.get(type(node))
        if kind is None:
            raise unsupported(f"{type(node).__name__}")
        return kind(node, steps)

    def _negated(self, node: Any, steps: Times) -> Value:
        value = self.evaluate(node.expr, steps)
        if isinstance(value, Vector):
            return value.with_values(-value.values)
        if isinstance(value, Scalar):
            return Scalar(-value.values)
        raise unsupported("A minus before this")

    def _instant(self, node: Any, steps: Times, *, of_time: bool) -> Vector:
        """Return the last sample of each series, or its time, at most five minutes before each step."""
        check_no_at(node)
        steps = steps - milliseconds(node.offset)
        parts = []
        for samples in self._reader.select(matchers_of(node)):
            if not len(samples.times):
                continue
            last = np.searchsorted(samples.times, steps, side="right") - 1
            place = np.maximum(last, 0)
            found = (last >= 0) & (samples.times[place] > steps - LOOKBACK)
            labels = [without(each, (NAME,)) for each in samples.labels] if of_time else samples.labels
            values = samples.values[:, place]
            if of_time:
                values = np.broadcast_to(samples.times[place] / 1000, values.shape)
            parts.append(Vector(labels, values, np.array(np.broadcast_to(found, values.shape))))
        return stacked(parts, len(steps)).where(np.ones(len(steps), dtype=np.bool_))

    def _range(self, node: Any, steps: Times) -> Windows:
        check_no_at(node.vector_selector)
        moved = steps - milliseconds(node.vector_selector.offset)
        return Windows(self._reader.select(matchers_of(node.vector_selector)), moved, milliseconds(node.range))

    def _subquery(self, node: Any, steps: Times) -> Windows:
        check_no_at(node)
        length, step = milliseconds(node.range), milliseconds(node.step) or _INNER
        moved = steps - milliseconds(node.offset)
        begin = (int(moved[0]) - length) // step * step + step
        number = (int(moved[-1]) - begin) // step + 1
        if number > _MOST_INNER:
            raise QueryError("bad_request", f"A subquery has {number} steps.", f"At most {_MOST_INNER}.")
        inner = np.arange(begin, int(moved[-1]) + 1, step, dtype=np.int64)
        value = self.evaluate(node.expr, inner) if len(inner) else None
        if isinstance(value, Vector):
            return windows_of(value, inner, moved, length)
        if value is None:
            return Windows([], moved, length)
        raise unsupported("A subquery of this")

    def _call(self, node: Any, steps: Times) -> Value:
        name = node.func.name
        if name == "time":
            return Scalar(steps / 1000)
        if name == "timestamp":
            selector = node.args[0]
            while isinstance(selector, promql.ParenExpr):
                selector = selector.expr
            if isinstance(selector, promql.VectorSelector):
                return self._instant(selector, steps, of_time=True)
            value = self.evaluate(selector, steps)
            if isinstance(value, Vector):
                return value.with_values(np.broadcast_to(steps / 1000, value.values.shape))
        elif name in windows.FUNCTIONS:
            return self._of_windows(name, node, steps)
        elif name in functions.NAMES:
            arguments = [self.evaluate(each, steps) for each in node.args]
            return functions.called(name, arguments, self._reader.regexes)
        raise unsupported(f"The function {name}")

    def _of_windows(self, name: str, node: Any, steps: Times) -> Vector:
        """Return the value of a function of a range vector, which is evaluated once however often it is written."""
        written = (str(node), int(steps[0]), len(steps))
        if written not in self._called:
            value = self.evaluate(node.args[0], steps)
            if not isinstance(value, Windows):
                raise unsupported(f"{name} of this")
            self._called[written] = windows.FUNCTIONS[name](value)
        return self._called[written]

    def _aggregate(self, node: Any, steps: Times) -> Vector:
        value = self.evaluate(node.expr, steps)
        parameter = None if node.param is None else self.evaluate(node.param, steps)
        if isinstance(value, Vector) and isinstance(parameter, Scalar | None):
            return aggregated(node, value, parameter)
        raise unsupported(f"The aggregation {node.op} of this")

    def _binary(self, node: Any, steps: Times) -> Value:
        left, right = self.evaluate(node.lhs, steps), self.evaluate(node.rhs, steps)
        if isinstance(left, Vector | Scalar) and isinstance(right, Vector | Scalar):
            return combined(node, left, right)
        raise unsupported(f"The operator {node.op} between these")
