"""A damaged store is moved out of the way with its log, never deleted; what is not ours or not damaged stays."""

from __future__ import annotations

import http.client
import json
import logging
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from collector.local.cli.client import StoreReader
from collector.local.decode.decoded import Decoded
from collector.local.errors import StoreDamagedError, StoreError, StoreForeignError
from collector.local.server import LocalCollector
from collector.local.settings import CollectorSettings
from collector.local.store.damage import is_damage, set_aside
from collector.local.store.store import Store
from tests import otlp_samples as otlp
from tests.local_collector import JSON, post

SETTINGS = CollectorSettings(reopen_after_s=0.01)
# Leaves a file with some blocks of spans, a log with more, and a free lock: as kill -9 does.
FILL_AND_DIE = """
import os, sys
from pathlib import Path
from collector.local.decode.decoded import Decoded
from collector.local.store.store import Store
store = Store.open(Path(sys.argv[1]))
def write(name, count):
    decoded = Decoded("traces", records=count)
    decoded.rows["spans"] = [
        (os.urandom(16).hex(), os.urandom(8).hex(), None, name, "server", "shop", 5, 6, "unset", "", "{}",
         0, 0, 0, "", 0, 1, 1) for _ in range(count)]
    store.write([decoded], [name], 5)
write("in the file", 20000)
store.checkpoint()
write("in the log", 5)
os._exit(0)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """The bytes of a whole store whose collector was killed, and of its log."""
    path = tmp_path_factory.mktemp("killed") / "telemetry.duckdb"
    subprocess.run([sys.executable, "-c", FILL_AND_DIE, str(path)], check=True)
    return path.read_bytes(), Path(f"{path}.wal").read_bytes()


Damage = Callable[[bytes, bytes], tuple[bytes | None, bytes]]
NOISE = bytes(range(1, 200)) * 50


def scratched(content: bytes, place: float, size: int) -> bytes:
    start = int(len(content) * place)
    return content[:start] + NOISE[:size] + content[start + size :]


DAMAGES: dict[str, Damage] = {
    "random bytes": lambda file, log: (NOISE * 10, log),
    "empty": lambda file, log: (b"", log),
    "zeros": lambda file, log: (bytes(len(file)), log),
    "header scratched": lambda file, log: (scratched(file, 0, 100), log),
    "half of it": lambda file, log: (file[: len(file) // 2], log),
    "last byte missing": lambda file, log: (file[:-1], log),
    "log scratched": lambda file, log: (file, scratched(log, 0.5, 20)),
    "log of random bytes": lambda file, log: (file, NOISE),
    "log of zeros": lambda file, log: (file, bytes(len(log))),
    "log of another store": lambda file, log: (another_store(), log),
    "file gone, log there": lambda file, log: (None, log),
}


def another_store() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "telemetry.duckdb"
        Store.open(path).close()
        return path.read_bytes()


def make(folder: Path, files: tuple[bytes | None, bytes]) -> Path:
    path = folder / "telemetry.duckdb"
    for file, content in ((path, files[0]), (Path(f"{path}.wal"), files[1])):
        if content is not None:
            file.write_bytes(content)
    return path


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_store_that_was_killed_is_whole(killed: tuple[bytes, bytes], tmp_path: Path) -> None:
    """What is in the log counts; nothing is set aside."""
    store = Store.open_or_start_afresh(make(tmp_path, killed), SETTINGS)
    assert store.reader().execute("SELECT count(*) FROM spans").fetchone() == (20_005,)
    store.close()
    assert [file.name for file in tmp_path.iterdir()] == ["telemetry.duckdb"]


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_store_is_renamed_and_a_new_one_started(
    damage: Damage, killed: tuple[bytes, bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """File and log keep every byte under a new name, a line reports it, and the new store works and persists."""
    path = make(tmp_path, damage(*killed))
    before = bytes_in(tmp_path)
    with caplog.at_level(logging.WARNING, "collector"):
        store = Store.open_or_start_afresh(path, SETTINGS)
    store.write([Decoded("traces")], ["a"], 7)
    store.close()
    files = bytes_in(tmp_path)
    new = files.pop("telemetry.duckdb")
    assert new != before.get("telemetry.duckdb")
    stamped = {re.sub(r"\.damaged-\d{8}T\d{6}Z", "", name): content for name, content in files.items()}
    assert stamped == before
    (logged,) = (record.getMessage() for record in caplog.records)
    assert re.search(r"It was renamed to .*telemetry\.duckdb\.damaged-\d{8}T\d{6}Z; a new store was started\.", logged)
    again = Store.open(path)
    assert again.recent_digests(5) == [("a", 7)]
    again.close()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_reading_a_damaged_store_reports_it_and_leaves_it(
    damage: Damage, killed: tuple[bytes, bytes], tmp_path: Path
) -> None:
    """The commands that read set nothing aside; they name the file and what does."""
    path = make(tmp_path, damage(*killed))
    before = bytes_in(tmp_path)
    with pytest.raises(StoreError) as refused:
        StoreReader(path)
    assert str(path) in refused.value.message
    assert "telemetry collect" in refused.value.hint
    assert bytes_in(tmp_path) == before


def test_the_next_damaged_store_of_the_same_second_gets_a_name_of_its_own(tmp_path: Path) -> None:
    """No damaged store is written over."""
    path = tmp_path / "telemetry.duckdb"
    names = set()
    for number in range(3):
        path.write_text(str(number))
        names.add(set_aside(path).name)
    assert len(names) == 3
    assert sorted(file.read_text() for file in tmp_path.iterdir()) == ["0", "1", "2"]


def write_text(path: Path) -> Path:
    path = path.with_name("thesis.txt")
    path.write_text("Chapter one. " * 1_000)
    return path


def write_sqlite(path: Path) -> Path:
    path.write_bytes(b"SQLite format 3\0" + bytes(4_096))
    return path


def write_foreign(path: Path) -> Path:
    connection = duckdb.connect(str(path))
    connection.execute("CREATE TABLE sales(price INTEGER)")
    connection.close()
    return path


def write_folder(path: Path) -> Path:
    path.mkdir()
    (path / "photo.jpg").write_bytes(b"x")
    return path


@pytest.mark.parametrize("write", [write_text, write_sqlite, write_foreign, write_folder])
def test_what_is_none_of_ours_stays_where_it_is(write: Callable[[Path], Path], tmp_path: Path) -> None:
    """A mistaken `--store` does not change another file, nor its name."""
    path = write(tmp_path / "telemetry.duckdb")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StoreError) as refused:
        Store.open_or_start_afresh(path, SETTINGS)
    assert str(path) in refused.value.message
    assert "--store" in refused.value.hint
    assert isinstance(refused.value, StoreForeignError) or path.is_dir()
    assert sorted(tmp_path.rglob("*")) == before


WITHOUT_RIGHTS = """
import os, sys
from pathlib import Path
from collector.local.errors import StoreError
from collector.local.settings import CollectorSettings
from collector.local.store.store import Store
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
try:
    Store.open_or_start_afresh(Path(sys.argv[1]), CollectorSettings())
