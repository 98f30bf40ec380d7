"""The store's file: made, found again, shared with readers, and refused with words when it cannot be used."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from collector.local.decode.decoded import Decoded
from collector.local.decode.signals import BY_PATH
from collector.local.errors import SettingsError, StoreDamagedError, StoreError, StoreForeignError, StoreHeldError
from collector.local.settings import CollectorSettings
from collector.local.store.rows import SpanEventRow, SpanLinkRow, SpanRow
from collector.local.store.schema import SPAN_EVENTS, SPAN_LINKS, SPANS
from collector.local.store.spans.tables import TABLES
from collector.local.store.store import KNOWN_LIMIT, Store
from collector.local.store.views import VIEWS
from tests import otlp_samples as otlp
from tests.otlp_samples import decode

OPEN_AND_WAIT = """
import sys
from pathlib import Path
from collector.local.store.store import Store
store = Store.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def spans(*numbers: int, **fields: Any) -> Decoded:
    return decode(BY_PATH["/v1/traces"], otlp.traces(*(otlp.small_span(number, **fields) for number in numbers)))


def names(store: Store) -> list[str]:
    cursor = store.reader()
    try:
        return [name for (name,) in cursor.execute("SELECT name FROM spans ORDER BY name").fetchall()]
    finally:
        cursor.close()


def test_a_new_store_is_made_with_its_folder_and_found_again(tmp_path: Path) -> None:
    """The first start needs nothing prepared; the second finds what the first stored."""
    path = tmp_path / "new" / "folder" / "telemetry.duckdb"
    store = Store.open(path)
    store.write([spans(1)], ["a"], 5)
    store.close()
    again = Store.open(path)
    assert names(again) == ["span 1"]
    assert again.recent_digests(10) == [("a", 5)]
    again.close()


def test_the_tables_are_those_that_the_schema_declares(tmp_path: Path) -> None:
    """`schema.py` is what is in the file, column by column."""
    store = Store.open(tmp_path / "telemetry.duckdb")
    found = store.reader().execute("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal").fetchall()
    store.close()
    declared = {(made.name, column.name) for made in (*TABLES, *VIEWS) for column in made.columns}
    assert set(found) == declared


def test_the_rows_have_the_columns_of_their_tables() -> None:
    """In the schema's order, which decoder and insert rely on."""
    rows = {SPANS: SpanRow._fields, SPAN_EVENTS: SpanEventRow._fields, SPAN_LINKS: SpanLinkRow._fields}
    for table, fields in rows.items():
        assert fields == tuple(column.name for column in table.columns[:-1])


def test_a_store_can_be_read_while_no_collector_runs_and_is_not_changed(tmp_path: Path) -> None:
    """Read-only opening makes no file, no folder and no table."""
    path = tmp_path / "telemetry.duckdb"
    with pytest.raises(StoreError, match="there is no store at"):
        Store.open(path, read_only=True)
    assert not path.exists()
    store = Store.open(path)
    store.write([spans(1)], ["a"], 5)
    store.close()
    before = path.read_bytes()
    reading = Store.open(path, read_only=True)
    assert names(reading) == ["span 1"]
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        reading.reader().execute("DELETE FROM span_rows")
    reading.close()
    assert path.read_bytes() == before


def test_a_store_held_by_another_process_names_file_pid_and_hint(tmp_path: Path) -> None:
    """For reading and for writing alike."""
    path = tmp_path / "telemetry.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", OPEN_AND_WAIT, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        for read_only in (False, True):
            with pytest.raises(StoreHeldError) as refused:
                Store.open(path, read_only=read_only)
            assert refused.value.message == f"the store {path} is in use by another process (pid {holder.pid})"
            assert "read through the running collector" in refused.value.hint
        holder.stdin.close()
        assert holder.wait() == 0
    Store.open(path).close()


def write_garbage(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


def write_half(path: Path) -> None:
    Store.open(path).close()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def write_scratch(path: Path) -> None:
    Store.open(path).close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 5000] = b"x" * 5000
    path.write_bytes(content)


def write_sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE spans(a)")
    connection.commit()
    connection.close()


def write_foreign_tables(path: Path) -> None:
    connection = duckdb.connect(str(path))
    connection.execute("CREATE TABLE sales(price INTEGER)")
    connection.close()


