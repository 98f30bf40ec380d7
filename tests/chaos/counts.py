"""What each process reports of itself at its end, and what that adds up to.

In: `Telemetry`, in the process that ends. Out: one file for each process; read, the sums over all of them. State: the
folder.
"""

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from telemetry import Telemetry
from telemetry.recording.guard import guard

SIGNALS = ("spans", "metrics", "logs")


def write_counts(folder: Path, handle: Telemetry, *, exit_handle: bool = False) -> None:
    """Write the process's counts; with `exit_handle`, end its telemetry first, as at its exit; return the seconds."""
    began = time.monotonic()
    if exit_handle:
        handle.exit()
    stats = handle.stats
    counts = {
        "exit_s": time.monotonic() - began,
        "faults": guard.faults,
        **{name: _one(getattr(stats, name)) for name in SIGNALS},
    }
    path = folder / f"{os.getpid()}-{time.monotonic_ns()}.json"  # process ids come again in a long run
    path.with_suffix(".part").write_text(json.dumps(counts), "utf-8")
    path.with_suffix(".part").rename(path)


def _one(stats: object) -> dict[str, object]:
    return {name: getattr(stats, name) for name in ("recorded", "exported")} | {"dropped": dict(stats.dropped)}  # type: ignore[attr-defined]


@dataclass
class Sum:
    """One signal over all processes."""

    recorded: int = 0
    exported: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """All that was dropped."""
        return sum(self.dropped.values())


@dataclass
class Counts:
    """All processes together; `unbalanced` names those where recorded is not exported and dropped together."""

    processes: int = 0
    faults: int = 0
    longest_exit_s: float = 0.0
    unbalanced: list[str] = field(default_factory=list)
    signals: dict[str, Sum] = field(default_factory=lambda: {name: Sum() for name in SIGNALS})


def read_counts(folder: Path) -> Counts:
    """Add up what the processes wrote."""
    counts = Counts()
    for path in sorted(folder.glob("*.json")):
        one = json.loads(path.read_text("utf-8"))
        counts.processes += 1
        counts.faults += one["faults"]
        counts.longest_exit_s = max(counts.longest_exit_s, one["exit_s"])
        for name, total in counts.signals.items():
            found = one[name]
            total.recorded += found["recorded"]
            total.exported += found["exported"]
            for reason, count in found["dropped"].items():
                total.dropped[reason] = total.dropped.get(reason, 0) + count
            if found["recorded"] != found["exported"] + sum(found["dropped"].values()):
                counts.unbalanced.append(f"{path.stem} {name}: {found}")
    return counts
