"""Traces for the view of one trace: a request with its batch, text that attacks, ten thousand spans, two speeds.

In: nothing. Out: documents of OTLP, and the ids in them. No state.
"""

import time
from collections.abc import Iterator
from typing import Any, Final

MS: Final = 1_000_000
NOW: Final = time.time_ns() - 60_000 * MS
REQUEST, BATCH, HUGE, HOSTILE, LATE = (f"{number:032x}" for number in (1, 2, 3, 4, 9))
FAILED: Final = f"{7777:016x}"
GROUP: Final = 100
ATTACKS: Final = (
    "<img src=x onerror=window.attacked=1>",
    "<script>window.attacked=1</script>",
    "\"'><svg onload=window.attacked=1>",
    "javascript:window.attacked=1",
    "${window.attacked=1}{{window.attacked=1}}",
    "</style></title><iframe srcdoc='<script>parent.attacked=1</script>'>",
    "\u202eevitcennoc\u0000\u0007 \U0001f41f",
)


def attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes of OTLP."""
    return [
        {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}
        for key, value in values.items()
    ]


def span(
    trace: str, number: int, parent: int | None, name: str, kind: int, start: float, end: float, **more: Any
) -> Any:
    """A span; times are milliseconds."""
    found = {
        "traceId": trace,
        "spanId": f"{number:016x}",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(NOW + int(start * MS)),
        "endTimeUnixNano": str(NOW + int(end * MS)),
    }
    return found | ({} if parent is None else {"parentSpanId": f"{parent:016x}"}) | more


def export(spans: dict[str, list[Any]]) -> dict[str, Any]:
    """The spans of services."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": attributes({"service.name": service, "service.version": "1.0"})},
                "scopeSpans": [{"scope": {"name": "search-telemetry"}, "spans": its}],
            }
            for service, its in spans.items()
        ]
    }


def request(trace: str = REQUEST, encode_ms: float = 20, region: str = "de") -> dict[str, Any]:
    """A search of 30 ms and more, of which the way takes 10; its encoding links to a batch, and failed once."""
    who = {"rpc.system.name": "grpc", "search.operation": "search", "client.region": region}
    many = {f"number.{at}": at for at in range(12)}
    fault = {"name": "exception", "timeUnixNano": str(NOW + 9 * MS)}
    fault["attributes"] = attributes({"exception.type": "ValueError", "exception.message": "no coat"})  # type: ignore[assignment]
    link = [{"traceId": BATCH, "spanId": f"{1:016x}", "attributes": attributes({"why": "batched"})}]
    links = {"links": link} if trace == REQUEST else {}
    end = encode_ms + 10
    return export(
        {
            "shop": [span(trace, 1, None, "/shop.Gateway/Search", 3, 0, end, attributes=attributes(who))],
            "gateway": [
                span(trace, 2, 1, "/shop.Gateway/Search", 2, 6, end - 4, attributes=attributes(who)),
                span(trace, 3, 2, "/search", 1, 6.5, end - 4.5, attributes=attributes({"search.entry": "true"})),
            ],
            "clip_encoder": [
                span(
                    trace, 4, 3, "encode", 1, 7, end - 5, events=[fault],
                    attributes=attributes({"model": "tiny", "needle": "in the hay"} | many),
                    status={"code": 2, "message": "no coat"}, **links,
                )
            ],
        }
    )  # fmt: skip


def batch() -> dict[str, Any]:
    """The batch of that request, which links back to it."""
    back = [{"traceId": REQUEST, "spanId": f"{4:016x}"}]
    return export({"clip_encoder": [span(BATCH, 1, None, "batch", 1, 8, 20, links=back)]})


def log(trace: str, number: int, text: str, at: float = 10) -> dict[str, Any]:
    """A log record of a span."""
    record = {"traceId": trace, "spanId": f"{number:016x}", "timeUnixNano": str(NOW + int(at * MS))}
    record |= {"severityNumber": 13, "severityText": "WARN", "body": {"stringValue": text}}  # type: ignore[dict-item]
    resource = {"attributes": attributes({"service.name": "clip_encoder"})}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}


def huge() -> Iterator[dict[str, Any]]:
    """Ten thousand spans under one root, in a hundred stages; one of them failed."""
    yield export({"gateway": [span(HUGE, 1, None, "/index", 2, 0, 10_000)]})
    for stage in range(GROUP):
        first, start = 2 + stage * GROUP, stage * GROUP
        its = [span(HUGE, first, 1, f"stage {stage}", 1, start, start + 99)]
        for at in range(1, GROUP):
            failed = {"status": {"code": 2}} if first + at == int(FAILED, 16) else {}
            its.append(span(HUGE, first + at, first, f"step {first + at}", 1, start + at - 1, start + at, **failed))
        yield export({f"service {stage % 3}": its})


def hostile() -> dict[str, Any]:
    """Every text field holds an attack."""
    spans: dict[str, list[Any]] = {}
    for at, attack in enumerate(ATTACKS):
        values = attributes({attack: attack, "sentence": attack})
        event = {"name": attack, "timeUnixNano": str(NOW + MS), "attributes": values}
        link = {"traceId": BATCH, "spanId": f"{2:016x}", "attributes": values, "traceState": attack}
        spans[f"{attack} {at}"] = [
            span(
                HOSTILE, at + 1, at or None, attack, 1, at, 100 - at, attributes=values, events=[event], links=[link],
                status={"code": 2, "message": attack}, traceState=attack,
            )
        ]  # fmt: skip
    return export(spans)
