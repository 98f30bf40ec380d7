"""`telemetry compact`: a smaller file with the same telemetry, or the old one as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from collector.local.decode.decoded import Decoded
from collector.local.errors import StoreDamagedError, StoreError, StoreHeldError
from collector.local.store import replacing
from collector.local.store.compact import compact
from collector.local.store.expiry import Expiry
from collector.local.store.spans.tables import TABLES
from collector.local.store.store import Store
from telemetry import cli

HOLD = """
import sys
from pathlib import Path
from collector.local.store.expiry import Expiry
from collector.local.store.store import Store
store = Store.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""
WRITE_AND_DIE = """
import os, sys
from pathlib import Path
from collector.local.decode.decoded import Decoded
from collector.local.store.expiry import Expiry
from collector.local.store.store import Store
store = Store.open(Path(sys.argv[1]))
store.write([Decoded("traces")], ["late"], 9)
os._exit(0)
"""
# Compacts, and stops for good in the middle of the copy: the parent kills it there.
STOP_AMID = """
import sys
from pathlib import Path
from collector.local.store.compact import compact
def progress(copied, total):
    if copied > 1000:
        print("amid", flush=True)
        sys.stdin.read()
compact(Path(sys.argv[1]), lambda *_: None, progress)
"""


def quiet(*_: int) -> None:
    """Told nothing."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of which the greater part was deleted."""
    path = tmp_path / "data" / "telemetry.duckdb"
    store = Store.open(path)
    for number in range(4):
        export = Decoded("traces", records=3_000)
        export.rows["spans"] = [
            (f"{number}{row:031x}", os.urandom(8).hex(), None, f"span {row}", "server", "shop", 5, 6, "unset", "",
             f'{{"content":"{os.urandom(200).hex()}"}}', 0, 0, 0, "", 0, 1, 1)
            for row in range(3_000)
        ]  # fmt: skip
        store.write([export], [str(number)], number)
    store.checkpoint()
    store.fold(5, everything=True)
    store.expire(Expiry(3, whole=True))
    store.close()
    return path


def contents(path: Path) -> dict[str, list[Any]]:
    """Every row of every table, in its order."""
    connection = duckdb.connect(str(path), read_only=True)
    found = {table.name: connection.execute(f"SELECT * FROM {table.name}").fetchall() for table in TABLES}
    connection.close()
    return found


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def test_a_compacted_store_is_smaller_and_has_every_row_in_its_order(path: Path) -> None:
    """The reported sizes and rows are correct; nothing else is left in the folder."""
    before, size = contents(path), path.stat().st_size
    steps: list[tuple[int, int]] = []
    needed: list[tuple[int, int]] = []
    done = compact(path, lambda *reported: needed.append(reported), lambda *reported: steps.append(reported))
    assert contents(path) == before
    assert (done.before, done.after) == (size, path.stat().st_size)
    assert done.after < done.before * 0.7
    assert done.rows == sum(len(rows) for rows in before.values())
    assert steps[-1] == (done.rows, done.rows)
    assert [copied for copied, _ in steps] == sorted(copied for copied, _ in steps)
    assert len(needed) == 1
    assert needed[0][0] > done.after
    assert names(path) == ["telemetry.duckdb"]
    store = Store.open(path)
    store.write([Decoded("traces")], ["new"], 9)
    assert store.recent_digests(1) == [("new", 9)]
    store.close()


def test_owner_and_permissions_are_kept(path: Path) -> None:
    """A store that only its owner may read stays so."""
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 65_534, 65_534)
    before = path.stat()
    compact(path, quiet, quiet)
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino


def test_of_a_link_the_file_is_compacted_that_it_names(path: Path, tmp_path: Path) -> None:
    """The link stays a link."""
    link = tmp_path / "link.duckdb"
    link.symlink_to(path)
    size = path.stat().st_size
    compact(link, quiet, quiet)
    assert link.is_symlink()
    assert path.stat().st_size < size


def test_what_is_in_the_log_of_a_killed_collector_is_in_the_copy(path: Path) -> None:
    """And its log is gone: it would not fit the new file."""
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(path)], check=True)
    assert names(path) == ["telemetry.duckdb", "telemetry.duckdb.wal"]
    compact(path, quiet, quiet)
    assert names(path) == ["telemetry.duckdb"]
    assert "late" in {row[0] for row in contents(path)["batches"]}


