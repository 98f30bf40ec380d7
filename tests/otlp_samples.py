"""OTLP/JSON as a sender in any language writes it by hand, with everything in it that OTLP knows.

Documents to send or to parse, the ids in them, and how to read what became of them.
"""

from __future__ import annotations

from typing import Any

import duckdb
import orjson

from collector.local.decode.decoded import Decoded
from collector.local.decode.signals import Signal
from collector.local.intake.payload import JSON, parse

TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"
PARENT_ID = "eee19b7ec3c1b173"
START_NS = 1_700_000_000_000_000_001
MAX_INT = 2**63 - 1
MIN_INT = -(2**63)

EVERY_ATTRIBUTE = [
    {"key": "text", "value": {"stringValue": "Jacke für Männer 🧥"}},
    {"key": "empty", "value": {"stringValue": ""}},
    {"key": "largest", "value": {"intValue": str(MAX_INT)}},
    {"key": "smallest", "value": {"intValue": str(MIN_INT)}},
    {"key": "as_number", "value": {"intValue": 7}},
    {"key": "double", "value": {"doubleValue": 0.1}},
    {"key": "whole", "value": {"doubleValue": 3}},
    {"key": "nan", "value": {"doubleValue": "NaN"}},
    {"key": "infinite", "value": {"doubleValue": "-Infinity"}},
    {"key": "yes", "value": {"boolValue": True}},
    {"key": "no", "value": {"boolValue": False}},
    {"key": "bytes", "value": {"bytesValue": "AP8="}},
    {"key": "nothing", "value": {}},
    {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}, {"doubleValue": 2}]}}},
    {
        "key": "map",
        "value": {
            "kvlistValue": {
                "values": [{"key": "inner", "value": {"arrayValue": {"values": [{"bytesValue": "AQ=="}, {}]}}}],
            }
        },
    },
]
EVERY_ATTRIBUTE_AS_JSON = (
    '{"text":"Jacke für Männer 🧥","empty":"","largest":9223372036854775807,"smallest":-9223372036854775808,'
    '"as_number":7,"double":0.1,"whole":3.0,"nan":"NaN","infinite":"-Infinity","yes":true,"no":false,'
    '"bytes":"AP8=","nothing":null,"list":["a",1,2.0],"map":{"inner":["AQ==",null]}}'
)

RESOURCE = {
    "attributes": [
        {"key": "service.name", "value": {"stringValue": "gateway"}},
        {"key": "process.pid", "value": {"intValue": "42"}},
    ],
    "droppedAttributesCount": 1,
}
SCOPE = {
    "name": "telemetry",
    "version": "0.1.0",
    "attributes": [{"key": "kind", "value": {"stringValue": "library"}}],
    "droppedAttributesCount": 2,
}


def full_span() -> dict[str, Any]:
    """A span in which every field is set."""
    return {
        "traceId": TRACE_ID.upper(),  # hexadecimal is not case-sensitive
        "spanId": SPAN_ID,
        "parentSpanId": PARENT_ID,
        "traceState": "vendor=1",
        "flags": 257,
        "name": "/search",
        "kind": 2,
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": START_NS + 5_000_000,
        "attributes": EVERY_ATTRIBUTE,
        "droppedAttributesCount": 3,
        "events": [
            {
                "timeUnixNano": str(START_NS + 1),
                "name": "exception",
                "attributes": [{"key": "exception.type", "value": {"stringValue": "ValueError"}}],
                "droppedAttributesCount": 4,
            },
            {"timeUnixNano": str(START_NS + 2), "name": "retry"},
        ],
        "droppedEventsCount": 5,
        "links": [
            {
                "traceId": "0af7651916cd43dd8448eb211c80319c",
                "spanId": "b7ad6b7169203331",
                "traceState": "other=2",
                "flags": 1,
                "attributes": [{"key": "batch.position", "value": {"intValue": "9007199254740993"}}],
                "droppedAttributesCount": 6,
            }
        ],
        "droppedLinksCount": 7,
        "status": {"code": 2, "message": "no such collection"},
        "aFieldOfTomorrow": {"any": ["thing"]},
    }


