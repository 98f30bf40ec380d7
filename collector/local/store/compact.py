"""Copies a store into a new file without its free blocks, and replaces the old file with it.

In: the path of a store that no collector writes. Out: the same telemetry in a smaller file. Owns the new file until it
is renamed.

After any failure, and if it is killed at any time, the store's name is that of the old file or of the complete new one.
During the copy the old file is open for reading, which prevents a collector from opening it, and locked against a
second compaction.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from collector.local.errors import StoreError, StoreHeldError
from collector.local.settings import CollectorSettings
from collector.local.store.damage import size_of, wal_of
from collector.local.store.migrations import SINCE_TYPED
from collector.local.store.opening import explain
from collector.local.store.replacing import Begin, Progress, alone, check_room, new_file, number, put_in_place, quoted
from collector.local.store.spans.tables import TABLES
from collector.local.store.store import Store, inspect
from collector.local.store.upgrade import upgrade
from collector.local.store.views import VIEWS

ROWS_AT_ONCE = 500_000
"""Rows copied between two reports of progress."""
_USED = "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = 'old'"
CONFIG: dict[str, Any] = {"memory_limit": "1GB", "checkpoint_threshold": "1TB"}
"""One checkpoint, at the end: more would leave free blocks in the new file."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """Bytes of the file before and after; equal if a copy would not be smaller."""

    before: int
    after: int
    rows: int


def compact(path: Path, begin: Begin, progress: Progress) -> Compacted:
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
    settings = CollectorSettings(max_store_bytes=None)
    before = size_of(path)
    if inspect(path, settings) < SINCE_TYPED:
        rows = upgrade(path)  # copies it, too
        return Compacted(before, size_of(path), rows)
    with alone(path):
        Store.open(path, settings=settings).close()  # moves its log into the file
        before = size_of(path)
        with new_file(path, "compact") as new, closing(duckdb.connect(config=CONFIG)) as hub:
            try:
                hub.execute(f"ATTACH {quoted(path)} AS old (READ_ONLY)")
                if size_of(wal_of(path)):
                    raise StoreHeldError(f"a collector has started to use the store {path}", "stop it, and try again")
                check_room(path, number(hub, _USED), begin)
                hub.execute(f"ATTACH {quoted(new)} AS new")
                rows = _copy(hub, progress)
                hub.execute("DETACH new")
            except duckdb.Error as error:
                raise explain(path, error) from error
            if size_of(new) < before:
                put_in_place(new, path)
        return Compacted(before, size_of(path), rows)


def _copy(hub: duckdb.DuckDBPyConnection, progress: Progress) -> int:
    """Copy all rows of all tables, in order; return how many."""
    total = sum(number(hub, f"SELECT count(*) FROM old.{table.name}") for table in TABLES)  # noqa: S608 (our names)
    copied = 0
    for table in TABLES:
        hub.execute(table.ddl().replace(f'"{table.name}"', f'new."{table.name}"', 1))
        end = number(hub, f"SELECT coalesce(max(rowid) + 1, 0) FROM old.{table.name}")  # noqa: S608
        for start in range(0, end, ROWS_AT_ONCE):
            copied += number(
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
    held = sum(number(hub, f"SELECT count(*) FROM new.{table.name}") for table in TABLES)  # noqa: S608
    if held != total:
        raise StoreError(f"the copy has {held} rows of {total}", "the store was not changed; try again")
    return total