def started(code: str, path: Path, ready_line: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"{ready_line}\n"
    return process


@pytest.fixture
def run_beside() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts programs, and ends them."""
    running: list[subprocess.Popen[str]] = []

    def run(code: str, path: Path, ready_line: str) -> subprocess.Popen[str]:
        running.append(started(code, path, ready_line))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.communicate()


def test_a_store_that_a_collector_holds_is_refused_and_the_process_named(
    path: Path, run_beside: Callable[..., subprocess.Popen[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is copied."""
    holder = run_beside(HOLD, path, "open")
    before = path.read_bytes()
    assert cli.main(["compact", "--store", str(path)]) == 2
    reported = capsys.readouterr().err
    assert f"{path} is in use by another process (pid {holder.pid})" in reported
    assert "stop it" in reported
    assert path.read_bytes() == before


def test_killed_amid_the_copy_the_old_store_is_there_and_the_next_one_clears_up(
    path: Path, run_beside: Callable[..., subprocess.Popen[str]]
) -> None:
    """While it copies, neither a collector nor a second compaction gets at the store."""
    before = contents(path)
    process = run_beside(STOP_AMID, path, "amid")
    with pytest.raises(StoreHeldError, match=f"in use by another process \\(pid {process.pid}"):
        Store.open(path)
    with pytest.raises(StoreHeldError, match="is being compacted already"):
        compact(path, quiet, quiet)
    process.kill()
    process.wait()
    assert contents(path) == before
    assert len(names(path)) > 1
    compact(path, quiet, quiet)
    assert names(path) == ["telemetry.duckdb"]
    assert contents(path) == before


def test_without_room_on_the_disk_nothing_is_started(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is needed and what is there are named."""
    before = path.read_bytes()
    monkeypatch.setattr("shutil.disk_usage", lambda _: Disk(1_000_000))
    reported: list[tuple[int, int]] = []
    with pytest.raises(StoreError, match=r"has 1 MB free, and a copy needs up to \d+\.?\d* MB"):
        compact(path, lambda *numbers: reported.append(numbers), quiet)
    assert reported[0][1] == 1_000_000
    assert (path.read_bytes(), names(path)) == (before, ["telemetry.duckdb"])


class Disk:
    """As from `shutil.disk_usage`."""

    def __init__(self, free: int) -> None:
        self.free = free


@pytest.mark.parametrize("where", ["copying", "syncing", "counting"])
def test_whatever_fails_the_old_store_stays(where: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk, DuckDB or a bad count: nothing is left behind, and the store is as it was."""
    before = path.read_bytes()
    progress: Callable[[int, int], None] = quiet

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device") if where == "syncing" else duckdb.IOException("IO Error: no disk")

    if where == "copying":
        progress = fail
    elif where == "syncing":
        monkeypatch.setattr("os.fsync", fail)
    else:
        real = replacing.number
        monkeypatch.setattr(
            "collector.local.store.compact.number",
            lambda hub, sql: real(hub, sql) - sql.startswith("SELECT count(*) FROM new.logs"),
        )
    with pytest.raises(StoreError):
        compact(path, quiet, progress)
    monkeypatch.undo()
    assert (path.read_bytes(), names(path)) == (before, ["telemetry.duckdb"])


def test_there_has_to_be_a_whole_store(path: Path) -> None:
    """A damaged one is reported, and not changed: `collect` renames it."""
    with pytest.raises(StoreError, match="there is no store"):
        compact(path.with_name("none.duckdb"), quiet, quiet)
    path.write_bytes(path.read_bytes()[:20_000] + b"x" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreDamagedError):
        compact(path, quiet, quiet)
    assert path.read_bytes() == before


def test_the_command_shows_what_it_needs_and_what_was_saved(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In plain lines without a terminal."""
    assert cli.main(["compact", "--store", str(path)]) == 0
    out = capsys.readouterr().out
    assert f"Compacting {path}" in out
    assert " on the disk temporarily; " in out
    assert ": saved " in out
    assert cli.main(["compact", "--store", str(path)]) == 0
    assert "nothing to save" in capsys.readouterr().out
