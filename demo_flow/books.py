"""What became of a process's spans: told in the last line of its log, and read from there.

In: telemetry's stats; the folder of the logs. Out: plain values. State: none.
"""

import json
from pathlib import Path
from typing import Any

from telemetry import Stats


def books_of(stats: Stats) -> dict[str, Any]:
    """Return spans recorded, exported, and dropped by reason."""
    dropped = {reason: count for reason, count in stats.dropped.items() if count}
    return {"recorded": stats.recorded, "exported": stats.exported, "dropped": dropped}


def last_line(service: str, stats: Stats) -> str:
    """Return the line that ends a process's log."""
    return json.dumps({"service": service, "message": "ends", "spans": books_of(stats)})


def read_books(logs: Path) -> list[dict[str, Any]]:
    """Return the books of every process that ended in its own time, by the logs in a folder. Raises KeyError."""
    return [json.loads(log.read_text("utf-8").splitlines()[-1])["spans"] for log in sorted(logs.glob("*.log"))]