@pytest.mark.parametrize("damage", [write_garbage, write_half, write_scratch, write_sqlite, write_foreign_tables])
def test_a_file_that_is_not_a_whole_store_is_refused_and_left_as_it_is(damage: Any, tmp_path: Path) -> None:
    """Damaged, of another program, or of another kind: one clear line, and not a byte is changed."""
    path = tmp_path / "telemetry.duckdb"
    damage(path)
    before = path.read_bytes()
    with pytest.raises((StoreDamagedError, StoreForeignError)) as refused:
        Store.open(path)
    assert str(path) in refused.value.message
    assert "use another one: --store PATH" in refused.value.hint
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == before


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    """A store of a later program is not written to by an earlier one."""
    path = tmp_path / "telemetry.duckdb"
    store = Store.open(path)
    store.reader().execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    store.close()
    with pytest.raises(StoreError, match=r"has schema version 99, .*this program reads 1 to 4"):
        Store.open(path)


def test_a_path_that_cannot_be_a_store_is_refused(tmp_path: Path) -> None:
    """A folder in the file's place, a file in the folder's place."""
    with pytest.raises(StoreError, match="is a folder"):
        Store.open(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be created"):
        Store.open(tmp_path / "file" / "telemetry.duckdb")


def test_readers_see_what_is_committed_and_delay_no_other() -> None:
    """A reader in the middle of its answer does not stop the writer, nor see half a transaction."""
    store = Store.open(None)
    store.write([spans(*range(1, 5_001))], ["a"], 5)
    reader = store.reader()
    reader.begin()
    assert reader.execute("SELECT count(*) FROM spans").fetchone() == (5_000,)
    store.write([spans(9_001), spans(9_002)], ["b", "c"], 6)
    assert reader.execute("SELECT count(*) FROM spans").fetchone() == (5_000,)
    assert store.reader().execute("SELECT count(*) FROM spans").fetchone() == (5_002,)
    store.close()


def test_a_transaction_that_fails_leaves_nothing_behind() -> None:
    """All exports of a group, or none; the next group is stored as if nothing had been."""
    store = Store.open(None)
    broken = spans(2)
    broken.rows[SPANS.name] = [(None, *row[1:]) for row in broken.rows[SPANS.name]]
    with pytest.raises(duckdb.DataError):
        store.write([spans(1), broken], ["a", "b"], 5)
    assert names(store) == []
    assert store.recent_digests(10) == []
    store.write([spans(3)], ["c"], 6)
    assert names(store) == ["span 3"]
    assert store.reader().execute("SELECT count(*) FROM resources").fetchone() == (1,)
    store.close()


def test_each_commit_wakes_who_waits() -> None:
    """`changed` is the event that a new span has come; closing wakes everybody."""
    store = Store.open(None)
    seen = store.changed.sequence
    waited: list[int] = []
    waiter = threading.Thread(target=lambda: waited.append(store.changed.wait(seen, 60)))
    waiter.start()
    store.write([spans(1)], ["a"], 5)
    waiter.join(60)
    assert waited == [seen + 1]
    assert store.changed.wait(seen + 1, 0) == seen + 1
    waiter = threading.Thread(target=lambda: waited.append(store.changed.wait(seen + 1, 60)))
    waiter.start()
    store.close()
    waiter.join(60)
    assert (waited[1], store.changed.closed) == (seen + 1, True)


def test_a_resource_is_stored_once_however_many_are_seen() -> None:
    """The memory of known resources is bounded; beyond it the store itself is asked."""
    store = Store.open(None)

    def export(first: int) -> Decoded:
        decoded = spans(1)
        decoded.resources = {
            number: (number, "service", "{}", 0, "") for number in range(first, first + KNOWN_LIMIT + 1)
        }
        return decoded

    for number, first in enumerate((0, 0, 5, 0)):
        store.write([export(first)], [str(number)], 5)
    counted = "SELECT count(*), count(DISTINCT resource_id) FROM resources"
    assert store.reader().execute(counted).fetchone() == (KNOWN_LIMIT + 6, KNOWN_LIMIT + 6)
    store.close()


def test_old_exports_are_forgotten() -> None:
    """The memory of exports in the file is bounded by age."""
    store = Store.open(None)
    for when in (5, 6, 7):
        store.write([spans(when)], [str(when)], when)
    store.forget_digests(6)
    assert store.recent_digests(10) == [("6", 6), ("7", 7)]
    assert store.recent_digests(1) == [("7", 7)]
    store.close()


def test_settings_name_every_mistake_at_once() -> None:
    """A limit that cannot be is refused before anything starts."""
    with pytest.raises(SettingsError) as refused:
        CollectorSettings(queue_exports=0, retry_after_s=-1.0, max_request_bytes=10, queue_bytes=5)
    assert "queue_exports=0 must be above 0" in str(refused.value)
    assert "retry_after_s=-1.0 must be above 0" in str(refused.value)
    assert "max_request_bytes=10 is above queue_bytes=5" in str(refused.value)
