"""Migrates a store of an earlier version to the current schema, and refuses one of a later version.

Stores of versions 1 and 2 have spans as text: `upgrade.py` copies them into a new file of today's version. From 3 on,
there is one step from each version to the next, oldest first; none is ever removed. A step and the version that it
reaches are one transaction of DuckDB: if the collector is killed in it, or the disk is full, the store is unchanged,
and the next start tries again. So no backup is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import duckdb

from collector.local.errors import StoreError, StoreForeignError
from collector.local.store.damage import ANOTHER
from collector.local.store.schema import META, SCHEMA_VERSION
from collector.local.store.spans.tables import TABLES
from collector.local.store.views import VIEWS

SINCE_TYPED = 3
"""The first version with today's tables of spans."""
MIGRATIONS: dict[int, tuple[str, ...]] = {
    4: (  # read from `span_rows` where they are needed
        "ALTER TABLE trace_parts DROP COLUMN transit_ns",
        "ALTER TABLE trace_rows DROP COLUMN root_id",
        "ALTER TABLE trace_rows DROP COLUMN server_key",
        "ALTER TABLE trace_rows DROP COLUMN server_parent",
        "ALTER TABLE trace_rows DROP COLUMN server_ns",
    ),
}
"""The statements from the previous version, by the version that they reach."""


def prepare(cursor: duckdb.DuckDBPyConnection, path: Path | None, *, read_only: bool) -> None:
    """Create the tables of a new store, or migrate those of an old one.

    Raises:
        StoreForeignError: it has tables of another program.
        StoreError: it was written by a later version.
    """
    if not _tables(cursor) and not read_only:
        make_tables(cursor)
    found = check(cursor, path)
    if read_only:
        return
    for reached in range(found + 1, SCHEMA_VERSION + 1):
        _step(cursor, MIGRATIONS[reached], "schema_version", str(reached))
    if _fact(cursor, "views") != _views():  # those of a program of the same version may differ
        _step(cursor, [view.ddl() for view in VIEWS], "views", _views())
    if _fact(cursor, "written_by") != _program():
        cursor.execute("UPDATE meta SET value = ? WHERE key = 'written_by'", [_program()])


def check(cursor: duckdb.DuckDBPyConnection, path: Path | None) -> int:
    """Check and return the version of a store; nothing is changed.

    Raises: as `prepare`.
    """
    if META.name not in _tables(cursor):
        raise StoreForeignError(f"{path} is a DuckDB file, but not a store of telemetry", ANOTHER)
    text = _fact(cursor, "schema_version")
    if not text.isdecimal() or not 0 < int(text) <= SCHEMA_VERSION:
        writer = _fact(cursor, "written_by")
        by = f", written by {writer}" if writer else ""
        raise StoreError(
            f"the store {path} has schema version {text or 'none'}{by}; this program reads 1 to {SCHEMA_VERSION}",
            f"use the program that wrote it, or {ANOTHER}",
        )
    return int(text)


def _step(cursor: duckdb.DuckDBPyConnection, statements: Iterable[str], key: str, value: str) -> None:
    """Run the statements, and note what they reach."""
    cursor.begin()
    try:
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("DELETE FROM meta WHERE key = ?", [key])
        cursor.execute("INSERT INTO meta VALUES (?, ?)", [key, value])
        cursor.commit()
    except BaseException:
        with suppress(duckdb.Error):
            cursor.rollback()
        raise


def make_tables(cursor: duckdb.DuckDBPyConnection) -> None:
    """Create all tables of a new store, or none."""
    cursor.begin()
    for table in TABLES:
        cursor.execute(table.ddl())
    for view in VIEWS:
        cursor.execute(view.ddl())
    facts = {"schema_version": str(SCHEMA_VERSION), "written_by": _program(), "views": _views()}
    for key, value in facts.items():
        cursor.execute("INSERT INTO meta VALUES (?, ?)", [key, value])
    cursor.commit()


def _tables(cursor: duckdb.DuckDBPyConnection) -> set[str]:
    return {name for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()}


def _fact(cursor: duckdb.DuckDBPyConnection, key: str) -> str:
    row = cursor.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
    return str(row[0]) if row else ""


def _views() -> str:
    """What tells the views of this program from those of another."""
    return hashlib.sha256("\n".join(view.ddl() for view in VIEWS).encode()).hexdigest()[:16]


def _program() -> str:
    try:
        return f"search-telemetry {version('search-telemetry')}"
    except PackageNotFoundError:
        return "search-telemetry"