except StoreError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("closed", ["file", "folder"])
def test_a_store_that_may_not_be_opened_is_not_a_damaged_one(closed: str, tmp_path: Path) -> None:
    """Wrong permissions are reported; the user has to fix them."""
    folder = tmp_path / "data"
    path = folder / "telemetry.duckdb"
    Store.open(path).close()
    (path if closed == "file" else folder).chmod(0)
    try:
        ran = subprocess.run(
            [sys.executable, "-c", WITHOUT_RIGHTS, str(path)], check=True, capture_output=True, text=True
        )
    finally:
        folder.chmod(0o700)
    assert ran.stdout.startswith("StoreError ")
    assert "permission denied" in ran.stdout.lower()
    assert [file.name for file in folder.iterdir()] == ["telemetry.duckdb"]


def test_a_full_disk_is_not_damage() -> None:
    """DuckDB's words for both come together when it cannot write its log: nothing may be set aside for that."""
    assert is_damage("Corrupt WAL file: entry at byte position 52 computed checksum 1 does not match")
    assert not is_damage('Failure while replaying WAL file "a.wal": No space left on device')
    assert not is_damage("Corrupt WAL file: could not truncate: No space left on device")
    assert not is_damage("Could not set lock on file")


def test_damage_that_a_commit_meets_is_set_aside_and_what_comes_is_stored(tmp_path: Path) -> None:
    """The sender is refused once, and its next attempt is in the new store."""
    path = tmp_path / "telemetry.duckdb"
    with LocalCollector(path, None, "127.0.0.1:0", None, SETTINGS) as collector:
        real_write = collector.store.write

        def write(*_: object) -> None:
            collector.store.write = real_write  # type: ignore[method-assign]
            raise duckdb.FatalException("FATAL Error: Corrupt database file: computed checksum 1 does not match")

        collector.store.write = write  # type: ignore[method-assign, assignment]
        body = json.dumps(otlp.traces(otlp.small_span(1)))
        assert post(collector, "/v1/traces", body, JSON)[0] == 503
        while post(collector, "/v1/traces", body, JSON)[0] != 200:
            assert collector.stats().store_problem
        assert collector.stats().store_problem == ""
        assert collector.store.reader().execute("SELECT count(*) FROM spans").fetchone() == (1,)
    assert len(list(tmp_path.glob("telemetry.duckdb.damaged-*Z"))) == 1


def test_damage_that_a_query_meets_is_reported_and_the_store_renamed(
    killed: tuple[bytes, bytes], tmp_path: Path
) -> None:
    """DuckDB opens a file with a bad block in it; the first question that needs the block finds it."""
    file, log = killed
    place = next(at for at in range(40, 100, 3) if opens_and_fails(tmp_path, scratched(file, at / 100, 64)))
    path = make(tmp_path, (scratched(file, place / 100, 64), log))
    with LocalCollector(path, None, "127.0.0.1:0", "127.0.0.1:0", SETTINGS) as collector:

        def ask() -> tuple[int, dict[str, object]]:
            connection = http.client.HTTPConnection(str(collector.addresses.api), timeout=60)
            connection.request("GET", "/api/traces?limit=10000")
            answer = connection.getresponse()
            content = json.loads(answer.read())
            connection.close()
            return answer.status, content

        status, answer = ask()
        assert (status, answer["error"]["code"]) == (503, "store_damaged")  # type: ignore[index]
        while post(collector, "/v1/traces", json.dumps(otlp.traces(otlp.small_span(1))), JSON)[0] != 200:
            assert collector.stats().store_problem
        status, answer = ask()
        assert (status, len(answer["traces"])) == (200, 1)  # type: ignore[arg-type]
    assert len(list(tmp_path.glob("telemetry.duckdb.damaged-*Z"))) == 1


def opens_and_fails(folder: Path, content: bytes) -> bool:
    """Whether a store with this content opens and cannot be read to the end."""
    path = folder / "probe.duckdb"
    path.write_bytes(content)
    try:
        store = Store.open(path, read_only=True)
    except StoreDamagedError:
        return False
    try:
        store.reader().execute("SELECT max(trace_id), max(span_id), max(name) FROM spans").fetchall()
    except duckdb.Error:
        return True
    finally:
        store.close()
        path.unlink()
    return False
