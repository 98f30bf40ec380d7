"""Stores of earlier versions: brought to today's tables with all that is in them; later ones are left alone."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from collector.local import query
from collector.local.cli.client import StoreReader
from collector.local.decode.signals import BY_PATH
from collector.local.errors import StoreError
from collector.local.store import replacing
from collector.local.store.compact import compact
from collector.local.store.migrations import MIGRATIONS, SINCE_TYPED
from collector.local.store.schema import (
    BATCHES,
    BY_SIGNAL,
    RESOURCES,
    SCHEMA_VERSION,
    SCOPES,
    SPAN_EVENTS,
    SPAN_LINKS,
    SPANS,
)
from collector.local.store.store import Store
from tests import otlp_samples as otlp

VERSION_1 = Path(__file__).parent.parent / "stores" / "version_1.sql"
KEPT = tuple(table.name for table in (BATCHES, RESOURCES, SCOPES, SPANS, SPAN_EVENTS, SPAN_LINKS, *BY_SIGNAL))
NEW = {"trace_no", "segment_no"}
COLUMNS = (
    "SELECT table_name, column_index, column_name, data_type, is_nullable FROM duckdb_columns() WHERE NOT internal"
)

KILLED_AMID = """
import os, signal, sys
from pathlib import Path
from collector.local.store import upgrade
from collector.local.store.store import Store
upgrade._copy_around = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
Store.open(Path(sys.argv[1]))
"""
LATER_AND_KILLED = """
import os, sys
from pathlib import Path
from collector.local.store.store import Store
store = Store.open(Path(sys.argv[1]))
cursor = store.reader()
cursor.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
cursor.execute("UPDATE meta SET value = 'search-telemetry 9.1' WHERE key = 'written_by'")
os._exit(0)
"""


@pytest.fixture(params=[1, 2])
def old(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A store of schema version 1 or 2, as its program left it: that of 2 also says who wrote it."""
    path = tmp_path / "telemetry.duckdb"
    connection = duckdb.connect(str(path))
    connection.execute(VERSION_1.read_text())
    if request.param == 2:
        connection.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
        connection.execute("INSERT INTO meta VALUES ('written_by', 'search-telemetry 0.1.0')")
    connection.close()
    return path


def contents(path: Path) -> dict[str, str]:
    """Every row of every table, as text: NaN equals NaN."""
    connection = duckdb.connect(str(path), read_only=True)
    found = {
        name: str(
            connection.execute(f"SELECT COLUMNS(lambda c: c NOT IN {tuple(NEW)}) FROM {name} ORDER BY ALL").fetchall()
        )
        for name in KEPT
    }
    connection.close()
    return found


def facts(path: Path) -> dict[str, str]:
    connection = duckdb.connect(str(path), read_only=True)
    found = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    connection.close()
    return found


def test_an_old_store_is_migrated_with_every_row(old: Path) -> None:
    """Opened for writing it has today's version and tables, and what was in it; a second opening changes nothing."""
    folder = sorted(file.name for file in old.parent.iterdir())
    before = contents(old)
    assert all(rows != "[]" for rows in before.values())
    Store.open(old).close()
    assert contents(old) == before
    assert facts(old)["schema_version"] == str(SCHEMA_VERSION)
    assert facts(old)["written_by"].startswith("search-telemetry")
    assert sorted(file.name for file in old.parent.iterdir()) == folder
    migrated = old.read_bytes()
    Store.open(old).close()
    assert facts(old)["schema_version"] == str(SCHEMA_VERSION)
    assert len(old.read_bytes()) == len(migrated)


def test_a_migrated_store_has_the_tables_of_a_new_one(old: Path, tmp_path: Path) -> None:
    """Column by column: what the migrations lead to is what `schema.py` declares."""
    Store.open(old).close()
    new = tmp_path / "new.duckdb"
    Store.open(new).close()
    described = []
    for path in (old, new):
        connection = duckdb.connect(str(path), read_only=True)
        described.append(sorted(connection.execute(COLUMNS).fetchall()))
        connection.close()
    assert described[0] == described[1]


