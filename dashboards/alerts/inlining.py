"""Writes queries of recorded series as queries of what the rules record them from.

In: PromQL. Out: PromQL without recorded series, for a store that evaluates no rules. State: none. Conditions on a
recorded series are kept: those on a label that its rule gives decide which rules are meant, the others stand at the
rule's own series. An `offset` goes there, too.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, Final

import promql_parser as promql

from dashboards.alerts.rendering import groups
from dashboards.alerts.rule import Record

_CHOSEN: Final = "$"
"""In the value of a condition that a board's variable decides."""
_NOTHING: Final = "vector(0) unless vector(0)"


def inlined(query: str) -> str:
    """Return a query without recorded series; one that has none stays as it is."""
    if not any(name in query for name in _records()):
        return query
    return _written(promql.parse(query), (), timedelta(0))


@cache
def _records() -> Mapping[str, tuple[Record, ...]]:
    """Return the rules by the name of the series that they record."""
    found: dict[str, list[Record]] = {}
    for group in groups():
        for rule in group.rules:
            if isinstance(rule, Record):
                found.setdefault(rule.name, []).append(rule)
    return {name: tuple(rules) for name, rules in found.items()}


def _written(node: Any, conditions: Sequence[Any], offset: timedelta) -> str:  # noqa: PLR0911 (one for each kind)
    """Return an expression with more conditions on its series, and another offset."""
    match node:
        case promql.VectorSelector():
            return _selector(node, conditions, offset)
        case promql.MatrixSelector():
            return (
                f"{_own(node.vector_selector, conditions)}{_range(node.range)}{_offset(node.vector_selector, offset)}"
            )
        case promql.SubqueryExpr():
            inner = _written(node.expr, conditions, timedelta(0))
            return f"({inner}){_range(node.range, node.step)}{_offset(node, offset)}"
        case promql.BinaryExpr():
            left = _written(node.lhs, conditions, offset)
            right = _written(node.rhs, _shared(node.modifier, conditions), offset)
            modifier = f" {node.modifier}" if node.modifier is not None and str(node.modifier) else ""
            return f"({left} {node.op}{modifier} {right})"
        case promql.AggregateExpr():
            inner = _written(node.expr, conditions, offset)
            parameter = f"{node.param}, " if node.param is not None else ""
            return f"{node.op}{f' {node.modifier} ' if node.modifier is not None else ''}({parameter}{inner})"
        case promql.Call():
            return f"{node.func.name}({', '.join(_written(each, conditions, offset) for each in node.args)})"
        case promql.ParenExpr():
            return f"({_written(node.expr, conditions, offset)})"
        case promql.UnaryExpr():
            return f"-{_written(node.expr, conditions, offset)}"
    return str(node)


def _shared(modifier: Any, conditions: Sequence[Any]) -> Sequence[Any]:
    """Return the conditions that hold for the other side of an operator too: on labels by which both are matched."""
    if modifier is None or modifier.matching is None or modifier.matching.type != promql.LabelModifierType.Include:
        return conditions
    return [each for each in conditions if each.name in modifier.matching.labels]


def _selector(selector: Any, conditions: Sequence[Any], offset: timedelta) -> str:
    rules = _records().get(selector.name or "")
    if rules is None:
        return f"{_own(selector, conditions)}{_offset(selector, offset)}"
    wanted = [*selector.matchers.matchers, *conditions]
    moved = offset + (selector.offset or timedelta(0))
    found = []
    for rule in rules:
        if all(_may_match(each, rule) for each in wanted):
            left = [each for each in wanted if each.name not in rule.labels or _CHOSEN in each.value]
            expr = _written(promql.parse(rule.expr), left, moved)
            for label, value in rule.labels.items():
                if f'{label}="{value}"' not in rule.expr:  # else its series have it already
                    expr = f'label_replace({expr}, "{label}", "{value}", "", "")'
            found.append(expr)
    return f"({' or '.join(found)})" if found else f"({_NOTHING})"


def _may_match(matcher: Any, rule: Record) -> bool:
    """Whether a condition holds for the labels that a rule gives, as far as that is decided here."""
    if matcher.name not in rule.labels or _CHOSEN in matcher.value:
        return True
    value = rule.labels[matcher.name]
    regular = matcher.op in (promql.MatchOp.Re, promql.MatchOp.NotRe)
    matches = bool(re.fullmatch(matcher.value, value)) if regular else matcher.value == value
    return matches is (matcher.op in (promql.MatchOp.Equal, promql.MatchOp.Re))


def _own(selector: Any, conditions: Sequence[Any]) -> str:
    """Return a selector of series that are not recorded, with more conditions, and without its offset."""
    matchers = dict.fromkeys(str(each) for each in (*selector.matchers.matchers, *conditions))
    return f"{selector.name or ''}{{{', '.join(matchers)}}}"


def _range(*durations: timedelta | None) -> str:
    """Return a range; of a subquery with its step."""
    return f"[{':'.join('' if each is None else promql.display_duration(each) for each in durations)}]"


def _offset(node: Any, more: timedelta) -> str:
    offset = (node.offset or timedelta(0)) + more
    return f" offset {promql.display_duration(offset)}" if offset else ""
