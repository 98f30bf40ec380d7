"""Sends to a stack and asks its backends, by plain HTTP."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from telemetry.conventions import SEARCH_BATCH_REQUESTS
from tests.waiting import until

LIMIT = 60.0
"""Seconds for an answer to come: the promise is 20 on a machine of one's own; tests share theirs."""


def get(url: str) -> Any:
    """The JSON at a URL; None where it answers by an error, as Jaeger does to an empty search."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        return None


def post(url: str, document: Any) -> None:
    """Send JSON; an error is an error."""
    request = urllib.request.Request(url, json.dumps(document).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10):
        pass


def eventually(ask: Callable[[], Any], limit: float = LIMIT) -> Any:
    """Ask until the answer is true, and return it. Backends report to nobody when they have stored something."""
    return until(ask, limit, pause=0.1)


def assert_becomes(ask: Callable[[], Any], expected: Any, limit: float = LIMIT) -> None:
    """Ask until the answer is what is expected; else report what it was at last."""
    deadline = time.monotonic() + limit
    while (answer := ask()) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert answer == expected, f"at last: {answer!r}, not {expected!r}"


def span(trace_id: str, service: str, *, error: bool = False, seconds: float = 1.0, batch_of: int = 0) -> Any:
    """An OTLP document with one span, the root of its trace, that ended just now; a batch's of so many requests."""
    now = time.time_ns()
    requests = {"key": SEARCH_BATCH_REQUESTS.name, "value": {"intValue": str(batch_of)}}
    item = {
        "traceId": trace_id,
        "spanId": "b7ad6b7169203331",
        "name": "/search",
        "kind": 2,
        "startTimeUnixNano": str(now - int(seconds * 10**9)),
        "endTimeUnixNano": str(now),
        "status": {"code": 2 if error else 0},
        "attributes": [requests] if batch_of else [],
    }
    return {"resourceSpans": [{"resource": _resource(service), "scopeSpans": [{"spans": [item]}]}]}


def log(trace_id: str, service: str, body: str) -> Any:
    """An OTLP document with one log line of a trace."""
    item = {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": body}, "traceId": trace_id}
    return {"resourceLogs": [{"resource": _resource(service), "scopeLogs": [{"logRecords": [item]}]}]}


def _resource(service: str) -> Any:
    return {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
