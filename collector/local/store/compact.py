"""Copies a store into a new file without what was deleted, and puts that in its place.

In: the path of a store that nobody writes. Out: the same telemetry in a smaller file. Owns the new file until it has
the old one's name.

Whatever goes wrong, and whenever it is killed: under the store's name is the old file or the whole new one. While it is
copied, the old file is open for reading, which keeps collectors off it, and locked against a second compaction.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from collector.local.amounts import size_text
from collector.local.errors import StoreError, StoreHeldError
from collector.local.settings import CollectorSettings
from collector.local.store.damage import size_of, wal_of
from collector.local.store.opening import explain
from collector.local.store.schema import TABLES
from collector.local.store.store import Store

ROWS_AT_ONCE = 500_000
"""Rows that are copied between two reports of progress."""
SPARE, SPARE_BYTES = 1.1, 32_000_000
"""How much more than the blocks in use the copy may need while it is made."""
CONFIG: dict[str, Any] = {"memory_limit": "1GB", "checkpoint_threshold": "1TB"}
"""One checkpoint, at the end: each of several would leave free blocks in the new file."""

Progress = Callable[[int, int], None]
"""Told the rows copied so far, and all."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What came of it: bytes of the file before and after; equal when a copy would not be smaller."""

    before: int
    after: int
    rows: int


def compact(path: Path, begin: Callable[[int, int], None], progress: Progress) -> Compacted:
    """Copy the store at `path` into a new file and put that in its place.

    Args:
        path: of the store.
        begin: told, before anything is copied, how many bytes are needed on the disk, and how many are free.
        progress: told how far it is.

    Raises:
        StoreHeldError: a collector, or another compaction, is at it.
        StoreError: there is none, it is damaged, the disk has no room, or the copy could not be made.
    """
    path = path.resolve()  # of a link, the file that it names is replaced
    if not path.exists():
        raise StoreError(f"there is no store at {path}", "name another with --store")
    with _alone(path):
        Store.open(path, settings=CollectorSettings(max_store_bytes=None)).close()  # its log is now in the file
        before = size_of(path)
        with _new_file(path) as new, closing(duckdb.connect(config=CONFIG)) as hub:
            try:
                hub.execute(f"ATTACH {_quoted(path)} AS old (READ_ONLY)")
                if size_of(wal_of(path)):
                    raise StoreHeldError(f"a collector has begun to use the store {path}", "stop it, and try again")
                _check_room(hub, path, begin)
                hub.execute(f"ATTACH {_quoted(new)} AS new")
                rows = _copy(hub, progress)
                hub.execute("DETACH new")
            except duckdb.Error as error:
                raise explain(path, error) from error
            if size_of(new) < before:
                _put_in_place(new, path)
        return Compacted(before, size_of(path), rows)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the file against another compaction.

    This lock is of another kind than DuckDB's, and the descriptor stays open: closing any descriptor of a file gives up
    a process's locks of DuckDB's kind on it.
    """
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreHeldError(f"the store {path} is being compacted already", "wait until that has ended") from error
        if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
            raise StoreHeldError(f"the store {path} was compacted just now", "there is nothing left to do")
        yield


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """The name of a file beside the store; at the end there is none of this name."""
    for left in path.parent.glob(f"{path.name}.compact-*"):  # of one that was killed: we are alone
        left.unlink(missing_ok=True)
    try:
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.compact-", dir=path.parent)
    except OSError as error:
        raise StoreError(
            f"no file can be made in {path.parent}: {error.strerror}", "fix that, and try again"
        ) from error
    os.close(handle)
    new = Path(name)
    new.unlink()  # DuckDB makes it
    try:
        yield new
    finally:
        for file in (new, wal_of(new)):
            file.unlink(missing_ok=True)


def _check_room(hub: duckdb.DuckDBPyConnection, path: Path, begin: Callable[[int, int], None]) -> None:
    row = hub.execute(
        "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = 'old'"
    ).fetchone()
    needed = int(int(row[0] if row else 0) * SPARE) + SPARE_BYTES
    free = shutil.disk_usage(path.parent).free
    begin(needed, free)
    if free < needed:
        raise StoreError(
            f"the disk of {path} has {size_text(free)} free, and a copy needs up to {size_text(needed)}",
            "make room, and try again; nothing was changed",
        )


def _copy(hub: duckdb.DuckDBPyConnection, progress: Progress) -> int:
    """All rows of all tables, in their order; return how many."""
    total = sum(_number(hub, f"SELECT count(*) FROM old.{table.name}") for table in TABLES)  # noqa: S608 (our names)
    copied = 0
    for table in TABLES:
        hub.execute(table.ddl().replace(f'"{table.name}"', f'new."{table.name}"', 1))
        end = _number(hub, f"SELECT coalesce(max(rowid) + 1, 0) FROM old.{table.name}")  # noqa: S608
        for start in range(0, end, ROWS_AT_ONCE):
            copied += _number(
                hub,
                f"INSERT INTO new.{table.name} SELECT * FROM old.{table.name} "  # noqa: S608
                f"WHERE rowid >= {start} AND rowid < {start + ROWS_AT_ONCE}",
            )
            progress(copied, total)
    hub.execute("CHECKPOINT new")
    held = sum(_number(hub, f"SELECT count(*) FROM new.{table.name}") for table in TABLES)  # noqa: S608
    if held != total:
        raise StoreError(f"the copy has {held} rows of {total}", "the store is as it was; try again")
    return total


def _put_in_place(new: Path, path: Path) -> None:
    """Give the new file the old one's owner, permissions and name, and see that this outlives a loss of power."""
    old = path.stat()
    try:
        with suppress(PermissionError):  # only root may give a file away; the permissions below are what counts
            os.chown(new, old.st_uid, old.st_gid)
        new.chmod(stat.S_IMODE(old.st_mode))
        _sync(new)
        new.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise StoreError(
            f"the copy cannot take the place of {path}: {error.strerror}", "fix that, and try again"
        ) from error


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _number(hub: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = hub.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _quoted(path: Path) -> str:
    text = str(path).replace("'", "''")
    return f"'{text}'"
