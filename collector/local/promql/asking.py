"""Answers a query at one time or over a range, in the shape of Prometheus's HTTP API.

In: a connection to the store, a query, times in milliseconds. Out: `data`. State: none.
"""

import math
from typing import Any, Final

import numpy as np
from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.promql.evaluating import MOST_STEPS, Evaluator, selectors_of, shortest_window, spans_of
from collector.local.promql.parsing import parsed, unsupported
from collector.local.promql.reading import Reader
from collector.local.promql.vectors import Scalar, Times, Value, Vector

MOST_ANSWERED: Final = 200_000
"""Values in an answer."""

Data = dict[str, Any]


def instant(connection: DuckDBPyConnection, query: str, at_ms: int) -> Data:
    """Return the answer at one time.

    Raises:
        QueryError: the query is not valid or not supported, or asks for too much.
    """
    steps = np.array([at_ms], dtype=np.int64)
    value = _evaluated(connection, query, steps)
    when = at_ms / 1000
    if isinstance(value, Scalar):
        return {"resultType": "scalar", "result": [when, number(value.values[0])]}
    if isinstance(value, str):
        return {"resultType": "string", "result": [when, value]}
    if not isinstance(value, Vector):
        raise unsupported("A range vector as the answer")
    result = [
        {"metric": labels, "value": [when, number(values[0])]}
        for labels, values, present in zip(value.labels, value.values, value.present, strict=True)
        if present[0]
    ]
    return {"resultType": "vector", "result": result}


def over_range(connection: DuckDBPyConnection, query: str, start_ms: int, end_ms: int, step_ms: int) -> Data:
    """Return the answer at each step from `start_ms` until `end_ms`, inclusive.

    Raises:
        QueryError: the query is not valid or not supported, or asks for too much.
    """
    if step_ms <= 0 or end_ms < start_ms:
        raise QueryError("bad_request", "The range has no step.", "end is after start, and step above 0.")
    if (end_ms - start_ms) // step_ms >= MOST_STEPS:
        raise QueryError("bad_request", f"The range has more than {MOST_STEPS} steps.", "Ask for a longer step.")
    steps = np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64)
    value = _evaluated(connection, query, steps)
    if isinstance(value, Scalar):
        value = Vector([{}], value.values[np.newaxis], np.ones((1, len(steps)), dtype=np.bool_))
    if not isinstance(value, Vector):
        raise unsupported("Anything but a vector or a number over a range")
    if value.present.sum() > MOST_ANSWERED:
        raise QueryError("bad_request", f"The answer has more than {MOST_ANSWERED} values.", "Aggregate its series.")
    ordered = sorted(range(len(value.labels)), key=lambda row: sorted(value.labels[row].items()))
    result = [
        {"metric": value.labels[row], "values": _values(steps[held], value.values[row][held])}
        for row in ordered
        if (held := value.present[row]).any()
    ]
    return {"resultType": "matrix", "result": result}


def _evaluated(connection: DuckDBPyConnection, query: str, steps: Times) -> Value:
    node = parsed(query)
    reader = Reader(connection, spans_of(node, steps), selectors_of(node), shortest_window(node))
    return Evaluator(reader).evaluate(node, steps)


def _values(steps: Times, values: Any) -> list[list[Any]]:
    return [[step / 1000, number(value)] for step, value in zip(steps.tolist(), values.tolist(), strict=True)]


def number(value: float) -> str:
    """Return a number as Prometheus's answers have it, with ten digits at most: a chart shows three."""
    if math.isfinite(value):
        return f"{value:.10g}"
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
