"""Whether an expression parses, asks for series that there are, and uses labels that they have.

In: an expression, as on a board or in a rule. Out: what is wrong, and the labels of its answer. State: none.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import promql_parser

Series = Mapping[str, frozenset[str]]
"""From the name of a series to its labels."""

_PLACES: Final = {"$__rate_interval": "1m", "$__range": "1h", "$__interval": "1m"}


def substituted(expression: str) -> str:
    """Return an expression with durations in place of Grafana's; other variables stand inside of texts."""
    for place, duration in _PLACES.items():
        expression = expression.replace(place, duration)
    return expression


@dataclass
class Answer:
    """What is known of an expression without asking for it: what is wrong with it, and its answer's labels."""

    wrong: list[str] = field(default_factory=list)
    labels: frozenset[str] = frozenset()


def read(expression: str, known: Series) -> Answer:
    """Return what is wrong with an expression, and the labels that its answer may have."""
    try:
        parsed = promql_parser.parse(substituted(expression))
    except ValueError as failure:
        return Answer([f"does not parse: {failure}"])
    answer = Answer()
    answer.labels = _Reader(known, answer.wrong).labels(parsed)
    return answer


def names(selector: Any, known: Series) -> list[str]:
    """Return the names of the series that a parsed selector selects; its regular expression, if no name is like it."""
    if selector.name:
        return [selector.name]
    (wanted,) = [each.value for each in selector.matchers.matchers if each.name == "__name__"] or [""]
    if re.fullmatch(r"[\w:|]+", wanted):
        return list(wanted.split("|"))
    return [name for name in known if re.fullmatch(wanted, name)] or [wanted]


def selectors(expression: str) -> list[Any]:
    """Return the parsed selectors of an expression, which has to parse."""
    found: list[Any] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        elif isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        return True

    promql_parser.walk(promql_parser.parse(substituted(expression)), visit)
    return found


class _Reader:
    """Follows labels from the series to the answer."""

    def __init__(self, known: Series, wrong: list[str]) -> None:
        self._known = known
        self._wrong = wrong

    def labels(self, node: Any) -> frozenset[str]:
        """Return the labels that a part's answer may have."""
        readers: dict[type, Callable[[Any], frozenset[str]]] = {
            promql_parser.VectorSelector: self._selected,
            promql_parser.MatrixSelector: lambda node: self._selected(node.vector_selector),
            promql_parser.AggregateExpr: self._aggregated,
            promql_parser.BinaryExpr: self._combined,
            promql_parser.Call: self._called,
            promql_parser.NumberLiteral: lambda _: frozenset(),
            promql_parser.StringLiteral: lambda _: frozenset(),
        }
        return readers.get(type(node), lambda node: self.labels(node.expr))(node)

    def _selected(self, selector: Any) -> frozenset[str]:
        wanted = names(selector, self._known)
        labels: frozenset[str] = frozenset()
        for name in wanted:
            if name not in self._known:
                self._wrong.append(f"no such series: {name}")
                continue
            labels |= self._known[name]
            self._wrong += [
                f"{name} has no label {matcher.name}"
                for matcher in selector.matchers.matchers
                if matcher.name not in {*self._known[name], "__name__"}
            ]
        return labels

    def _aggregated(self, node: Any) -> frozenset[str]:
        inner = self.labels(node.expr)
        if node.param is not None:
            self.labels(node.param)
        if str(node.op) in {"topk", "bottomk", "limitk", "limit_ratio"}:
            return inner
        if node.modifier is None:
            return frozenset()
        by = frozenset(node.modifier.labels)
        if node.modifier.type == promql_parser.AggModifierType.Without:
            return inner - by
        self._has(inner, by, "grouped by")
        return by

    def _combined(self, node: Any) -> frozenset[str]:
        left, right = self.labels(node.lhs), self.labels(node.rhs)
        on = self._matched(node.modifier, left, right)
        if isinstance(node.lhs, promql_parser.NumberLiteral):
            return right
        if isinstance(node.rhs, promql_parser.NumberLiteral) or str(node.op) in {"and", "unless"}:
            return left
        if str(node.op) == "or":
            return left | right
        return self._joined(node.modifier, left, right) or on

    def _matched(self, modifier: Any, left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
        """Return the labels by which both sides are matched."""
        if modifier is None or modifier.matching is None:
            return left | right
        wanted = frozenset(modifier.matching.labels)
        if modifier.matching.type == promql_parser.LabelModifierType.Exclude:
            return (left | right) - wanted
        self._has(left, wanted, "matched on")
        self._has(right, wanted, "matched on")
        return wanted

    def _joined(self, modifier: Any, left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
        """Return the labels after `group_left` or `group_right`; none without them."""
        many = promql_parser.VectorMatchCardinality
        if modifier is None or modifier.card not in (many.ManyToOne, many.OneToMany):
            return frozenset()
        all_of, one = (left, right) if modifier.card == many.ManyToOne else (right, left)
        taken = frozenset(modifier.group_labels or ())
        self._has(one, taken, "taken")
        return all_of | taken

    def _called(self, call: Any) -> frozenset[str]:
        labels = [self.labels(argument) for argument in call.args]
        inner = labels[-1] if call.func.name == "histogram_quantile" else frozenset[str]().union(*labels)
        if call.func.name == "histogram_quantile":
            self._has(inner, frozenset({"le"}), "needed for a percentile")
            return inner - {"le"}
        if call.func.name == "label_replace":
            self._has(inner, frozenset({call.args[3].val}), "replaced from")
            return inner | {call.args[1].val}
        if call.func.name in {"scalar", "vector", "time"}:
            return frozenset()
        return inner

    def _has(self, labels: frozenset[str], wanted: frozenset[str], why: str) -> None:
        self._wrong += [f"{why} {each}, a label that the series do not have" for each in sorted(wanted - labels)]


PLACES_OF_LABELS: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}|\$\{__(?:field\.labels|data\.fields)\.(\w+)\}")
"""A label in the name of a series, or in a link."""


def labels_in(text: str) -> set[str]:
    """Return the labels whose values a text has places for."""
    return {first or second for first, second in PLACES_OF_LABELS.findall(text)}
