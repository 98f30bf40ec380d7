"""What only an index in a folder has: a lock, a disk, and the death of its process."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from demo_flow.index import IndexUnavailable, Point, open_index

WRITER = """
import sys, numpy as np
from demo_flow.index import Point, open_index
index = open_index("goods", 4, path=sys.argv[1])
for number in range(10_000_000):
    index.upsert([Point(str(number), np.ones(4, np.float32), {})])
    print(number, flush=True)
"""


def start_writer(root: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE, text=True)


def test_a_killed_process_loses_no_acknowledged_point(tmp_path: Path) -> None:
    """A kill -9 in the middle of writing: what was acknowledged is there, and the folder opens at once."""
    with start_writer(tmp_path) as writer:
        assert writer.stdout
        for line in writer.stdout:
            if int(line) == 150:
                writer.kill()
                break
        acknowledged = [150, *(int(line) for line in writer.stdout if line.endswith("\n"))][-1]
        assert writer.wait() == -signal.SIGKILL
    index = open_index("goods", 4, path=tmp_path, create=False)
    assert index.count() >= acknowledged + 1
    assert index.delete([str(number) for number in range(acknowledged + 1)]) == acknowledged + 1
    index.close()


@pytest.mark.parametrize("recreate", [False, True])
def test_a_folder_in_use_names_its_holder(tmp_path: Path, *, recreate: bool) -> None:
    """The second process's error names the folder, who has it and what to do; asking for a new one deletes nothing."""
    with start_writer(tmp_path) as writer:
        assert writer.stdout
        assert writer.stdout.readline()
        with pytest.raises(IndexUnavailable) as caught:
            open_index("goods", 4, path=tmp_path, recreate=recreate)
        writer.kill()
    assert str(tmp_path / "goods") in caught.value.message
    assert f"(process {writer.pid})" in caught.value.message
    assert "another folder" in caught.value.hint
    index = open_index("goods", 4, path=tmp_path)
    assert index.count() > 0
    index.close()


def test_a_damaged_folder_raises_the_engines_error(tmp_path: Path) -> None:
    """Damage is reported with its folder and its hint, and `recreate` gets rid of it."""
    index = open_index("goods", 4, path=tmp_path)
    index.close()
    (tmp_path / "goods" / "edge_config.json").write_text("{")
    with pytest.raises(IndexUnavailable, match=r"goods cannot be used.*edge_config") as caught:
        open_index("goods", 4, path=tmp_path)
    assert "--recreate" in caught.value.hint
    open_index("goods", 4, path=tmp_path, recreate=True).close()


def test_a_folder_that_cannot_be_written_reports_it(tmp_path: Path) -> None:
    """A file where the folder should be is a clear error, no stack trace of the engine."""
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexUnavailable, match="file"):
        open_index("goods", 4, path=tmp_path / "file")


def test_points_stored_after_the_graph_was_built_are_found_too(tmp_path: Path) -> None:
    """A search covers graph and newcomers alike; the next `optimize` takes them in."""
    rows = np.random.default_rng(1).standard_normal((2_000, 64)).astype(np.float32)
    index = open_index("goods", 64, path=tmp_path)
    index.upsert([Point(str(i), row, {}) for i, row in enumerate(rows[:-1])])
    index.optimize()
    built = index.indexed_count()
    index.upsert([Point("late", rows[-1], {})])
    assert index.search(rows[-1], 1)[0].id == "late"
    index.optimize()
    assert (built, index.count()) == (1_999, 2_000)
    index.close()
