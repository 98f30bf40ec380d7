"""Telemetry by hand for the tests of the desk: searches of which one cell is slow on the way, and hostile text.

In: how many, and when. Out: OTLP in JSON, as a receiver of HTTP takes it. State: none.
"""

import json
import time
from collections.abc import Iterable
from typing import Any

from collector.local.server import LocalCollector
from tests.local_collector import JSON, post

MS = 1_000_000
CELLS = (("web", "us"), ("ios", "de"), ("android", "jp"), ("linux", "cl"))
SLOW_CELL = ("linux", "cl")


def searches(number: int, *, first: int = 0, ago_s: float = 300.0) -> dict[str, Any]:
    """So many requests, one each second from `ago_s` on: client, gateway, encoder, index."""
    start = time.time_ns() - int(ago_s * 1e9)
    spans: dict[str, list[dict[str, Any]]] = {}
    for index in range(first, first + number):
        for service, span in _search(index, start + (index - first) * 10**9 // 2):
            spans.setdefault(service, []).append(span)
    return exported(spans)


def _search(index: int, start: int) -> Iterable[tuple[str, dict[str, Any]]]:
    platform, region = CELLS[index % len(CELLS)]
    way = (250 if (platform, region) == SLOW_CELL else 8) + index % 5
    shared = {"search.operation": "search", "client.platform": platform, "client.region": region}
    rpc = {"rpc.system": "grpc", "rpc.service": "pamazon.Gateway", "rpc.method": "Search"}
    entry = {"search.entry": True, "len_docs": 1}
    steps: list[tuple[str, str, int, int | None, float, float, dict[str, Any]]] = [
        ("pamazon", "/pamazon.Gateway/Search", 3, None, 0, 2 * way + 30, rpc),
        ("gateway", "/pamazon.Gateway/Search", 2, 0, way, 30, rpc),
        ("gateway", "/search", 1, 1, way + 1, 28, entry),
        ("clip_encoder", "encode", 1, 2, way + 2, 9, {"device": "cpu"}),
        ("qdrant_indexer", "qdrant_search", 1, 2, way + 12, 12, {"db.system.name": "qdrant", "top_k": 9}),
    ]
    for place, (service, name, kind, parent, after, lasts, own) in enumerate(steps):
        began = start + int(after * MS)
        yield (
            service,
            {
                "traceId": f"{index + 1:032x}",
                "spanId": f"{(index + 1) * 16 + place:016x}",
                "parentSpanId": "" if parent is None else f"{(index + 1) * 16 + parent:016x}",
                "name": name,
                "kind": kind,
                "startTimeUnixNano": str(began),
                "endTimeUnixNano": str(began + int(lasts * MS)),
                "attributes": attributes({**shared, **own}),
            },
        )


def attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    """As OTLP has them."""
    kinds: dict[type, str] = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return [{"key": key, "value": {kinds[type(value)]: value}} for key, value in values.items()]


def exported(spans: dict[str, list[dict[str, Any]]], scope: str = "telemetry") -> dict[str, Any]:
    """One export of spans by service."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": attributes({"service.name": service, "service.version": "1.0"})},
                "scopeSpans": [{"scope": {"name": scope}, "spans": its}],
            }
            for service, its in spans.items()
        ]
    }


def send(collector: LocalCollector, signal: str, document: dict[str, Any]) -> None:
    """Send an export; it is stored when this returns."""
    status, _, answer = post(collector, f"/v1/{signal}", json.dumps(document), JSON)
    assert status == 200, answer
    assert "rejected" not in answer.decode().lower(), answer


def long_log(body: str = "said", ago_s: int = 0, service: str = "gateway") -> dict[str, Any]:
    """A record whose level is far too long."""
    record = {
        "timeUnixNano": str(time.time_ns() - ago_s * 10**9),
        "severityNumber": 9,
        "severityText": "NOTICE" * 300,
        "body": {"stringValue": body},
    }
    resource = {"attributes": attributes({"service.name": service})}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {"name": "x"}, "logRecords": [record]}]}]}


ATTACKS = (
    "<script>window.hurt=1</script>",
    "<img src=x onerror=window.hurt=1>",
    '"><svg onload=window.hurt=1>',
    "'-window.hurt=1-'",
    "javascript:window.hurt=1",
    "</title><script>window.hurt=1</script>",
    "${window.hurt=1}",
    "{{constructor.constructor('window.hurt=1')()}}",
    "<style>*{display:none}</style>",
    "\u202e<b>tor</b>\u0007\u2028 %3Cscript%3E",
    "<a href=javascript:window.hurt=1>x</a>",
)
"""Text that does something where it is taken for markup, a script, a template or an address."""


def hostile() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Spans, logs and metrics with such text wherever text may stand."""
    now = time.time_ns()
    spans: dict[str, list[dict[str, Any]]] = {}
    records, points = [], []
    for index, text in enumerate(ATTACKS):
        trace = f"{0xA77AC4 * 256 + index:032x}"
        shared = {"search.operation": text, "client.platform": text, "client.region": text, text: text}
        for place in range(3):
            began = now - (20 - index) * 10**9 + place * MS
            spans.setdefault(f"service {text}", []).append(
                {
                    "traceId": trace,
                    "spanId": f"{(0xA77AC4 + index) * 16 + place:016x}",
                    "parentSpanId": f"{(0xA77AC4 + index) * 16 + place - 1:016x}" if place else "",
                    "name": text,
                    "kind": (3, 2, 1)[place],
                    "startTimeUnixNano": str(began),
                    "endTimeUnixNano": str(began + (30 - place * 4) * MS),
                    "attributes": attributes({**shared, "error.type": text, "search.entry": True, "len_docs": 1}),
                    "events": [{"timeUnixNano": str(began), "name": text, "attributes": attributes({text: text})}],
                    "links": [{"traceId": f"{1:032x}", "spanId": f"{1:016x}", "attributes": attributes({text: text})}],
                    "status": {"code": 2, "message": text},
                }
            )
        records.append(
            {
                "timeUnixNano": str(now - index * MS),
                "severityNumber": 17,
                "severityText": text,
                "body": {"stringValue": text},
                "attributes": attributes({text: text}),
                "traceId": trace,
                "spanId": f"{(0xA77AC4 + index) * 16:016x}",
            }
        )
        points.append({"timeUnixNano": str(now), "asInt": str(index), "attributes": attributes({text: text})})
    resource = {"attributes": attributes({"service.name": ATTACKS[0], ATTACKS[1]: ATTACKS[2]})}
    logs = {
        "resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {"name": ATTACKS[3]}, "logRecords": records}]}]
    }
    gauge = {"name": "search.requests", "unit": ATTACKS[1], "description": ATTACKS[0], "gauge": {"dataPoints": points}}
    metrics = {
        "resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": {"name": "x"}, "metrics": [gauge]}]}]
    }
    return exported(spans, ATTACKS[4]), logs, metrics
