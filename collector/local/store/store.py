"""The store: one DuckDB file (or memory), its tables, and the transaction that adds exports.

In: rows of exports from the writer thread. Out: rows on disk, cursors for readers in any thread, `changed`.
The `Store` owns the file; DuckDB locks it against other processes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from collector.local.errors import StoreDamagedError, StoreError
from collector.local.settings import CollectorSettings
from collector.local.store import expiry, migrations
from collector.local.store.changes import Changes
from collector.local.store.columns import insert
from collector.local.store.damage import ANOTHER, check_log_has_file, check_open, read_all, set_aside, size_of, wal_of
from collector.local.store.expiry import Expired, Expiry
from collector.local.store.migrations import SINCE_TYPED
from collector.local.store.opening import connect, explain, make_folder
from collector.local.store.parsing import parsing_once
from collector.local.store.rows import ExportRows, Row
from collector.local.store.schema import (
    BATCHES,
    BY_SIGNAL,
    EXEMPLARS,
    METRIC_POINTS,
    RESOURCES,
    SCHEMA_VERSION,
    SCOPES,
    Table,
)
from collector.local.store.spans.store import SpanStore
from collector.local.store.upgrade import copy_for_reading, upgrade

FEW_BATCHES = 16
MANY_OPEN = 2_000
"""Traces that are not folded; to sum that many up takes 10 ms."""
KNOWN_LIMIT = 10_000
"""How many ids of resources and scopes are cached as stored; others are looked up."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoreSize:
    """Bytes on disk. Deleted rows leave free blocks in the file, which are reused; the file does not shrink."""

    used: int
    """Blocks in use, as in DuckDB's `pragma_database_size`."""
    free: int
    """Free blocks in the file."""
    log: int
    """The write-ahead log: what is committed and not in the file yet."""


