"""Brings a store that an earlier version of this program made to today's tables, and refuses one of a later version.

In: a cursor on an open store. Out: the same store, its rows kept, at `SCHEMA_VERSION`. The store's file owns the state.

The chain has one step from each version to the next, oldest first, and never loses one. A step and the number of the
version that it reaches are one transaction of DuckDB: a collector that is killed in it, or whose disk is full, leaves
the store as it was, and the next start tries again. So no copy is made before.
"""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import duckdb

from collector.local.errors import StoreError, StoreForeignError
from collector.local.store.damage import ANOTHER
from collector.local.store.schema import META, SCHEMA_VERSION, TABLES

MIGRATIONS: dict[int, tuple[str, ...]] = {
    # Who wrote the store last: for the message of an earlier program that cannot read it.
    2: ("INSERT INTO meta VALUES ('written_by', 'search-telemetry')",),
}
"""By the version that they reach: the statements that lead there from the version before."""
READABLE_SINCE = 1
"""The oldest version whose tables the queries can read as they are. A store that is older has to be migrated first."""


def prepare(cursor: duckdb.DuckDBPyConnection, path: Path | None, *, read_only: bool) -> None:
    """Make the tables of a new store, or bring those of an old one to today's.

    Raises:
        StoreForeignError: it holds tables, but not ours.
        StoreError: it was made by a later program; or by an earlier one and may not be changed here.
    """
    if not _tables(cursor) and not read_only:
        _make_tables(cursor)
    found = check(cursor, path)
    if read_only:
        if found < READABLE_SINCE:
            hint = "`telemetry collect` brings it to today's version; run it once on this store"
            raise StoreError(f"the store {path} has schema version {found}, which only an earlier program reads", hint)
        return
    for reached in range(found + 1, SCHEMA_VERSION + 1):
        _step(cursor, reached)
    if _fact(cursor, "written_by") != _program():
        cursor.execute("UPDATE meta SET value = ? WHERE key = 'written_by'", [_program()])


def check(cursor: duckdb.DuckDBPyConnection, path: Path | None) -> int:
    """The version of a store that this program may open; nothing is changed.

    Raises: as `prepare`.
    """
    if META.name not in _tables(cursor):
        raise StoreForeignError(f"{path} is a DuckDB file, but no store of telemetry", ANOTHER)
    text = _fact(cursor, "schema_version")
    if not text.isdecimal() or not 0 < int(text) <= SCHEMA_VERSION:
        writer = _fact(cursor, "written_by")
        by = f", written by {writer}" if writer else ""
        raise StoreError(
            f"the store {path} has schema version {text or 'none'}{by}; this program knows 1 to {SCHEMA_VERSION}",
            f"use the program that wrote it, or {ANOTHER}",
        )
    return int(text)


def _step(cursor: duckdb.DuckDBPyConnection, reached: int) -> None:
    cursor.begin()
    try:
        for statement in MIGRATIONS[reached]:
            cursor.execute(statement)
        cursor.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(reached)])
        cursor.commit()
    except BaseException:
        with suppress(duckdb.Error):
            cursor.rollback()
        raise


def _make_tables(cursor: duckdb.DuckDBPyConnection) -> None:
    """Make all tables of a new store, or none."""
    cursor.begin()
    for table in TABLES:
        cursor.execute(table.ddl())
    facts = {"schema_version": str(SCHEMA_VERSION), "written_by": _program()}
    for key, value in facts.items():
        cursor.execute("INSERT INTO meta VALUES (?, ?)", [key, value])
    cursor.commit()


def _tables(cursor: duckdb.DuckDBPyConnection) -> set[str]:
    return {name for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()}


def _fact(cursor: duckdb.DuckDBPyConnection, key: str) -> str:
    row = cursor.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
    return str(row[0]) if row else ""


def _program() -> str:
    try:
        return f"search-telemetry {version('search-telemetry')}"
    except PackageNotFoundError:
        return "search-telemetry"
