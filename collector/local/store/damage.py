"""Detects a damaged store, and renames it.

Nothing is ever deleted, and the checks do not change the file.

Measured with DuckDB 2.0: it raises for a damaged file, and never aborts (190 files, truncated or with random bytes).
But it opens without an error a file whose log is invalid (the log's records are lost at the next write), a truncated
file, and, if the file is missing, a new one, and deletes the log. Those three are detected here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from collector.local.errors import StoreDamagedError, StoreError, StoreForeignError

_SIGNS = re.compile(r"corrupt|not a valid DuckDB|WAL does not match|could not read enough bytes", re.IGNORECASE)
_OTHER_CAUSES = re.compile(
    r"no space left|permission denied|file too large|quota|out of memory|too many open files|temporary file",
    re.IGNORECASE,
)
ANOTHER = "use another one: --store PATH"
_FILE_HEADER = 3 * 4096
"""Size of the three headers at the start of DuckDB's file; its blocks follow, all of one size."""
_WAL_HEADER = 256
"""A shorter log has no record yet: its writer was killed when it started the log."""


def is_damage(text: str) -> bool:
    """Whether a message of DuckDB reports damaged content, and not another cause."""
    return bool(_SIGNS.search(text)) and not _OTHER_CAUSES.search(text)


def wal_of(path: Path) -> Path:
    """The write-ahead log of a store: what is committed and not in the file yet."""
    return path.with_name(path.name + ".wal")


def size_of(path: Path) -> int:
    """Bytes of a file; 0 if it does not exist."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def check_log_has_file(path: Path) -> None:
    """Check that there is no log without its file.

    Raises:
        StoreDamagedError: there is; DuckDB would delete it.
        StoreError: its folder cannot be read.
    """
    try:
        there = path.exists()
    except OSError as error:
        raise StoreError(f"the store {path} cannot be opened: {error.strerror}", f"fix that, or {ANOTHER}") from error
    if not there and size_of(wal_of(path)) > _WAL_HEADER:
        raise StoreDamagedError(f"the store {path} is missing, and its log {wal_of(path).name} exists", _hint(path))


def check_open(cursor: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Check that an open store is complete, as far as possible without reading all of it.

    Raises:
        StoreDamagedError: the log was not read.
        duckdb.Error: the file is truncated.
    """
    row = cursor.execute("SELECT wal_size, total_blocks * block_size FROM pragma_database_size()").fetchone()
    read, blocks = row or ("", 0)
    if str(read) == "0 bytes" and size_of(wal_of(path)) > _WAL_HEADER:
        raise StoreDamagedError(f"the store {path} is damaged: its log {wal_of(path).name} is invalid", _hint(path))
    if size_of(path) < _FILE_HEADER + int(blocks):  # truncated; or killed as it grew, and complete
        read_all(cursor)


def read_all(cursor: duckdb.DuckDBPyConnection) -> None:
    """Read every value. Raises `duckdb.Error` if that fails."""
    names = cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    for (name,) in names:
        cursor.execute(f'SELECT bit_xor(hash(COLUMNS(*))) FROM "{name}"').fetchall()  # noqa: S608 (a table's name)


def set_aside(path: Path) -> Path:
    """Rename a damaged store and its log, so that both can be examined; return the new name.

    Raises:
        StoreForeignError: it does not look like a store: it is not changed.
        StoreError: it cannot be renamed.
    """
    if not _looks_like_a_store(path):
        raise StoreForeignError(f"{path} is not a store of telemetry", ANOTHER)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists() or wal_of(aside).exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    try:
        # The log first: if this is killed in between, no file has the log of another.
        for old, new in ((wal_of(path), wal_of(aside)), (path, aside)):
            if old.exists():
                old.rename(new)
    except OSError as error:
        hint = f"move it, or {ANOTHER}"
        raise StoreError(f"the damaged store {path} cannot be renamed: {error.strerror}", hint) from error
    return aside


def _looks_like_a_store(path: Path) -> bool:
    """Whether it is a file of DuckDB, or has the name of one: other files are never moved."""
    if not path.exists():
        return True
    with path.open("rb") as file:
        start = file.read(16)
    return start[8:12] == b"DUCK" or (path.suffix == ".duckdb" and not start.startswith(b"SQLite format"))


def _hint(path: Path) -> str:
    return f"`telemetry collect --store {path}` renames it and starts a new one; or {ANOTHER}"
