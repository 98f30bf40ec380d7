"""Statements that are parsed once: DuckDB takes up to 5 ms to parse a long one, a third of what it takes to answer.

In: SQL. Out: the parsed statement, which any connection executes, with other values each time. State: the statements
used last, for all threads.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import duckdb
from duckdb import DuckDBPyConnection

MOST = 128
LONGEST = 6_000
"""Characters of what is kept: who asks decides how long a filter is. A statement of so many takes 0.1 to 0.4 MB."""


class _ParsingOnce:
    """A connection whose statements are parsed once; all else is the connection's."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: object = None) -> DuckDBPyConnection:
        """As the connection's; but SQL cannot name an array of the caller."""
        return self._connection.execute(_parsed(sql) if len(sql) <= LONGEST else sql, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def parsing_once(connection: DuckDBPyConnection) -> DuckDBPyConnection:
    """The connection, for statements that come again."""
    return cast("DuckDBPyConnection", _ParsingOnce(connection))


@lru_cache(MOST)
def _parsed(sql: str) -> duckdb.Statement:
    (statement,) = duckdb.extract_statements(sql)
    return statement
