"""Copies a store into a new file without its free blocks, and replaces the old file with it.

In: the path of a store that no collector writes. Out: the same telemetry in a smaller file. Owns the new file until it
is renamed.

After any failure, and if it is killed at any time, the store's name is that of the old file or of the complete new one.
During the copy the old file is open for reading, which prevents a collector from opening it, and locked against a
second compaction.
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
from collector.local.store.views import VIEWS

ROWS_AT_ONCE = 500_000
"""Rows copied between two reports of progress."""
SPARE, SPARE_BYTES = 1.1, 32_000_000
"""How much more space than the blocks in use the copy may need."""
CONFIG: dict[str, Any] = {"memory_limit": "1GB", "checkpoint_threshold": "1TB"}
"""One checkpoint, at the end: more would leave free blocks in the new file."""

Progress = Callable[[int, int], None]
"""Called with the rows copied so far, and the total."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """Bytes of the file before and after; equal if a copy would not be smaller."""

    before: int
    after: int
    rows: int


def compact(path: Path, begin: Callable[[int, int], None], progress: Progress) -> Compacted:
    """Copy the store at `path` into a new file and replace the old file with it.

    Args:
        path: of the store.
        begin: called before the copy with the bytes needed on the disk, and the bytes free.
        progress: called with the progress.

    Raises:
        StoreHeldError: a collector, or another compaction, uses it.
        StoreError: it does not exist, it is damaged, the disk is too full, or the copy failed.
    """
    path = path.resolve()  # the target of a link is replaced, not the link
    if not path.exists():
        raise StoreError(f"there is no store at {path}", "use another one: --store PATH")
    with _alone(path):
        Store.open(path, settings=CollectorSettings(max_store_bytes=None)).close()  # moves its log into the file
        before = size_of(path)
        with _new_file(path) as new, closing(duckdb.connect(config=CONFIG)) as hub:
            try:
                hub.execute(f"ATTACH {_quoted(path)} AS old (READ_ONLY)")
                if size_of(wal_of(path)):
                    raise StoreHeldError(f"a collector has started to use the store {path}", "stop it, and try again")
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
    """Lock the file against another compaction.

    This lock is of another type than DuckDB's, and the descriptor stays open: closing any descriptor of a file releases
    the process's locks of DuckDB's type on it.
    """
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreHeldError(f"the store {path} is being compacted already", "wait until it has ended") from error
        if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
            raise StoreHeldError(f"the store {path} was compacted just now", "there is nothing left to do")
        yield


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """The name of a new file beside the store; a file of this name is deleted at the end."""
    for left in path.parent.glob(f"{path.name}.compact-*"):  # of a compaction that was killed; the lock excludes others
        left.unlink(missing_ok=True)
    try:
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.compact-", dir=path.parent)
    except OSError as error:
        raise StoreError(
            f"no file can be made in {path.parent}: {error.strerror}", "fix that, and try again"
        ) from error
    os.close(handle)
    new = Path(name)
    new.unlink()  # DuckDB creates it
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
            "free some space, and try again; nothing was changed",
        )


def _copy(hub: duckdb.DuckDBPyConnection, progress: Progress) -> int:
    """Copy all rows of all tables, in order; return how many."""
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
    hub.execute("USE new")
    for view in VIEWS:
        hub.execute(view.ddl())
    hub.execute("USE memory")
    hub.execute("CHECKPOINT new")
    held = sum(_number(hub, f"SELECT count(*) FROM new.{table.name}") for table in TABLES)  # noqa: S608
    if held != total:
        raise StoreError(f"the copy has {held} rows of {total}", "the store was not changed; try again")
    return total


def _put_in_place(new: Path, path: Path) -> None:
    """Give the new file the old one's owner, permissions and name, and sync it to disk."""
    old = path.stat()
    try:
        with suppress(PermissionError):  # only root may change the owner
            os.chown(new, old.st_uid, old.st_gid)
        new.chmod(stat.S_IMODE(old.st_mode))
        _sync(new)
        new.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise StoreError(f"the copy cannot replace {path}: {error.strerror}", "fix that, and try again") from error


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
