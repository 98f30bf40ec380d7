"""Propagates the context of a request, with its baggage, to threads, processes and queues."""

from typing import TYPE_CHECKING, Any

from telemetry.context.carrying import carry
from telemetry.context.messages import extract, inject
from telemetry.recording.current import attach, detach

if TYPE_CHECKING:
    from telemetry.context.processes import ProcessPoolExecutor, carry_to_process
    from telemetry.context.threads import ThreadPoolExecutor

__all__ = [
    "ProcessPoolExecutor",
    "ThreadPoolExecutor",
    "attach",
    "carry",
    "carry_to_process",
    "detach",
    "extract",
    "inject",
]


def __getattr__(name: str) -> Any:
    """Import the pools on first use: they import `multiprocessing`."""
    if name == "ThreadPoolExecutor":
        from telemetry.context.threads import ThreadPoolExecutor

        return ThreadPoolExecutor
    if name in {"ProcessPoolExecutor", "carry_to_process"}:
        from telemetry.context import processes

        return getattr(processes, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
