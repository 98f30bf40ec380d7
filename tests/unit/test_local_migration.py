"""Stores of earlier versions: brought to today's tables with all that is in them; later ones are left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from collector.local import query
from collector.local.cli.client import StoreReader
from collector.local.decode.signals import BY_PATH
from collector.local.errors import StoreError
from collector.local.store import migrations
from collector.local.store.compact import compact
from collector.local.store.migrations import MIGRATIONS
from collector.local.store.schema import SCHEMA_VERSION, TABLES
from collector.local.store.store import Store
from tests import otlp_samples as otlp

VERSION_1 = Path(__file__).parent.parent / "stores" / "version_1.sql"
KEPT = tuple(table.name for table in TABLES if table.name != "meta")
COLUMNS = (
    "SELECT table_name, column_index, column_name, data_type, is_nullable FROM duckdb_columns() WHERE NOT internal"
)

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


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store of schema version 1, as its program left it."""
    path = tmp_path / "telemetry.duckdb"
    connection = duckdb.connect(str(path))
    connection.execute(VERSION_1.read_text())
    connection.close()
    return path


def contents(path: Path) -> dict[str, str]:
    """Every row of every table, as text: NaN equals NaN."""
    connection = duckdb.connect(str(path), read_only=True)
    found = {name: str(connection.execute(f"SELECT * FROM {name}").fetchall()) for name in KEPT}
    connection.close()
    return found


def facts(path: Path) -> dict[str, str]:
    connection = duckdb.connect(str(path), read_only=True)
    found = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    connection.close()
    return found


def test_a_store_of_version_1_is_migrated_with_every_row(old: Path) -> None:
    """Opened for writing it has today's version and tables, and what was in it; a second opening changes nothing."""
    before = contents(old)
    assert all(rows != "[]" for rows in before.values())
    Store.open(old).close()
    assert contents(old) == before
    assert facts(old)["schema_version"] == str(SCHEMA_VERSION)
    assert facts(old)["written_by"].startswith("search-telemetry")
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


def test_every_version_has_its_step() -> None:
    """The chain has no gap: a new version requires a step that reaches it."""
    assert sorted(MIGRATIONS) == list(range(2, SCHEMA_VERSION + 1))


def test_a_migration_that_fails_in_the_middle_leaves_the_store_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its step is one transaction; the next start, by a program that can, does it all."""
    before = contents(old)
    monkeypatch.setitem(MIGRATIONS, 2, ("DELETE FROM spans", *MIGRATIONS[2], "SELECT no_such_column FROM spans"))
    with pytest.raises(StoreError):
        Store.open(old)
    assert (contents(old), facts(old)) == (before, {"schema_version": "1"})
    monkeypatch.undo()
    Store.open(old).close()
    assert (contents(old), facts(old)["schema_version"]) == (before, str(SCHEMA_VERSION))


def test_steps_are_taken_in_their_order_each_on_its_own(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From version 1 over 2 to 3; when the last fails, the store stays at 2."""
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", 3)
    monkeypatch.setitem(MIGRATIONS, 3, ("UPDATE meta SET value = value || '!' WHERE key = 'written_by'", "SELECT x"))
    with pytest.raises(StoreError):
        Store.open(old)
    assert facts(old) == {"schema_version": "2", "written_by": "search-telemetry"}
    monkeypatch.setitem(MIGRATIONS, 3, ("ALTER TABLE logs ADD COLUMN note VARCHAR",))
    Store.open(old).close()
    assert facts(old)["schema_version"] == "3"


def test_reading_an_old_store_works_and_changes_nothing(old: Path) -> None:
    """The commands that read need no migration."""
    before = old.read_bytes()
    reader = StoreReader(old)
    trace = reader.get(f"/api/traces/{otlp.TRACE_ID}")
    assert [span["span_id"] for span in trace["spans"]] == [otlp.SPAN_ID]
    assert len(reader.get("/api/metrics")["metrics"]) == 5
    assert len(reader.get("/api/logs")["logs"]) == 1
    reader.close()
    assert old.read_bytes() == before


def test_reading_a_store_that_is_too_old_shows_what_to_do(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the queries no longer know its tables."""
    monkeypatch.setattr(migrations, "READABLE_SINCE", 2)
    with pytest.raises(StoreError, match=r"has schema version 1.*`telemetry collect` migrates it"):
        Store.open(old, read_only=True)


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
