"""Boards and rules against the real Prometheus that has watched Pamazon: everything that is asked has an answer."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Final

import promql_parser as promql
import pytest

from benchmarks.watching import Stretch
from dashboards.boards import BOARDS
from dashboards.model import Board
from tests.stack import jaeger
from tests.stack.asked_boards import ALERTS, QUERIES, RECORDS, filled
from tests.stack.asking import eventually
from tests.stack.watched import PATIENCE, Watched

pytestmark = pytest.mark.timeout(PATIENCE)

STEP: Final = 2.0
"""Seconds between two values that are asked for."""
COMPARED: Final = {"==", "!=", "<", ">", "<=", ">="}


def asked(expr: str, board: Board, after: str = "") -> str:
    """What Grafana sends; what compares with `after` ago compares with half a minute ago."""
    expr = filled(expr, board, interval="15s", shown="5m")
    return expr.replace(f"offset {after}", "offset 30s") if after else expr


def answered(watched: Watched, expr: str, stretch: Stretch | None = None) -> list[list[float]]:
    """The values of each series, in an incident, or in all that was watched; none of them is not a number."""
    begin = watched.begin if stretch is None else stretch.begin
    found = watched.watching.query_range(expr, begin, watched.end, STEP)
    strange = [value for values in found for value in values if not math.isfinite(value)]
    assert strange == [], expr
    return found


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_of_every_panel_has_data(watched: Watched, name: str) -> None:
    """Some series, each with numbers; what has data only in an incident, in that incident."""
    board, _, query = QUERIES[name]
    stretch = watched.incidents[query.trouble] if query.trouble else None
    assert answered(watched, asked(query.expr, board, query.after), stretch) != [], query.expr


@pytest.mark.parametrize("name", [name for name, (_, _, query) in QUERIES.items() if query.exemplars])
def test_queries_with_exemplars_lead_to_traces(watched: Watched, name: str) -> None:
    """Each has some, and Jaeger knows the trace of one."""
    board, _, query = QUERIES[name]
    found = watched.watching.exemplars(asked(query.expr, board, query.after), watched.begin, watched.end)
    ids = [exemplar["trace_id"] for exemplar in found]
    assert ids != []
    assert eventually(partial(jaeger.count_spans, watched.stack, ids[-20:]))


@pytest.mark.parametrize("board", BOARDS, ids=[board.uid for board in BOARDS])
def test_variables_and_marks_have_values(watched: Watched, board: Board) -> None:
    """Each choice above a board has something to choose; new versions are drawn, firing alerts were there."""
    for variable in board.variables:
        expr = f"count by ({variable.label}) ({asked(variable.series, board)})"
        assert answered(watched, expr) != [], variable.name
    for mark in board.marks:
        assert answered(watched, asked(mark.expr, board)) != [], mark.title


@pytest.mark.parametrize("name", RECORDS)
def test_every_recorded_series_has_data(watched: Watched, name: str) -> None:
    """By its name and labels; none is not a number."""
    record = RECORDS[name]
    labels = ", ".join(f'{key}="{value}"' for key, value in record.labels.items())
    assert answered(watched, f"{record.name}{{{labels}}}") != []


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_compares_what_is_there(watched: Watched, name: str) -> None:
    """An alert's expression without its comparisons has data: it is quiet since all is well, not since it is blind."""
    alert = ALERTS[name]
    compared = list(sides(promql.parse(alert.expr)))
    assert compared != []
    for expressions in compared:
        assert any(answered(watched, each) for each in expressions), expressions


def sides(expr: promql.Expr) -> Iterator[list[str]]:
    """Yield what an expression compares and combines, each as its alternatives; not what `unless` takes away.

    `>= 0` stays: it is there so that percentiles of nothing have no value.
    """
    if isinstance(expr, promql.ParenExpr) or (isinstance(expr, promql.AggregateExpr) and compares(expr.expr)):
        yield from sides(expr.expr)
    elif isinstance(expr, promql.BinaryExpr) and str(expr.op) == "or":
        yield [side for part in (expr.lhs, expr.rhs) for alternatives in sides(part) for side in alternatives]
    elif isinstance(expr, promql.BinaryExpr) and str(expr.op) == "unless":
        yield from sides(expr.lhs)
    elif isinstance(expr, promql.BinaryExpr) and compares(expr):
        for part in (expr.lhs, expr.rhs):
            yield from sides(part)
    elif not isinstance(expr, promql.NumberLiteral):
        yield [str(expr)]


def compares(expr: promql.Expr) -> bool:
    """Whether an expression is a comparison, or several that are combined."""
    if isinstance(expr, promql.ParenExpr):
        return compares(expr.expr)
    if not isinstance(expr, promql.BinaryExpr) or (str(expr.op) == ">=" and str(expr.rhs) == "0"):
        return False
    return str(expr.op) in {*COMPARED, "and"}


def test_nothing_fires_while_all_is_well(watched: Watched) -> None:
    """No alert of any severity, in a minute that is twenty of the real windows."""
    assert [(fired.name, dict(fired.labels)) for fired in watched.healthy.fired] == []


def test_an_incident_fires_its_alert(watched: Watched) -> None:
    """See `benchmarks.incident_alerts`, which plays all of them."""
    from benchmarks.incident_alerts import EXPECTED, faults

    for name, stretch in watched.incidents.items():
        assert faults(stretch, EXPECTED[name]) == []
