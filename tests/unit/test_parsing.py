"""Statements of questions that are parsed once, whoever asks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from collector.local.store import parsing
from collector.local.store.parsing import parsing_once
from tests.unit.own_process import python

SUM = "SELECT ? + coalesce(sum(i), 0) FROM range(1000) AS numbers(i) WHERE i < ?"


@pytest.fixture
def connection() -> Iterator[DuckDBPyConnection]:
    with closing(duckdb.connect()) as connection:
        yield connection


def test_one_statement_answers_several_threads_each_with_its_own_values(connection: DuckDBPyConnection) -> None:
    def answers(number: int) -> list[int]:
        with closing(connection.cursor()) as cursor:
            asking = parsing_once(cursor)
            return [asking.execute(SUM, [number, upto]).fetchall()[0][0] for upto in range(100)]

    with ThreadPoolExecutor(4) as pool:
        for number, found in enumerate(pool.map(answers, range(4))):
            assert found == [number + sum(range(upto)) for upto in range(100)]


def test_what_is_kept_has_a_bound(connection: DuckDBPyConnection) -> None:
    """Those used last stay; a statement that is too long is executed, and not kept."""
    asking = parsing_once(connection)
    for number in range(2 * parsing.MOST):
        assert asking.execute(f"SELECT {number}").fetchall() == [(number,)]
        asking.execute(SUM, [1, 2])
    assert len(parsing._kept) == parsing.MOST
    assert SUM in parsing._kept
    assert "SELECT 0" not in parsing._kept
    long = f"SELECT '{'x' * parsing.LONGEST}'"
    assert asking.execute(long).fetchall() == [("x" * parsing.LONGEST,)]
    assert long not in parsing._kept


def test_a_mistake_is_an_error_each_time(connection: DuckDBPyConnection) -> None:
    for _ in range(2):
        with pytest.raises(duckdb.ParserException):
            parsing_once(connection).execute("SELEKT 1")


def test_no_second_database_is_opened() -> None:
    """It would have a thread for each core, for as long as the process lives."""
    ended = python("""
        import duckdb, psutil
        from collector.local.store.parsing import parsing_once

        connection = duckdb.connect()
        connection.execute("SELECT 1")
        before = psutil.Process().num_threads()
        parsing_once(connection).execute("SELECT 2")
        show(psutil.Process().num_threads() - before)
    """)
    assert (ended.status, ended.shown) == (0, [0]), ended.err
