"""Recorded incidents, which several tests read: all of them were played once, for a few seconds each.

Where the suite runs in several processes, the first one that needs them records, and the others wait and read a copy.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.incident_recording import STORE, Recording, play, reading, recording
from demo_flow.incidents.table import INCIDENTS


@pytest.fixture(scope="session")
def recorded_incidents(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """Ask it as the local collector: `recorded.ask("/api/traces")`; `recorded.of("slow-replica")` is when."""
    root = tmp_path_factory.getbasetemp()
    shared = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "incidents"
    shared.mkdir(exist_ok=True)
    done = shared / "done"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            _record(shared)
            done.touch()
    copied = tmp_path_factory.mktemp("recorded")
    for name in (STORE, "stretches.json"):
        shutil.copy(shared / name, copied / name)
    with reading(copied) as recorded:
        yield recorded


def _record(folder: Path) -> None:
    with recording(folder, goods=64, rate=20.0, index_rate=1.5) as recorded:
        play(recorded, None, 4.0, before=0.0, after=0.0)
        for name, incident in INCIDENTS.items():
            play(
                recorded,
                name,
                5.0 if incident.region else 2.0,  # a twelfth of the callers are in Chile: about eleven searches
                before=1.1 if incident.roles else 1.8,  # the load asks twice a second what is active
                after=2.5 if name == "collector-away" else 0.2,
            )
        play(recorded, None, 2.0, before=1.1, after=1.0)
