"""Which series a selector selects: label matchers, with regular expressions in linear time.

In: matchers of a parsed selector, labels. Out: whether they match. State: a connection to DuckDB, whose regular
expressions are RE2's, as Prometheus's are: Python's may take forever on one that is meant to.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import promql_parser as promql
from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.promql.vectors import NAME, Labels

_MATCHING: Final = "SELECT value FROM (SELECT unnest(?::VARCHAR[]) AS value) WHERE regexp_full_match(value, ?, 's')"
_REPLACED: Final = "SELECT value, regexp_replace(value, ?, ?, 's') FROM (SELECT unnest(?::VARCHAR[]) AS value)"
_PLAIN: Final = re.compile(r"[\w /:-]*")
_GROUP: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+)|(\$))")


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; a label that a series does not have is the empty text."""

    label: str
    value: str
    regular: bool
    negated: bool


def matchers_of(selector: Any) -> list[Matcher]:
    """Return the conditions of a parsed selector, the one on its name first.

    Raises:
        QueryError: it has alternatives by `or`.
    """
    if selector.matchers.or_matchers:
        raise QueryError("bad_request", "`or` between label matchers is not supported.", "Join two selectors by `or`.")
    found = [Matcher(NAME, selector.name, regular=False, negated=False)] if selector.name else []
    for each in selector.matchers.matchers:
        regular = each.op in (promql.MatchOp.Re, promql.MatchOp.NotRe)
        negated = each.op in (promql.MatchOp.NotEqual, promql.MatchOp.NotRe)
        found.append(Matcher(each.name, each.value, regular, negated))
    return found


class Regexes:
    """Regular expressions on values of labels."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection
        self._known: dict[str, dict[str, bool]] = {}

    def selected(self, labels: Sequence[Labels], matchers: Iterable[Matcher]) -> list[int]:
        """Return the positions of the labels that all matchers match.

        Raises:
            QueryError: a regular expression is not valid.
        """
        rows = list(range(len(labels)))
        for matcher in matchers:
            held = [labels[row].get(matcher.label, "") for row in rows]
            matching = self._matching(matcher, held)
            rows = [row for row, value in zip(rows, held, strict=True) if (value in matching) is not matcher.negated]
        return rows

    def _matching(self, matcher: Matcher, values: Iterable[str]) -> set[str]:
        if not matcher.regular or _PLAIN.fullmatch(matcher.value):
            return {matcher.value}
        distinct = set(values)
        if matcher.value == ".*":
            return distinct
        known = self._known.setdefault(matcher.value, {})
        if new := sorted(distinct - known.keys()):
            matching = {row[0] for row in self._asked(matcher.value, _MATCHING, [new, matcher.value])}
            known.update((value, value in matching) for value in new)
        return {value for value in distinct if known[value]}

    def replaced(self, pattern: str, replacement: str, values: Iterable[str]) -> dict[str, str]:
        """Return each value that a regular expression matches as a whole, with what its groups make of `replacement`.

        Raises:
            QueryError: the regular expression is not valid, or the replacement names a group.
        """
        distinct = set(values)
        matching = self._matching(Matcher("", pattern, regular=True, negated=False), distinct) & distinct
        if not matching:
            return {}
        if not _GROUP.search(replacement):
            return dict.fromkeys(matching, replacement)
        parameters = [f"^(?:{pattern})$", _rewrite(replacement), sorted(matching)]
        return dict(self._asked(pattern, _REPLACED, parameters))

    def _asked(self, pattern: str, sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except duckdb.InvalidInputException as error:
            raise QueryError(
                "bad_request",
                f"{pattern!r} is not a regular expression of RE2.",
                "See github.com/google/re2/wiki/Syntax.",
            ) from error


def _rewrite(replacement: str) -> str:
    """Return a replacement that names groups as RE2 does, with a backslash in place of `$`."""

    def group(found: re.Match[str]) -> str:
        if found[3]:
            return "$"
        name = found[1] or found[2]
        if not name.isdecimal() or int(name) > 9:
            raise QueryError("bad_request", f"label_replace by ${name} is not supported.", "Name groups $1 to $9.")
        return f"\\{name}"

    return _GROUP.sub(group, replacement.replace("\\", r"\\"))