class Store:
    """An open store. Any thread may read through `reader()`; only one thread writes."""

    def __init__(self, path: Path | None, read_only: bool, settings: CollectorSettings) -> None:
        self.path = path
        self.read_only = read_only
        self.changed = Changes()
        self._settings = settings
        self._lock = threading.Lock()  # guards _root: it is replaced when a failed store is reopened
        self._root = connect(path, read_only, settings)
        self._known: dict[str, set[int]] = {RESOURCES.name: set(), SCOPES.name: set()}
        self._next_point = 0
        self._spans = SpanStore()
        self._copy: TemporaryDirectory[str] | None = None  # where a copy for reading is, deleted at the end
        try:
            self._prepare()
        except BaseException:
            self._root.close()
            raise

    @classmethod
    def open(cls, path: Path | None, *, read_only: bool = False, settings: CollectorSettings | None = None) -> Store:
        """Open the store at `path`, created with its folder if missing; `None` keeps everything in memory.

        A store can be opened read-only while no collector runs; this changes nothing. One of an earlier version is
        copied for it, into a folder that is deleted when the store is closed.

        Raises:
            StoreHeldError: another process has it open.
            StoreDamagedError: the file is damaged.
            StoreForeignError: it is a file of another program.
            StoreError: it cannot be opened for another reason.
        """
        settings = settings or CollectorSettings()
        if path is not None:
            check_log_has_file(path)
            if read_only and not path.exists():
                raise StoreError(f"there is no store at {path}", f"start `telemetry collect`, or {ANOTHER}")
            if not read_only:
                make_folder(path.parent)
            if path.exists() and inspect(path, settings) < SINCE_TYPED:
                if read_only:
                    return cls._open_copy(path, settings)
                upgrade(path)
        return cls(path, read_only, settings)

    @classmethod
    def _open_copy(cls, path: Path, settings: CollectorSettings) -> Store:
        """Open a copy of a store of an earlier version, for reading."""
        folder = copy_for_reading(path)
        try:
            store = cls(Path(folder.name) / path.name, True, settings)
        except BaseException:
            folder.cleanup()
            raise
        store._copy = folder
        return store

    @classmethod
    def open_or_start_afresh(cls, path: Path | None, settings: CollectorSettings) -> Store:
        """Open the store for writing; a damaged one is renamed, with a warning, and replaced by a new one.

        Raises:
            StoreError: it cannot be opened for another reason than damage.
        """
        try:
            return cls.open(path, settings=settings)
        except StoreDamagedError as error:
            if path is None:
                raise
            warn_set_aside(error.message, set_aside(path))
            return cls.open(path, settings=settings)

    def reader(self) -> duckdb.DuckDBPyConnection:
        """A cursor for one query or a few, in any thread; it sees what is committed, and never blocks the writer.

        Close it after use. Do not keep it: after a failure the store is reopened, and old cursors no longer work.
        """
        with self._lock:
            return self._root.cursor()

    def write(self, exports: Sequence[ExportRows], digests: Sequence[str], now_unix_ns: int) -> None:
        """Add all exports or none, durably: after this returns, they survive kill -9.

        Args:
            exports: what to add, in order.
            digests: of each export, to recognise it if it is sent again.
            now_unix_ns: the collector's clock.

        Raises:
            duckdb.Error: nothing was added, or, if the commit itself failed, it is unknown whether all were.
        """
        with self._writing() as cursor:
            self._spans.write(cursor, exports, now_unix_ns)
            next_point = self._insert_all(cursor, exports, now_unix_ns)
            self._note_batches(cursor, exports, digests, now_unix_ns)
            noted = {
                table.name: self._add_missing(cursor, table, exports, now_unix_ns) for table in (RESOURCES, SCOPES)
            }
        self._next_point = next_point
        for name, identifiers in noted.items():
            self._remember(name, identifiers)
        self.changed.bump()

    def recent_digests(self, limit: int) -> list[tuple[str, int]]:
        """The most recent exports, oldest first: digest, and time of storing (Unix ns)."""
        rows = self._query(
            "SELECT digest, ingested_unix_ns FROM batches ORDER BY ingested_unix_ns DESC, rowid DESC LIMIT ?", [limit]
        )
        return [(str(digest), int(when)) for digest, when in reversed(rows)]

    def forget_digests(self, before_unix_ns: int) -> None:
        """Delete the digests of exports stored before this time."""
        cursor = self.reader()
        try:
            cursor.execute("DELETE FROM batches WHERE ingested_unix_ns < ?", [before_unix_ns])
        finally:
            cursor.close()

    def expire(self, what: Expiry) -> Expired:
        """Delete old telemetry, all of it or nothing; in the writing thread. Raises `duckdb.Error`."""
        with closing(self.reader()) as cursor:
            expired, traces = expiry.delete(cursor, what)
        self._spans.deleted(traces)
        self._known[RESOURCES.name] -= set(what.resources)
        self._known[SCOPES.name] -= set(what.scopes)
        self.changed.bump()
        return expired

    @property
    def has_parts(self) -> bool:
        """Whether there is something to fold."""
        return self._spans.has_parts

    @property
    def has_many_parts(self) -> bool:
        """Whether so much is to be folded that questions take longer for it."""
        return self._spans.open_traces > MANY_OPEN

    def fold(self, now_unix_ns: int, *, everything: bool = False) -> None:
        """Move summaries of traces, of which no span came for a while, to where they are read fastest.

        In the writing thread, every few seconds. What readers see does not change.

        Args:
            now_unix_ns: the collector's clock.
            everything: also the others.

        Raises:
            duckdb.Error: nothing was moved.
        """
        with self._writing() as cursor:
            self._spans.fold(parsing_once(cursor), now_unix_ns, everything=everything)

    def checkpoint(self) -> None:
        """Move the log into the file, which frees the blocks of deleted rows; in the writing thread."""
        with closing(self.reader()) as cursor:
            cursor.execute("CHECKPOINT")

    def read_all(self) -> None:
        """Read every value. Raises `duckdb.Error` if something is damaged."""
        with closing(self.reader()) as cursor:
            read_all(cursor)

    def size(self) -> StoreSize:
        """Its size on disk; zeros for a store in memory."""
        row = self._query("SELECT block_size, used_blocks, free_blocks FROM pragma_database_size()", [])
        block, used, free = row[0]
        log = size_of(wal_of(self.path)) if self.path else 0
        return StoreSize(int(used) * int(block), int(free) * int(block), log)

    def start_afresh(self, why: str) -> None:
        """Rename the damaged file, with a warning, and start a new one. Raises as `open` does."""
        if self.path is None:
            return
        with self._lock:
            with suppress(duckdb.Error):
                self._root.close()
            warn_set_aside(why, set_aside(self.path))
            self._root = connect(self.path, self.read_only, self._settings)
        self._prepare()

    def reopen(self) -> None:
        """Open the file again after DuckDB failed (disk full, input/output error). Raises as `open` does."""
        if self.path is None:
            return
        with self._lock:
            with suppress(duckdb.Error):
                self._root.close()
            self._root = connect(self.path, self.read_only, self._settings)
        self._prepare()

    def close(self) -> None:
        """Wake waiting threads, fold what waits, move the log into the file, and close it."""
        self.changed.close()
        if self.has_parts:
            with suppress(duckdb.Error):  # what is not folded is complete, too
                self.fold(time.time_ns(), everything=True)
        with self._lock, suppress(duckdb.Error):
            self._root.close()
        if self._copy:
            self._copy.cleanup()

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in a transaction, all of which is committed at the end, or nothing."""
        cursor = self.reader()
        try:
            cursor.begin()
            yield cursor
            cursor.commit()
        except BaseException:
            self._spans.forget()
            with suppress(duckdb.Error):
                cursor.rollback()
            raise
        finally:
            with suppress(duckdb.Error):
                cursor.close()

    def _prepare(self) -> None:
        """Create the tables in a new file, or migrate those of an old one."""
        for known in self._known.values():
            known.clear()
        self._spans.forget()
        cursor = self.reader()
        try:
            if self.path is not None and self.read_only:
                check_open(cursor, self.path)
            migrations.prepare(cursor, self.path, read_only=self.read_only)
            last = cursor.execute("SELECT max(point_id) FROM metric_points").fetchone()
            self._next_point = 0 if last is None or last[0] is None else int(last[0]) + 1
        except duckdb.Error as error:
            raise explain(self.path, error) from error
        finally:
            cursor.close()

    def _query(self, sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        cursor = self.reader()
        try:
            return cursor.execute(sql, parameters).fetchall()
        finally:
            cursor.close()

    def _insert_all(self, cursor: duckdb.DuckDBPyConnection, exports: Sequence[ExportRows], now_unix_ns: int) -> int:
        """Insert the rows of every table; return the next free `point_id`."""
        next_point = self._next_point
        for table in BY_SIGNAL:
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

    @staticmethod
    def _note_batches(
        cursor: duckdb.DuckDBPyConnection, exports: Sequence[ExportRows], digests: Sequence[str], now_unix_ns: int
    ) -> None:
        """Remember the exports; a few rows take less time as parameters than as columns."""
        if len(exports) > FEW_BATCHES:
            batches = [(digest, export.signal, export.records) for digest, export in zip(digests, exports, strict=True)]
            insert(cursor, BATCHES, batches, now_unix_ns)
            return
        values = ", ".join(["(?, ?, ?, ?)"] * len(exports))
        found = ((digest, x.signal, x.records, now_unix_ns) for digest, x in zip(digests, exports, strict=True))
        cursor.execute(f"INSERT INTO {BATCHES.name} VALUES {values}", [*chain.from_iterable(found)])  # noqa: S608 (our names)

    def _add_missing(
        self, cursor: duckdb.DuckDBPyConnection, table: Table, exports: Iterable[ExportRows], now_unix_ns: int
    ) -> set[int]:
        """Insert the resources or scopes that are not stored yet; return the ids of all of them."""
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
        if len(known) > KNOWN_LIMIT:  # harmless: the insert looks them up
            known.clear()
        known |= identifiers


def inspect(path: Path, settings: CollectorSettings) -> int:
    """Check that an existing file is a complete store before it is opened for writing, which may change it.

    Returns:
        Its schema version; today's if there is no file.

    Raises: as `Store.open`.
    """
    if not path.exists():
        return SCHEMA_VERSION
    with closing(connect(path, True, settings)) as connection:
        try:
            check_open(connection, path)
            return migrations.check(connection, path)
        except duckdb.Error as error:
            raise explain(path, error) from error


def warn_set_aside(why: str, aside: Path) -> None:
    """Log that a damaged store was renamed."""
    _log.warning("%s. It was renamed to %s; a new store was started.", why.rstrip("."), aside)