def test_a_migrated_store_takes_what_comes_and_still_knows_what_came(old: Path) -> None:
    """New points get ids of their own, resources are found again, exports that were stored are remembered."""
    store = Store.open(old)
    assert len(store.recent_digests(10)) == 4
    store.write([otlp.decode(BY_PATH["/v1/metrics"], otlp.metrics(*otlp.every_metric()))], ["new"], 5)
    cursor = store.reader()
    assert cursor.execute("SELECT count(*), count(DISTINCT point_id) FROM metric_points").fetchone() == (14, 14)
    assert cursor.execute("SELECT count(*), count(DISTINCT resource_id) FROM resources").fetchone() == (2, 2)
    cursor.close()
    store.close()


def test_views_of_another_program_are_replaced(tmp_path: Path) -> None:
    """Its tables have the same version; a store that is only read stays as it is."""
    path = tmp_path / "store.duckdb"
    Store.open(path).close()
    with closing(duckdb.connect(str(path))) as other:
        other.execute("CREATE OR REPLACE VIEW trace_ids AS SELECT 0 AS trace_no, 'other' AS trace_id, 0 AS id_key")
        other.execute("UPDATE meta SET value = 'other' WHERE key = 'views'")
    for read_only, shown in ((True, [("other",)]), (False, []), (True, [])):
        with closing(Store.open(path, read_only=read_only)) as store:
            assert store.reader().execute("SELECT trace_id FROM trace_ids").fetchall() == shown


def test_a_store_of_version_3_has_what_is_unused_no_more(tmp_path: Path) -> None:
    """Its traces, folded and not, stay; a late span finds its trace."""
    path = tmp_path / "store.duckdb"
    spans = [otlp.decode(BY_PATH["/v1/traces"], otlp.traces(otlp.small_span(number))) for number in (1, 2, 1)]
    with closing(Store.open(path)) as store:
        store.write(spans[:1], ["folded"], 5)
        store.fold(5, everything=True)
        store.write(spans[1:2], ["open"], 5)
        before = store.reader().execute("SELECT * FROM traces ORDER BY ALL").fetchall()
    with closing(duckdb.connect(str(path))) as old:
        kinds = {"root_id": "UBIGINT", "server_key": "BIGINT", "server_parent": "UBIGINT", "server_ns": "BIGINT"}
        for name, kind in kinds.items():
            old.execute(f"ALTER TABLE trace_rows ADD COLUMN {name} {kind} DEFAULT 1")
        old.execute("ALTER TABLE trace_parts ADD COLUMN transit_ns BIGINT DEFAULT 1")
        old.execute("UPDATE meta SET value = '3' WHERE key = 'schema_version'")
    with closing(Store.open(path)) as store:
        assert store.reader().execute("SELECT * FROM traces ORDER BY ALL").fetchall() == before
        columns = store.reader().execute(COLUMNS).fetchall()
        store.write(spans[2:], ["late"], 6)
        store.fold(6, everything=True)
        assert sorted(store.reader().execute("SELECT span_count FROM traces").fetchall()) == [(1,), (2,)]
    with closing(Store.open(None)) as new:
        assert sorted(columns) == sorted(new.reader().execute(COLUMNS).fetchall())


def test_every_version_has_its_step() -> None:
    """The chain has no gap: a new version requires a step that reaches it."""
    assert sorted(MIGRATIONS) == list(range(SINCE_TYPED + 1, SCHEMA_VERSION + 1))


def test_a_migrated_store_has_its_summaries(old: Path) -> None:
    """Made from the spans, as if these had just come."""
    Store.open(old).close()
    reader = StoreReader(old)
    assert [row["span_count"] for row in reader.get("/api/traces")["traces"]] == [1, 1, 1]
    reader.close()
    store = Store.open(old)
    with store.reader() as cursor:
        assert cursor.execute("SELECT sum(n) FROM span_minutes").fetchone() == (3,)
        assert cursor.execute("SELECT count(*), sum(span_count) FROM trace_rows").fetchone() == (3, 3)
    store.close()


