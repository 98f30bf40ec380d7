"""What became of a process's spans, as plain values. In: telemetry's stats. Out: a dictionary. State: none."""

from typing import Any

from telemetry import Stats


def books_of(stats: Stats) -> dict[str, Any]:
    """Return spans recorded, exported, and dropped by reason."""
    dropped = {reason: count for reason, count in stats.dropped.items() if count}
    return {"recorded": stats.recorded, "exported": stats.exported, "dropped": dropped}
