"""Parses queries, and says what of PromQL is not supported.

In: the text of a query. Out: the parsed expression. State: the last parsed queries.
"""

import re
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import promql_parser as promql

from collector.local.errors import QueryError

MOST_CHARACTERS: Final = 50_000
MOST_NESTED: Final = 100
"""Brackets inside of each other: the parser's time grows with the square of their number."""
MOST_OPERATORS: Final = 400
LONGEST: Final = timedelta(days=36_500)
"""The longest range or offset."""

_NOT_CODE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`|#[^\n]*', re.DOTALL)
_OPERATORS: Final = re.compile(r"[-+*/%^<>]|[=!]=|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)


@lru_cache(maxsize=256)
def parsed(query: str) -> Any:
    """Return the parsed query.

    Raises:
        QueryError: it does not parse, or is too long.
    """
    if len(query) > MOST_CHARACTERS:
        raise QueryError("bad_request", f"The query has {len(query)} characters.", f"At most {MOST_CHARACTERS}.")
    _check_depth(_NOT_CODE.sub("", query))
    try:
        return promql.parse(query)
    except (ValueError, OverflowError) as error:
        raise QueryError("bad_request", f"The query does not parse: {error}.", "See docs/dashboards.md.") from error


def _check_depth(code: str) -> None:
    """Raise `QueryError` if a query is nested so deeply that parsing or evaluating it would take too much."""
    depth = deepest = 0
    for character in code:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    if deepest > MOST_NESTED:
        raise QueryError("bad_request", "The query is nested too deeply.", f"At most {MOST_NESTED} brackets.")
    if len(_OPERATORS.findall(code)) > MOST_OPERATORS:
        raise QueryError("bad_request", "The query has too many operators.", f"At most {MOST_OPERATORS}.")


def milliseconds(duration: timedelta | None) -> int:
    """Return a duration in milliseconds; 0 for none.

    Raises:
        QueryError: it is longer than a century.
    """
    if duration is None:
        return 0
    if abs(duration) > LONGEST:
        raise QueryError("bad_request", "A duration is longer than a century.", "Ask for a shorter time.")
    return round(duration / timedelta(milliseconds=1))


def unsupported(what: str) -> QueryError:
    """Return the error for a part of PromQL that is not supported."""
    return QueryError(
        "bad_request", f"{what} is not supported here.", "docs/dashboards.md lists what is; Prometheus knows the rest."
    )


def check_no_at(node: Any) -> None:
    """Raise `QueryError` if a selector or a subquery has the modifier `@`."""
    if node.at is not None:
        raise unsupported("The modifier @")