@pytest.mark.parametrize("where", ["copying", "counting", "disk", "naming"])
def test_a_migration_that_fails_leaves_the_store_as_it_was(
    where: str, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left beside it; the next start, by a program that can, does it all."""
    before, was = contents(old), facts(old)

    def fail(*_: object) -> None:
        raise duckdb.IOException("IO Error: no disk")

    if where == "copying":
        monkeypatch.setattr("collector.local.store.upgrade._copy_around", fail)
    elif where == "counting":
        real = replacing.number
        monkeypatch.setattr(
            "collector.local.store.upgrade.number", lambda hub, sql: real(hub, sql) + ("FROM span_rows" in sql)
        )
    elif where == "disk":
        monkeypatch.setattr(replacing, "SPARE_BYTES", 10**18)
    else:
        monkeypatch.setattr("os.fsync", lambda _: fail_with(OSError(28, "No space left on device")))
    with pytest.raises(StoreError):
        Store.open(old)
    assert (contents(old), facts(old)) == (before, was)
    assert [file.name for file in old.parent.iterdir()] == [old.name]
    monkeypatch.undo()
    Store.open(old).close()
    assert (contents(old), facts(old)["schema_version"]) == (before, str(SCHEMA_VERSION))


def fail_with(error: Exception) -> None:
    raise error


def test_a_migration_that_was_killed_leaves_the_store_as_it_was(old: Path) -> None:
    """Killed in the middle of the copy; the next start removes what it left, and migrates."""
    before, was = contents(old), facts(old)
    killed = subprocess.run([sys.executable, "-c", KILLED_AMID, str(old)], check=False)
    assert killed.returncode == -9
    assert len(list(old.parent.iterdir())) > 1
    assert (contents(old), facts(old)) == (before, was)
    Store.open(old).close()
    assert contents(old) == before
    assert [file.name for file in old.parent.iterdir()] == [old.name]


def test_an_old_store_is_read_from_a_copy(old: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The queries know its spans then. The store itself is not changed, and the copy is deleted at the end."""
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(copies))
    before = old.read_bytes()
    reader = StoreReader(old)
    assert [row["span_count"] for row in reader.get("/api/traces")["traces"]] == [1, 1, 1]
    assert len(list(copies.iterdir())) == 1
    reader.close()
    assert (old.read_bytes(), list(copies.iterdir())) == (before, [])


@pytest.mark.parametrize("name", ["old.duckdb", "new.duckdb", "memory.duckdb"])
def test_a_store_may_have_any_name(name: str, old: Path) -> None:
    """DuckDB calls a file by the first part of its name, also while the store is copied."""
    before = contents(old)
    renamed = old.rename(old.with_name(name))
    compact(renamed, lambda *_: None, lambda *_: None)
    assert contents(renamed) == before
    compact(renamed, lambda *_: None, lambda *_: None)
    assert contents(renamed) == before


@pytest.mark.parametrize("read_only", [False, True], ids=["to write", "to read"])
def test_a_store_of_a_later_version_is_refused_and_not_a_byte_of_it_changed(read_only: bool, tmp_path: Path) -> None:
    """Not even its log is moved into the file; the message names the program that wrote it."""
    path = tmp_path / "telemetry.duckdb"
    subprocess.run([sys.executable, "-c", LATER_AND_KILLED, str(path)], check=True)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert before["telemetry.duckdb.wal"]
    with pytest.raises(StoreError) as refused:
        Store.open(path, read_only=read_only)
    assert "schema version 99, written by search-telemetry 9.1; this program reads 1 to" in refused.value.message
    assert "use the program that wrote it" in refused.value.hint
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_compacting_an_old_store_migrates_it(old: Path) -> None:
    """The new file has today's tables, and the old one's rows."""
    before = contents(old)
    compact(old, lambda *_: None, lambda *_: None)
    assert (contents(old), facts(old)["schema_version"]) == (before, str(SCHEMA_VERSION))
    store = Store.open(old)
    with store.reader() as cursor:
        assert query.store_stats(cursor).spans == 3
    store.close()
