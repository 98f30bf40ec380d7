"""Finds a trace's page in Jaeger. In: a trace id, Jaeger's address. Out: the page's URL. State: none."""

import http.client
import time
import urllib.error
import urllib.request
from typing import Final

ADDRESS: Final = "127.0.0.1:16686"
"""Where Jaeger answers unless the user names another place."""

_PATIENCE: Final = 5.0
"""Seconds that a trace has to arrive: it passes a Collector's queue first."""

_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


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
        with _DIRECT.open(f"http://{jaeger}/api/traces/{trace_id}", timeout=2) as answer:
            return b'"spans"' in answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return False if error.code == 404 and b'"errors"' in error.read() else None
    except (OSError, http.client.HTTPException):
        return None
