"""Helpers for tests of instrumented code: the pytest fixtures `spans`, `metrics` and `logs`, and their types.

In: nothing. Out: what a test recorded. State: see `telemetry.testing.recording`.

Nothing is imported until it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from telemetry.testing.clock import CountingIds, TestClock
    from telemetry.testing.logs import Logs
    from telemetry.testing.metrics import Metrics
    from telemetry.testing.recording import record_logs, record_metrics, record_spans
    from telemetry.testing.spans import Spans

_HOMES = {
    "CountingIds": "clock", "Logs": "logs", "Metrics": "metrics", "Spans": "spans", "TestClock": "clock",
    "record_logs": "recording", "record_metrics": "recording", "record_spans": "recording",
}  # fmt: skip

__all__ = [
    "CountingIds",
    "Logs",
    "Metrics",
    "Spans",
    "TestClock",
    "record_logs",
    "record_metrics",
    "record_spans",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"telemetry.testing.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
