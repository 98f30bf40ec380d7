"""The store: one DuckDB file (or memory), its tables, and the transaction that adds exports to it.

In: `Decoded` exports from the writer thread. Out: rows on disk, cursors for readers of any thread, `changed`.
The `Store` owns the file; DuckDB locks it against other processes.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from collector.local.changes import Changes
from collector.local.columns import CONFIG, insert
from collector.local.decode import Decoded, Row
from collector.local.errors import StoreDamagedError, StoreError, StoreHeldError
from collector.local.schema import (
    BATCHES,
    EXEMPLARS,
    META,
    METRIC_POINTS,
    RESOURCES,
    SCHEMA_VERSION,
    SCOPES,
    TABLES,
    Table,
)
from collector.local.settings import CollectorSettings

NAME_ANOTHER = "name another with --store"
KNOWN_LIMIT = 10_000
"""How many ids of resources and scopes are remembered as stored; others are looked up."""


class Store:
    """An open store. Any thread may read through `reader()`; only one thread writes."""

    def __init__(self, path: Path | None, read_only: bool, settings: CollectorSettings) -> None:
        self.path = path
        self.read_only = read_only
        self.changed = Changes()
        self._settings = settings
        self._lock = threading.Lock()  # guards _root: it is replaced when a failed store is opened anew
        self._root = connect(path, read_only, settings)
        self._known: dict[str, set[int]] = {RESOURCES.name: set(), SCOPES.name: set()}
        self._next_point = 0
        try:
            self._prepare()
        except BaseException:
            self._root.close()
            raise

    @classmethod
    def open(cls, path: Path | None, *, read_only: bool = False, settings: CollectorSettings | None = None) -> Store:
        """Open the store at `path`, made with its folder where missing; `None` keeps everything in memory.

        Read-only opening works while no collector runs, and changes nothing.

        Raises:
            StoreHeldError: another process has it open.
            StoreDamagedError: the file is no store, or is broken.
            StoreError: it cannot be opened for another reason; the message says which.
        """
        if path is not None and not read_only:
            make_folder(path.parent)
        if path is not None and read_only and not path.exists():
            raise StoreError(f"there is no store at {path}", f"start `telemetry collect`, or {NAME_ANOTHER}")
        return cls(path, read_only, settings or CollectorSettings())

    def reader(self) -> duckdb.DuckDBPyConnection:
        """A cursor for one query or a few, in any thread; it sees what is committed, and never blocks the writer.

        Close it after use. Do not keep it: after a failure the store is opened anew, and old cursors no longer answer.
        """
        with self._lock:
            return self._root.cursor()

    def write(self, exports: Sequence[Decoded], digests: Sequence[str], now_unix_ns: int) -> None:
        """Add exports, all or none, durably: when this returns they survive kill -9.

        Args:
            exports: what to add, in order.
            digests: of each export, to recognise it when it is sent again.
            now_unix_ns: the collector's clock.

        Raises:
            duckdb.Error: nothing was added, or, when the commit itself failed, it is unknown whether all were.
        """
        cursor = self.reader()
        try:
            cursor.begin()
            next_point = self._insert_all(cursor, exports, now_unix_ns)
            batches = [(digest, export.signal, export.records) for digest, export in zip(digests, exports, strict=True)]
            insert(cursor, BATCHES, batches, now_unix_ns)
            noted = {
                table.name: self._add_missing(cursor, table, exports, now_unix_ns) for table in (RESOURCES, SCOPES)
            }
            cursor.commit()
        except BaseException:
            with suppress(duckdb.Error):
                cursor.rollback()
            raise
        finally:
            with suppress(duckdb.Error):
                cursor.close()
        self._next_point = next_point
        for name, identifiers in noted.items():
            self._remember(name, identifiers)
        self.changed.bump()

    def recent_digests(self, limit: int) -> list[tuple[str, int]]:
        """The newest exports stored, oldest first: digest and time of storing (Unix ns)."""
        rows = self._query(
            "SELECT digest, ingested_unix_ns FROM batches ORDER BY ingested_unix_ns DESC, rowid DESC LIMIT ?", [limit]
        )
        return [(str(digest), int(when)) for digest, when in reversed(rows)]

    def forget_digests(self, before_unix_ns: int) -> None:
        """Drop the memory of exports stored before this time."""
        cursor = self.reader()
        try:
            cursor.execute("DELETE FROM batches WHERE ingested_unix_ns < ?", [before_unix_ns])
        finally:
            cursor.close()

    def reopen(self) -> None:
        """Open the file anew after DuckDB gave up on it (disk full, input/output error). Raises as `open` does."""
        if self.path is None:
            return
        with self._lock:
            with suppress(duckdb.Error):
                self._root.close()
            self._root = connect(self.path, self.read_only, self._settings)
        self._prepare()

    def close(self) -> None:
        """Wake who waits, move the log into the file, and let go of it."""
        self.changed.close()
        with self._lock, suppress(duckdb.Error):
            self._root.close()

    def _prepare(self) -> None:
        """Make the tables in a new file, or see that an old one has those of this program."""
        for known in self._known.values():
            known.clear()
        cursor = self.reader()
        try:
            names = {name for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
            if not names and not self.read_only:
                make_tables(cursor)
            elif META.name not in names:
                raise StoreDamagedError(f"{self.path} is a DuckDB file, but no store of telemetry", NAME_ANOTHER)
            self._check_version(cursor)
            last = cursor.execute("SELECT max(point_id) FROM metric_points").fetchone()
            self._next_point = 0 if last is None or last[0] is None else int(last[0]) + 1
        except duckdb.Error as error:
            raise explain(self.path, error) from error
        finally:
            cursor.close()

    def _check_version(self, cursor: duckdb.DuckDBPyConnection) -> None:
        row = cursor.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
        version = row[0] if row else "none"
        if version != str(SCHEMA_VERSION):
            raise StoreError(
                f"the store {self.path} has schema version {version}, this program knows {SCHEMA_VERSION}",
                f"use the program that made it, or {NAME_ANOTHER}",
            )

    def _query(self, sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        cursor = self.reader()
        try:
            return cursor.execute(sql, parameters).fetchall()
        finally:
            cursor.close()

    def _insert_all(self, cursor: duckdb.DuckDBPyConnection, exports: Sequence[Decoded], now_unix_ns: int) -> int:
        """Insert the rows of every table; return the next free `point_id`."""
        next_point = self._next_point
        for table in TABLES:
            rows: list[Row] = []
            offset = self._next_point
            for export in exports:
                mine = export.rows.get(table.name, ())
                if table in (METRIC_POINTS, EXEMPLARS):  # their first column is the point_id
                    rows.extend((row[0] + offset, *row[1:]) for row in mine)
                    offset = next_point = offset + len(export.rows.get(METRIC_POINTS.name, ()))
                else:
                    rows.extend(mine)
            if rows:
                insert(cursor, table, rows, now_unix_ns)
        return next_point

    def _add_missing(
        self, cursor: duckdb.DuckDBPyConnection, table: Table, exports: Iterable[Decoded], now_unix_ns: int
    ) -> set[int]:
        """Insert the resources or scopes that the store has not; return the ids that it has now."""
        rows: dict[int, tuple[Any, ...]] = {}
        for export in exports:
            rows.update(export.resources if table is RESOURCES else export.scopes)
        missing = [row for identifier, row in rows.items() if identifier not in self._known[table.name]]
        if missing:
            key = table.columns[0].name
            insert(
                cursor,
                table,
                missing,
                now_unix_ns,
                f"WHERE {key} NOT IN (SELECT {key} FROM {table.name})",  # noqa: S608 (our names),
            )
        return set(rows)

    def _remember(self, name: str, identifiers: set[int]) -> None:
        known = self._known[name]
        if len(known) > KNOWN_LIMIT:  # forgetting is harmless: the insert looks them up
            known.clear()
        known |= identifiers


def connect(path: Path | None, read_only: bool, settings: CollectorSettings) -> duckdb.DuckDBPyConnection:
    """Open the DuckDB file, saying in our own words why it cannot be opened."""
    config: dict[str, Any] = CONFIG | {
        "memory_limit": f"{settings.memory_limit_bytes}B",
        "checkpoint_threshold": f"{settings.checkpoint_bytes}B",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        return duckdb.connect(":memory:" if path is None else str(path), read_only=read_only, config=config)
    except duckdb.Error as error:
        raise explain(path, error) from error


def explain(path: Path | None, error: duckdb.Error) -> StoreError:
    """What DuckDB's error on opening a file means for the person who runs the collector."""
    text = str(error)
    if "could not set lock" in text.lower():
        holder = re.search(r"\(PID (\d+)\)", text)
        by = f" (pid {holder[1]})" if holder else ""
        return StoreHeldError(
            f"the store {path} is held by another process{by}",
            "`telemetry services` and the other commands read through the running collector; "
            f"stop it to open the store here, or {NAME_ANOTHER}",
        )
    if path is not None and path.is_dir():
        return StoreError(f"the store {path} is a folder", "name a file with --store")
    if "permission denied" in text.lower() or "no space left" in text.lower():
        return StoreError(f"the store {path} cannot be opened: {_first_line(text)}", f"mend that, or {NAME_ANOTHER}")
    return StoreDamagedError(
        f"the store {path} is damaged or is no store: {_first_line(text)}", f"move the file away, or {NAME_ANOTHER}"
    )


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason given"


def make_tables(cursor: duckdb.DuckDBPyConnection) -> None:
    """Make all tables of a new store, or none."""
    cursor.begin()
    for table in TABLES:
        cursor.execute(table.ddl())
    cursor.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
    cursor.commit()


def make_folder(folder: Path) -> None:
    """Make the folder of a store, with its parents."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} for the store cannot be made: {error.strerror}", NAME_ANOTHER) from error
