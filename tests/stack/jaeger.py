"""Reads traces from Jaeger's API, in the shape that the local collector gives them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from collector.stack.stack import Stack
from tests.pamazon_fixtures import Trace
from tests.stack.asking import get

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
AT_ONCE = 100
"""Traces that are asked for in one request."""


def trace(stack: Stack, trace_id: str) -> Trace | None:
    """A trace with its spans in tree order; None where Jaeger knows nothing of it.

    By the API that answers in OTLP, which keeps kinds, types and the attributes of resources as they were sent.
    """
    answer = get(stack.url("jaeger.query", f"/api/v3/traces/{trace_id}"))
    if answer is None:
        return None
    spans = list(_spans(answer["result"]["resourceSpans"]))
    known = {span["span_id"] for span in spans}
    below: dict[str | None, list[dict[str, Any]]] = {}
    for span in sorted(spans, key=lambda span: (span["start_unix_ns"], span["name"])):
        parent = span["parent_span_id"]
        below.setdefault(parent if parent in known else None, []).append(span)
    return Trace({"trace_id": trace_id, "spans": list(_in_tree_order(below, None))})


def _in_tree_order(below: Mapping[str | None, list[dict[str, Any]]], parent: str | None) -> Iterator[dict[str, Any]]:
    for span in below.get(parent, []):
        yield span
        yield from _in_tree_order(below, span["span_id"])


def _spans(resource_spans: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in resource_spans:
        resource = _attributes(one["resource"])
        for scope_spans in one["scopeSpans"]:
            for span in scope_spans["spans"]:
                yield {
                    "trace_id": span["traceId"],
                    "span_id": span["spanId"],
                    "parent_span_id": span.get("parentSpanId") or None,
                    "name": span["name"],
                    "kind": KINDS[span.get("kind", 0)],
                    "service": resource["service.name"],
                    "start_unix_ns": int(span["startTimeUnixNano"]),
                    "duration_ns": int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]),
                    "status": STATUSES[span.get("status", {}).get("code", 0)],
                    "status_message": span.get("status", {}).get("message", ""),
                    "attributes": _attributes(span),
                    "resource": resource,
                    "scope": scope_spans["scope"]["name"],
                    "events": [{"name": e["name"], "attributes": _attributes(e)} for e in span.get("events", [])],
                    "links": [_link(link) for link in span.get("links", [])],
                }


def _link(link: Mapping[str, Any]) -> dict[str, Any]:
    return {"trace_id": link["traceId"], "span_id": link["spanId"], "attributes": _attributes(link)}


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {pair["key"]: _value(pair["value"]) for pair in holder.get("attributes", [])}


def _value(value: Mapping[str, Any]) -> Any:
    ((kind, stored),) = value.items()
    if kind == "arrayValue":
        return [_value(item) for item in stored.get("values", [])]
    return int(stored) if kind == "intValue" else stored


def count_spans(stack: Stack, trace_ids: Sequence[str]) -> dict[str, int]:
    """How many different spans of each trace are stored; a trace of which there is none is left out.

    By ids, some at a time: a search of Jaeger's is limited, and orders nothing.
    """
    counts: dict[str, int] = {}
    for begin in range(0, len(trace_ids), AT_ONCE):
        some = trace_ids[begin : begin + AT_ONCE]
        answer = get(stack.url("jaeger.query", "/api/traces?" + urlencode([("traceID", one) for one in some])))
        for found in answer["data"] if answer else ():
            counts[found["traceID"]] = len({span["spanID"] for span in found["spans"]})
    return counts


def roots(stack: Stack, operation: str, service: str, kind: str, limit: int) -> int:
    """How many spans of a name, service and kind are stored; the test sent fewer than `limit` traces."""
    query = urlencode({"service": service, "operation": operation, "limit": limit, "lookback": "1h"})
    answer = get(stack.url("jaeger.query", f"/api/traces?{query}"))
    found = answer["data"] if answer else []
    assert len(found) < limit, "there may be more"
    return sum(_is(span, one["processes"], operation, service, kind) for one in found for span in one["spans"])


def _is(span: Mapping[str, Any], processes: Mapping[str, Any], operation: str, service: str, kind: str) -> bool:
    tags = {tag["key"]: tag["value"] for tag in span["tags"]}
    stored = (span["operationName"], processes[span["processID"]]["serviceName"], tags.get("span.kind"))
    return stored == (operation, service, kind)
