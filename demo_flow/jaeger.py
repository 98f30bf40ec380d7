"""Finds a trace's page in Jaeger."""

import time
from typing import Final

import httpx

ADDRESS: Final = "127.0.0.1:16686"
"""Where Jaeger answers unless the user names another place."""

_PATIENCE: Final = 5.0
"""Seconds that a trace has to arrive: it passes a Collector's queue first."""


def page_of(trace_id: str, jaeger: str = ADDRESS, patience: float = _PATIENCE) -> tuple[str, bool] | None:
    """Return the page of a trace and whether Jaeger has the trace; None where no Jaeger answers at `HOST:PORT`.

    Waits `patience` seconds at most for the trace to arrive.
    """
    deadline = time.monotonic() + patience
    while (there := _has(trace_id, jaeger)) is False and time.monotonic() < deadline:
        time.sleep(0.1)
    return None if there is None else (f"http://{jaeger}/trace/{trace_id}", there)


def _has(trace_id: str, jaeger: str) -> bool | None:
    """Whether Jaeger has the trace; None where it does not answer as Jaeger does."""
    try:
        response = httpx.get(f"http://{jaeger}/api/traces/{trace_id}", timeout=2, trust_env=False)
    except httpx.HTTPError:
        return None
    if response.status_code == 404 and b'"errors"' in response.content:
        return False
    return b'"spans"' in response.content if response.is_success else None
