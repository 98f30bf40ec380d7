"""The part of Sentry's search syntax that our boards use: `key:value`, `key:[a,b]`, `key:>=1`, `has:key`, `!` for not.

In: a query, a row. Out: whether the row matches. Anything else is refused, so that no mistake passes for an answer.
"""

import operator
import re
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
TERM = re.compile(
    r"(?P<no>!?)(?P<key>has|tags\[[\w.]+,(?:number|boolean)\]|[\w.]+):"
    r"(?P<value>\[[^\]\s]+\]|[<>]=?[\d.]+|tags\[[\w.]+,(?:number|boolean)\]|[^\s\[\]<>]+)"
)
COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


class Refused(ValueError):
    """A query that Sentry would answer with 400, or that is not supported here."""


def matcher(query: str) -> Callable[[Row], bool]:
    """Return what tells whether a row matches."""
    terms = []
    for word in query.split():
        if not (found := TERM.fullmatch(word)):
            raise Refused(f"not understood: {word}")
        terms.append((bool(found["no"]), _term(found["key"], found["value"])))
    return lambda row: all(test(row) != negated for negated, test in terms)


def _term(key: str, value: str) -> Callable[[Row], bool]:
    if key == "has":
        return lambda row: row.get(value) is not None
    if value[0] == "[":
        wanted = {_literal(key, each) for each in value[1:-1].split(",")}
        return lambda row: row.get(key) in wanted
    if value[0] in "<>":
        sign = re.match("[<>]=?", value)
        assert sign
        limit, compare = float(value[sign.end() :]), COMPARE[sign[0]]
        return lambda row: row.get(key) is not None and compare(row[key], limit)
    literal = _literal(key, value)
    return lambda row: row.get(key) == literal


def _literal(key: str, text: str) -> object:
    if key.endswith(",boolean]"):
        if text not in {"true", "false"}:
            raise Refused(f"{key} is true or false, not {text}")
        return text == "true"
    return float(text) if key.endswith(",number]") else text
