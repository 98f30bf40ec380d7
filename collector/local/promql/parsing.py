"""Parses queries, and says what of PromQL is not supported.

In: the text of a query. Out: the parsed expression. State: the last parsed queries.
"""

from datetime import timedelta
from functools import lru_cache
from typing import Any

import promql_parser as promql

from collector.local.errors import QueryError

MOST_CHARACTERS = 50_000


@lru_cache(maxsize=256)
def parsed(query: str) -> Any:
    """Return the parsed query.

    Raises:
        QueryError: it does not parse, or is too long.
    """
    if len(query) > MOST_CHARACTERS:
        raise QueryError("bad_request", f"The query has {len(query)} characters.", f"At most {MOST_CHARACTERS}.")
    try:
        return promql.parse(query)
    except ValueError as error:
        raise QueryError("bad_request", f"The query does not parse: {error}.", "See docs/dashboards.md.") from error


def milliseconds(duration: timedelta | None) -> int:
    """Return a duration in milliseconds; 0 for none."""
    return 0 if duration is None else round(duration / timedelta(milliseconds=1))


def unsupported(what: str) -> QueryError:
    """Return the error for a part of PromQL that is not supported."""
    return QueryError(
        "bad_request", f"{what} is not supported here.", "docs/dashboards.md lists what is; Prometheus knows the rest."
    )


def check_no_at(node: Any) -> None:
    """Raise `QueryError` if a selector or a subquery has the modifier `@`."""
    if node.at is not None:
        raise unsupported("The modifier @")
