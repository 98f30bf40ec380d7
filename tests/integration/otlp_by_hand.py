"""OTLP/JSON written by hand, so that what is sent is plain to see, and a collector to send it to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from collector.local.server import LocalCollector

START = 1_700_000_000_000_000_000
MS = 1_000_000
KINDS = {"internal": 1, "server": 2, "client": 3}


@contextmanager
def running_collector(store: Path | None = None) -> Iterator[LocalCollector]:
    """A collector on free ports, stopped at the end."""
    with LocalCollector(store, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0") as collector:
        yield collector


def value(of: Any) -> dict[str, Any]:
    """An OTLP AnyValue."""
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}
    if isinstance(of, float):
        return {"doubleValue": of}
    return {"stringValue": of}


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(of)} for key, of in attributes.items()]


def span(
    trace_id: str,
    span_id: int,
    parent: int | None = None,
    name: str = "work",
    kind: str = "internal",
    *,
    start_ms: float = 0,
    end_ms: float = 10,
    error: str = "",
    attributes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One span as OTLP/JSON."""
    return {
        "traceId": trace_id,
        "spanId": f"{span_id:016x}",
        **({"parentSpanId": f"{parent:016x}"} if parent else {}),
        "name": name,
        "kind": KINDS[kind],
        "startTimeUnixNano": str(START + int(start_ms * MS)),
        "endTimeUnixNano": str(START + int(end_ms * MS)),
        "attributes": pairs(attributes or {}),
        "status": {"code": 2, "message": error} if error else {},
    }


def send(collector_http: str | None, signal: str, service: str, records: list[dict[str, Any]]) -> None:
    """Send records of one service; back when they are stored."""
    resource, scope, field = {
        "traces": ("resourceSpans", "scopeSpans", "spans"),
        "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
        "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    }[signal]
    body = {
        resource: [
            {
                "resource": {"attributes": pairs({"service.name": service})},
                scope: [{"scope": {"name": "by.hand", "version": "1.2"}, field: records}],
            }
        ]
    }
    response = httpx.post(f"http://{collector_http}/v1/{signal}", json=body, timeout=10)
    assert response.status_code == 200, response.text
