"""Helpers for tests of instrumented code: the types of the pytest fixtures `spans`, `metrics` and `logs`.

Each name is imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from telemetry.testing.clock import CountingIds, TestClock
    from telemetry.testing.logs import Logs
    from telemetry.testing.metrics import Metrics
    from telemetry.testing.recording import record_logs, record_metrics, record_spans
    from telemetry.testing.spans import Spans

_MODULES = {
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
    if name in _MODULES:
        return getattr(import_module(f"telemetry.testing.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
