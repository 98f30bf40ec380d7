"""Tells a damaged store from one that cannot be used for another reason, and moves a damaged one out of the way.

In: a store's path, an open connection, an error of DuckDB. Out: `StoreDamagedError`; the new name of what was moved.
No state. Nothing is ever deleted, and looking changes no byte.

Measured with DuckDB 2.0: a damaged file makes it raise, never abort (190 files, cut short or with random bytes in
them). But it opens, without a word, a file whose log is not one (the log's records are lost at the next write), a file
that misses its end, and, where the file itself is gone, a new one in its place, deleting the log. Those three are found
here.
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
ANOTHER = "name another with --store"
_FILE_HEADER = 3 * 4096
"""DuckDB's file begins with three headers of this size together; after them come its blocks, all of one size."""
_WAL_HEADER = 256
"""A log shorter than this holds no record yet: its writer was killed as it began it."""


def is_damage(text: str) -> bool:
    """Whether a message of DuckDB says that the file's content is broken, and not that something around it is."""
    return bool(_SIGNS.search(text)) and not _OTHER_CAUSES.search(text)


def wal_of(path: Path) -> Path:
    """The write-ahead log of a store: what was committed and is not in the file yet."""
    return path.with_name(path.name + ".wal")


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def check_log_has_file(path: Path) -> None:
    """See that there is no log without its file.

    Raises:
        StoreDamagedError: there is; DuckDB would delete it.
        StoreError: its folder may not be looked into.
    """
    try:
        there = path.exists()
    except OSError as error:
        raise StoreError(f"the store {path} cannot be opened: {error.strerror}", f"fix that, or {ANOTHER}") from error
    if not there and size_of(wal_of(path)) > _WAL_HEADER:
        raise StoreDamagedError(f"the store {path} is gone and its log {wal_of(path).name} is there", _hint(path))


def check_open(cursor: duckdb.DuckDBPyConnection, path: Path) -> None:
    """See that an open store is whole, as far as that can be seen without reading all of it.

    Raises:
        StoreDamagedError: the log was not read.
        duckdb.Error: the file misses its end.
    """
    row = cursor.execute("SELECT wal_size, total_blocks * block_size FROM pragma_database_size()").fetchone()
    read, blocks = row or ("", 0)
    if str(read) == "0 bytes" and size_of(wal_of(path)) > _WAL_HEADER:
        raise StoreDamagedError(f"the store {path} is damaged: its log {wal_of(path).name} is none", _hint(path))
    if size_of(path) < _FILE_HEADER + int(blocks):  # cut off; or killed as it grew, and whole
        read_all(cursor)


def read_all(cursor: duckdb.DuckDBPyConnection) -> None:
    """Read every value. Raises `duckdb.Error` where that cannot be done."""
    names = cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    for (name,) in names:
        cursor.execute(f'SELECT bit_xor(hash(COLUMNS(*))) FROM "{name}"').fetchall()  # noqa: S608 (a table's name)


def set_aside(path: Path) -> Path:
    """Rename a damaged store, and its log with it, so that both can still be looked at; return the new name.

    Raises:
        StoreForeignError: it does not look like a store of ours: it is left alone.
        StoreError: it cannot be renamed.
    """
    if not _looks_like_a_store(path):
        raise StoreForeignError(f"{path} is no store of telemetry", ANOTHER)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists() or wal_of(aside).exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    try:
        # The log first: killed in between, the file is found damaged or whole, never with a log of another file.
        for old, new in ((wal_of(path), wal_of(aside)), (path, aside)):
            if old.exists():
                old.rename(new)
    except OSError as error:
        hint = f"move it away, or {ANOTHER}"
        raise StoreError(f"the damaged store {path} cannot be renamed: {error.strerror}", hint) from error
    return aside


def _looks_like_a_store(path: Path) -> bool:
    """Whether it is a file of DuckDB, or one that by its name was meant to be: nobody's thesis is moved away."""
    if not path.exists():
        return True
    with path.open("rb") as file:
        start = file.read(16)
    return start[8:12] == b"DUCK" or (path.suffix == ".duckdb" and not start.startswith(b"SQLite format"))


def _hint(path: Path) -> str:
    return f"`telemetry collect --store {path}` sets it aside and starts a new one; or {ANOTHER}"
