"""Copies a store whose spans are text (schema versions 1 and 2) into a new file with today's tables.

In: the path of a store that no collector writes. Out: the same telemetry with summaries: under the same name, or for
reading in a folder of its own. Owns the new file until it is renamed; killed at any time, the store is the old one, and
the next start tries again.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from collector.local.amounts import size_text
from collector.local.errors import StoreError
from collector.local.store.migrations import make_tables
from collector.local.store.opening import explain
from collector.local.store.replacing import alone, check_room, new_file, number, put_in_place, quoted
from collector.local.store.rows import ExportRows, SpanEventRow, SpanLinkRow, SpanRow
from collector.local.store.schema import BATCHES, BY_SIGNAL, RESOURCES, SCOPES, SPAN_EVENTS, SPAN_LINKS, SPANS
from collector.local.store.spans.store import SpanStore
from collector.local.store.spans.tables import EVENT_ROWS, LINK_ROWS, SPAN_ROWS

SPANS_AT_ONCE = 20_000
ROWS_AT_ONCE = 500_000
CONFIG: dict[str, Any] = {"memory_limit": "512MB", "pandas_analyze_sample": 0}
TELL_EVERY_S = 5.0
_SAME = (BATCHES, RESOURCES, SCOPES, *BY_SIGNAL)
_TYPED = {SPANS.name: SPAN_ROWS.name, SPAN_EVENTS.name: EVENT_ROWS.name, SPAN_LINKS.name: LINK_ROWS.name}
_USED = "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = 'old'"
_log = logging.getLogger(__name__)


class _Progress:
    """Logs how far the copy is."""

    def __init__(self, path: Path, total: int) -> None:
        self._path = path
        self._total = total
        self._done = 0
        self._tell_at = time.monotonic() + TELL_EVERY_S

    def add(self, rows: int) -> None:
        """So many more rows are copied."""
        self._done += rows
        if time.monotonic() >= self._tell_at:
            self._tell_at = time.monotonic() + TELL_EVERY_S
            share = 100 * self._done // max(1, self._total)
            _log.warning("Migrating the store %s: %d %% of %s rows.", self._path, share, f"{self._total:,}")


def upgrade(path: Path) -> int:
    """Bring a store of version 1 or 2 to today's tables; return how many rows it has.

    Raises:
        StoreHeldError: a collector, or another upgrade, uses it.
        StoreError: the disk is too full, or the copy failed; the store is as it was.
    """
    path = path.resolve()  # the target of a link is replaced, not the link
    with alone(path), new_file(path, "migrate") as new:
        try:
            duckdb.connect(str(path)).close()  # moves its log into the file
        except duckdb.Error as error:
            raise explain(path, error) from error
        total = _copy_to(new, path)
        before = path.stat().st_size
        put_in_place(new, path)
    _log.warning(
        "The store %s was migrated: %s rows, %s before, %s now.",
        path,
        f"{total:,}",
        size_text(before),
        size_text(path.stat().st_size),
    )
    return total


def copy_for_reading(path: Path) -> TemporaryDirectory[str]:
    """Copy a store of version 1 or 2 into a folder that is deleted after use, under the same name; it stays as it is.

    Raises:
        StoreHeldError: a collector uses it.
        StoreError: the disk is too full, or the copy failed.
    """
    folder = TemporaryDirectory(prefix="telemetry-")
    try:
        _copy_to(Path(folder.name) / path.name, path)
    except BaseException:
        folder.cleanup()
        raise
    return folder


def _copy_to(new: Path, path: Path) -> int:
    """Copy the store at `path` into a new file; return how many rows it has."""
    try:
        with closing(duckdb.connect(config=CONFIG)) as hub:  # in memory: a file's own name could be `old`
            hub.execute(f"ATTACH {quoted(path)} AS old (READ_ONLY)")
            check_room(new, number(hub, _USED), lambda *_: None)
            hub.execute(f"ATTACH {quoted(new)} AS new")
            hub.execute("USE new")
            make_tables(hub)
            total = _copy(hub, path)
            hub.execute("DETACH old")
            hub.execute("CHECKPOINT new")
            return total
    except duckdb.Error as error:
        raise explain(path, error) from error


def _copy(hub: duckdb.DuckDBPyConnection, path: Path) -> int:
    counts = {table.name: number(hub, f"SELECT count(*) FROM old.{table.name}") for table in _SAME}  # noqa: S608 (our names)
    counts |= {name: number(hub, f"SELECT count(*) FROM old.{name}") for name in _TYPED}  # noqa: S608
    progress = _Progress(path, sum(counts.values()))
    for table in _SAME:
        for start in range(0, _end(hub, table.name), ROWS_AT_ONCE):
            among = f"rowid >= {start} AND rowid < {start + ROWS_AT_ONCE}"
            progress.add(number(hub, f"INSERT INTO {table.name} SELECT * FROM old.{table.name} WHERE {among}"))  # noqa: S608
    _copy_spans(hub, progress)
    _copy_around(hub, SPAN_EVENTS.name, SpanEventRow._fields, progress)
    _copy_around(hub, SPAN_LINKS.name, SpanLinkRow._fields, progress)
    for name, expected in counts.items():
        held = number(hub, f"SELECT count(*) FROM {_TYPED.get(name, name)}")  # noqa: S608
        if held != expected:
            raise StoreError(f"the copy has {held} of {expected} rows of {name}", "nothing was changed; try again")
    return sum(counts.values())


def _copy_spans(hub: duckdb.DuckDBPyConnection, progress: _Progress) -> None:
    """Store all spans again, in the order of arrival, as if they had just been decoded."""
    resources = {row[0]: row for row in hub.execute("SELECT * FROM resources").fetchall()}
    names = ", ".join((*SpanRow._fields, "ingested_unix_ns"))
    spans = SpanStore()
    for start in range(0, _end(hub, SPANS.name), SPANS_AT_ONCE):
        among = f"rowid >= {start} AND rowid < {start + SPANS_AT_ONCE}"
        found = hub.execute(f"SELECT {names} FROM old.spans WHERE {among} ORDER BY rowid").fetchall()  # noqa: S608
        if not found:
            continue
        export = ExportRows("traces", len(found), {SPANS.name: [row[:-1] for row in found]}, resources)
        hub.begin()
        spans.write(hub, [export], [int(row[-1]) for row in found])
        spans.fold(hub, time.time_ns())
        hub.commit()
        progress.add(len(found))
    hub.begin()
    spans.fold(hub, time.time_ns(), everything=True)
    hub.commit()


def _copy_around(hub: duckdb.DuckDBPyConnection, name: str, fields: tuple[str, ...], progress: _Progress) -> None:
    """Copy events or links; their traces have numbers now."""
    columns = ", ".join(f"old_rows.{field}" for field in (*fields[2:], "ingested_unix_ns"))
    for start in range(0, _end(hub, name), ROWS_AT_ONCE):
        among = f"old_rows.rowid >= {start} AND old_rows.rowid < {start + ROWS_AT_ONCE}"
        progress.add(
            number(
                hub,
                f"INSERT INTO {_TYPED[name]} SELECT ids.trace_no, ('0x' || old_rows.span_id)::UBIGINT, {columns} "  # noqa: S608
                f"FROM old.{name} AS old_rows JOIN trace_ids AS ids "
                f"USING (trace_id) WHERE {among}",
            )
        )


def _end(hub: duckdb.DuckDBPyConnection, name: str) -> int:
    return number(hub, f"SELECT coalesce(max(rowid) + 1, 0) FROM old.{name}")  # noqa: S608
