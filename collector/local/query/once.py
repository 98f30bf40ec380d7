"""Sums up once what is not folded yet, for all queries of one question.

While spans arrive, thousands of traces are not folded: the views `traces` and `entry_minutes` sum their parts up in
each query. In: a connection in a transaction, which sees one moment of the store. Out: temporary tables, and the two
views over these, until the transaction is rolled back. The answers are the same.
"""

from duckdb import DuckDBPyConnection

from collector.local.store.views import MINUTES_OF_TRACES_ONCE, MINUTES_ONCE, TRACES_ONCE


def sum_up_minutes(connection: DuckDBPyConnection) -> None:
    """For queries of `entry_minutes`."""
    _run(connection, MINUTES_ONCE)


def sum_up_traces(connection: DuckDBPyConnection, *, with_minutes: bool = False) -> None:
    """For several queries of `traces`, and of `entry_minutes`, too."""
    _run(connection, TRACES_ONCE)
    if with_minutes:
        _run(connection, MINUTES_OF_TRACES_ONCE)


def _run(connection: DuckDBPyConnection, statements: tuple[str, ...]) -> None:
    for statement in statements:
        connection.execute(statement)
