"""Statements that are parsed once: DuckDB takes up to 5 ms to parse a long one, a third of what it takes to answer.

In: SQL. Out: the parsed statement, which any connection executes, with other values each time. State: the statements
used last, for all threads.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Final, cast

import duckdb
from duckdb import DuckDBPyConnection

MOST: Final = 128
LONGEST: Final = 6_000
"""Characters of what is kept: who asks decides how long a filter is. A statement of so many takes 0.1 to 0.4 MB."""


class _ParsingOnce:
    """A connection whose statements are parsed once; all else is the connection's."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: object = None) -> DuckDBPyConnection:
        """As the connection's; but SQL cannot name an array of the caller."""
        statement = _parsed(self._connection, sql) if len(sql) <= LONGEST else sql
        return self._connection.execute(statement, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def parsing_once(connection: DuckDBPyConnection) -> DuckDBPyConnection:
    """The connection, for statements that come again."""
    return cast("DuckDBPyConnection", _ParsingOnce(connection))


_kept: Final = OrderedDict[str, duckdb.Statement]()
_lock: Final = threading.Lock()  # guards _kept


def _parsed(connection: DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The parsed statement, by the connection itself: `duckdb.extract_statements` would open a second database."""
    with _lock:
        if (kept := _kept.get(sql)) is not None:
            _kept.move_to_end(sql)
            return kept
    (statement,) = connection.extract_statements(sql)
    with _lock:
        _kept[sql] = statement
        while len(_kept) > MOST:
            _kept.popitem(last=False)
    return statement