def traces(*spans: dict[str, Any]) -> dict[str, Any]:
    """An export of spans."""
    scope_spans = {"scope": SCOPE, "schemaUrl": "https://example.org/scope", "spans": list(spans)}
    return {
        "resourceSpans": [
            {"resource": RESOURCE, "schemaUrl": "https://example.org/resource", "scopeSpans": [scope_spans]},
        ]
    }


def small_span(number: int, **fields: Any) -> dict[str, Any]:
    """A span that can be stored, with ids made of `number`; `fields` replace its own."""
    return {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": f"span {number}",
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": str(START_NS + 1_000),
    } | fields


def logs(*records: dict[str, Any]) -> dict[str, Any]:
    """An export of log records."""
    return {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"scope": SCOPE, "logRecords": list(records)}]}]}


def metrics(*all_metrics: dict[str, Any]) -> dict[str, Any]:
    """An export of metrics."""
    return {
        "resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"scope": SCOPE, "metrics": list(all_metrics)}]}]
    }


POINT: dict[str, Any] = {
    "startTimeUnixNano": str(START_NS),
    "timeUnixNano": str(START_NS + 1),
    "attributes": [{"key": "route", "value": {"stringValue": "/search"}}],
}
EXEMPLAR: dict[str, Any] = {
    "timeUnixNano": str(START_NS),
    "traceId": TRACE_ID,
    "spanId": SPAN_ID,
    "filteredAttributes": [{"key": "query.kind", "value": {"stringValue": "text"}}],
}
HISTOGRAM: dict[str, Any] = {
    "count": "18446744073709551615",
    "sum": 1.5,
    "min": 0.1,
    "max": 1.0,
    "bucketCounts": ["1", "2", "0"],
    "explicitBounds": [0.1, 1],
    "exemplars": [EXEMPLAR | {"asDouble": 0.25}],
}
EXPONENTIAL: dict[str, Any] = {
    "count": "6",
    "sum": "NaN",
    "scale": -2,
    "zeroCount": "1",
    "zeroThreshold": 1e-9,
    "positive": {"offset": -3, "bucketCounts": ["1", "2"]},
    "negative": {"offset": 4, "bucketCounts": ["2"]},
    "exemplars": [EXEMPLAR | {"asDouble": 0.25, "traceId": "", "spanId": ""}],
}
SUMMARY: dict[str, Any] = {
    "count": "2",
    "sum": 3.5,
    "quantileValues": [{"quantile": 0.5, "value": 1.5}, {"quantile": 0.99, "value": 2}],
}


def every_metric() -> list[dict[str, Any]]:
    """A metric of each type, with every field set, among them numbers that JSON or a double cannot hold."""
    return [
        {
            "name": "queue.length",
            "unit": "{item}",
            "description": "waiting",
            "metadata": [{"key": "owner", "value": {"stringValue": "us"}}],
            "gauge": {
                "dataPoints": [POINT | {"asInt": str(MIN_INT)}, POINT | {"asDouble": "Infinity"}, POINT | {"flags": 1}]
            },
        },
        {
            "name": "requests",
            "unit": "1",
            "sum": {
                "aggregationTemporality": 2,
                "isMonotonic": True,
                "dataPoints": [POINT | {"asInt": str(MAX_INT), "exemplars": [EXEMPLAR | {"asInt": "3"}]}],
            },
        },
        {
            "name": "duration",
            "unit": "s",
            "histogram": {"aggregationTemporality": 1, "dataPoints": [POINT | HISTOGRAM]},
        },
        {
            "name": "duration.fine",
            "unit": "s",
            "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [POINT | EXPONENTIAL]},
        },
        {"name": "old", "summary": {"dataPoints": [POINT | SUMMARY]}},
    ]


def decode(signal: Signal, document: Any) -> Decoded:
    """An export as the receiver decodes it."""
    return signal.decode(parse(orjson.dumps(document), JSON, signal.request))


def rows(cursor: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """The rows of a query, by column."""
    result = cursor.execute(sql)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
