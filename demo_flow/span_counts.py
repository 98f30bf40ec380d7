"""A process's span counts: written as the last line of its log, and read from there."""

import json
from pathlib import Path
from typing import Any

from telemetry import Stats


def span_counts(stats: Stats) -> dict[str, Any]:
    """Return spans recorded, exported, and dropped by reason."""
    dropped = {reason: count for reason, count in stats.dropped.items() if count}
    return {"recorded": stats.recorded, "exported": stats.exported, "dropped": dropped}


def last_line(service: str, stats: Stats) -> str:
    """Return the line that ends a process's log."""
    return json.dumps({"service": service, "message": "ends", "spans": span_counts(stats)})


def read_span_counts(logs: Path) -> list[dict[str, Any]]:
    """Return the counts of every process that was not killed, by the logs in a folder. Raises KeyError."""
    return [json.loads(log.read_text("utf-8").splitlines()[-1])["spans"] for log in sorted(logs.glob("*.log"))]
