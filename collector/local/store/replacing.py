"""Replaces a store's file with a new one that has the same telemetry.

In: the path of a store that no collector writes. Out: a lock, a new file beside it, and the old one's name for the new
one. After any failure, and if it is killed at any time, the store's name is that of the old file or of the complete new
one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from collector.local.amounts import size_text
from collector.local.errors import StoreError, StoreHeldError
from collector.local.store.damage import wal_of

SPARE, SPARE_BYTES = 1.1, 32_000_000
"""How much more space than the blocks in use the copy may need."""

Progress = Callable[[int, int], None]
"""Called with the rows copied so far, and the total."""
Begin = Callable[[int, int], None]
"""Called before the copy with the bytes needed on the disk, and the bytes free."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Lock the file against another process that replaces it.

    This lock is of another type than DuckDB's, and the descriptor stays open: closing any descriptor of a file releases
    the process's locks of DuckDB's type on it.

    Raises:
        StoreHeldError: another one does, or did just now.
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
def new_file(path: Path, purpose: str) -> Iterator[Path]:
    """The name of a new file beside the store; a file of this name is deleted at the end."""
    for left in path.parent.glob(f"{path.name}.{purpose}-*"):  # of a process that was killed; the lock excludes others
        left.unlink(missing_ok=True)
    try:
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.{purpose}-", dir=path.parent)
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


def check_room(path: Path, used: int, begin: Begin) -> None:
    """Check that a copy of so many bytes fits on the disk.

    Raises:
        StoreError: it does not.
    """
    needed = int(used * SPARE) + SPARE_BYTES
    free = shutil.disk_usage(path.parent).free
    begin(needed, free)
    if free < needed:
        raise StoreError(
            f"the disk of {path} has {size_text(free)} free, and a copy needs up to {size_text(needed)}",
            "free some space, and try again; nothing was changed",
        )


def put_in_place(new: Path, path: Path) -> None:
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


def number(hub: duckdb.DuckDBPyConnection, sql: str) -> int:
    """The one number that a query returns."""
    row = hub.execute(sql).fetchone()
    return int(row[0]) if row else 0


def quoted(path: Path) -> str:
    """A path as text in SQL."""
    text = str(path).replace("'", "''")
    return f"'{text}'"


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
