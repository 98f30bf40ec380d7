"""Exports with one odd record among good ones, as senders with a defect make them.

`ODD` is a corpus by name: the body, and what becomes of its records in the local collector.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from google.protobuf import json_format

from collector.local.decode.reasons import Rejected, Repaired
from collector.local.decode.signals import BY_PATH, Signal
from collector.local.intake.payload import JSON, PROTOBUF, parse
from collector.local.intake.wire import encode
from tests import otlp_samples as otlp

MARK = "M\u00e4RK"
BAD_TEXT = {"cut": b"caf\xc3", "latin-1": b"caf\xe9!", "surrogate": b"\xed\xa0\xbd", "beyond": b"\xf7\xbf\xbf\xbf"}
TRACES, METRICS, LOGS = (BY_PATH[f"/v1/{name}"] for name in ("traces", "metrics", "logs"))


@dataclass(frozen=True)
class Odd:
    """One export: `stored` records are kept, the others rejected."""

    signal: Signal
    content_type: str
    body: bytes
    stored: int = 3
    rejected_by: dict[Rejected, int] = field(default_factory=dict)
    repaired_by: dict[Repaired, int] = field(default_factory=dict)


def _attribute(value: Any, key: Any = "k") -> dict[str, Any]:
    return {"attributes": [{"key": key, "value": value}]}


def _deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(levels):
        value = {"arrayValue": {"values": [value]}}
    return value


def _spans(**fields: Any) -> dict[str, Any]:
    return otlp.traces(otlp.small_span(1), otlp.small_span(2, **fields), otlp.small_span(3))


def _json(document: dict[str, Any], signal: Signal = TRACES, **outcome: Any) -> Odd:
    """`SURROGATE` stands for half an emoji, `BYTES` for what is not UTF-8, `"LONG"` for a very long number."""
    body = json.dumps(document).encode().replace(b"SURROGATE", b"\\ud83d").replace(b"BYTES", BAD_TEXT["cut"])
    body = body.replace(b'"LONG"', b"9" * 5_000)
    return Odd(signal, JSON, body, **outcome)


def _rejected(reason: Rejected, **fields: Any) -> Odd:
    return _json(_spans(**fields), stored=2, rejected_by={reason: 1})


def _repaired(*, what: Repaired = Repaired.TEXT, **fields: Any) -> Odd:
    return _json(_spans(**fields), repaired_by={what: 1})


def _json_traces() -> Iterator[tuple[str, Odd]]:
    for mark in ("SURROGATE", "BYTES"):
        yield f"{mark} in a name", _repaired(name=f"Jacke {mark}!")
        yield f"{mark} in an attribute", _repaired(**_attribute({"stringValue": mark}))
        yield f"{mark} in a key", _repaired(**_attribute({"boolValue": True}, key=f"{mark}k"))
        yield f"{mark} in a list", _repaired(**_attribute({"arrayValue": {"values": [{"stringValue": mark}]}}))
        yield f"{mark} in an event", _repaired(events=[{"name": mark}])
        yield f"{mark} in a link", _repaired(links=[{"traceState": mark}])
        yield f"{mark} in a status", _repaired(status={"message": mark})
        yield f"{mark} in a field that is not known", _repaired(ofTomorrow=mark)
    for name, value in (
        ("1.5", {"intValue": "1.5"}),
        ("letters", {"intValue": "abc"}),
        ("beyond", {"intValue": str(2**63)}),
        ("very long", {"intValue": "LONG"}),
        ("text for a number", {"doubleValue": "x"}),
        ("infinite", {"doubleValue": "1e999x"}),
        ("text for a bool", {"boolValue": "maybe"}),
        ("number for text", {"stringValue": 5}),
        ("list for text", {"stringValue": ["a"]}),
        ("number for a list", {"arrayValue": 5}),
    ):
        yield f"value: {name}", _rejected(Rejected.VALUE, **_attribute(value))
    for name, fields in (
        ("a time below 0", {"startTimeUnixNano": "-1"}),
        ("a time beyond 64 bits", {"endTimeUnixNano": str(2**64)}),
        ("a time of text", {"startTimeUnixNano": "soon"}),
        ("a name that is a number", {"name": 5}),
        ("a kind that is a list", {"kind": []}),
        ("flags beyond 32 bits", {"flags": 2**32}),
        ("a count below 0", {"droppedAttributesCount": -1}),
        ("attributes that are an object", {"attributes": {}}),
        ("events that are a number", {"events": 5}),
        ("a status that is text", {"status": "ok"}),
        ("a trace id that is a number", {"traceId": 5}),
    ):
        yield name, _rejected(Rejected.VALUE, **fields)
    for name, reason, key in (
        ("trace", Rejected.TRACE_ID, "traceId"),
        ("span", Rejected.SPAN_ID, "spanId"),
        ("parent", Rejected.PARENT_SPAN_ID, "parentSpanId"),
    ):
        for kind, bad in (("short", "ab"), ("not hexadecimal", "XYZ"), ("odd", "abc"), ("long", "ab" * 17)):
            yield f"{name} id: {kind}", _rejected(reason, **{key: bad})
    for name, reason, fields in (
        ("no trace id", Rejected.TRACE_ID, {"traceId": ""}),
        ("a trace id of zeros", Rejected.TRACE_ID, {"traceId": "0" * 32}),
        ("a time beyond 2262", Rejected.TIME, {"endTimeUnixNano": str(2**63)}),
        ("deeper than we take", Rejected.MAX_DEPTH, _attribute(_deep(60))),
        ("deeper than protobuf takes", Rejected.MAX_DEPTH, _attribute(_deep(150))),
    ):
        yield name, _rejected(reason, **fields)
    for name, record in (("null", None), ("a number", 7), ("a list", []), ("text", "span")):
        spans = otlp.traces(otlp.small_span(1), record, otlp.small_span(3))  # type: ignore[arg-type]
        reason = Rejected.TRACE_ID if record is None else Rejected.VALUE
        yield f"a span that is {name}", _json(spans, stored=2, rejected_by={reason: 1})


def _lenient_json() -> Iterator[tuple[str, Odd]]:
    """What the OpenTelemetry Collector reads, although protobuf's own JSON does not."""
    yield "two values of one attribute", _json(_spans(**_attribute({"stringValue": "a", "intValue": "1"})))
    yield "an attribute that is null", _json(_spans(attributes=[None]))
    yield "a field in brackets", _json(_spans(**{"[a.b]": 1}))
    yield "nan in small letters", _json(_spans(**_attribute({"doubleValue": "nan"})))
    yield "an enumeration's name", _json(_spans(kind="SPAN_KIND_SERVER"))
    yield "both spellings", _json(_spans(start_time_unix_nano="5"))
    body = orjson.dumps(_spans(name="MARK"))
    yield "null", Odd(TRACES, JSON, b"null", 0)
    yield "text after the export", Odd(TRACES, JSON, body + b" and more", repaired_by={Repaired.TRAILING: 1})
    yield "a control character", Odd(TRACES, JSON, body.replace(b"MARK", b"\\n\x01"))


def _json_shared() -> Iterator[tuple[str, Odd]]:
    """What is wrong with a resource or a scope costs none of the spans."""

    def resource(resource: Any, **scope: Any) -> dict[str, Any]:
        spans = {"spans": [otlp.small_span(n) for n in (1, 2, 3)]}
        return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope | spans]}]}

    text, left_out = {Repaired.TEXT: 1}, {Repaired.FIELD: 1}
    yield "SURROGATE in a resource", _json(resource(_attribute({"stringValue": "SURROGATE"})), repaired_by=text)
    yield "BYTES in a scope", _json(resource({}, scope={"name": "BYTES"}), repaired_by=text)
    yield "SURROGATE in a schema URL", _json(resource({}, schemaUrl="SURROGATE"), repaired_by=text)
    yield "a resource's attribute out of range", _json(resource(_attribute({"intValue": "x"})), repaired_by=left_out)
    yield "a resource's count below 0", _json(resource({"droppedAttributesCount": -1}), repaired_by=left_out)
    yield "a resource that is text", _json(resource("r"), repaired_by=left_out)
    yield "a scope that is a list", _json(resource({}, scope=[]), repaired_by=left_out)
    yield "a scope's name that is a number", _json(resource({}, scope={"name": 5}), repaired_by=left_out)
    yield "a resource that is null", _json(resource(None))
    odd = {"resourceSpans": [5, *resource({})["resourceSpans"]]}
    yield "resources of which one is a number", _json(odd, rejected_by={Rejected.VALUE: 1})
    odd = {"resourceSpans": [{"scopeSpans": {}}, *resource({})["resourceSpans"]]}
    yield "scopes that are an object", _json(odd, rejected_by={Rejected.VALUE: 1})
    deep = resource(_attribute(_deep(40)))["resourceSpans"]
    odd = {"resourceSpans": [*deep, *resource({})["resourceSpans"]]}
    yield "a resource deeper than we take", _json(odd, rejected_by={Rejected.MAX_DEPTH: 3})


def _points(kind: str, *points: Any, **metric: Any) -> dict[str, Any]:
    good = {"name": "good", "gauge": {"dataPoints": [{"asInt": "1"}]}}
    return otlp.metrics(good, {"name": "odd", kind: {"dataPoints": list(points)}} | metric)


def _json_metrics() -> Iterator[tuple[str, Odd]]:
    for name, point in (
        ("a whole number of 1.5", {"asInt": "1.5"}),
        ("a number of text", {"asDouble": "x"}),
        ("a point that is text", "x"),
        ("an exemplar that is a number", {"exemplars": [5]}),
        ("a time below 0", {"timeUnixNano": -1}),
    ):
        points = _points("gauge", {"asInt": "1"}, point, {"asDouble": 2})
        yield name, _json(points, METRICS, rejected_by={Rejected.VALUE: 1})
    bad: dict[str, Any]
    for name, reason, bad in (
        ("a count below 0", Rejected.VALUE, {"count": "-1"}),
        ("a bucket of text", Rejected.VALUE, {"bucketCounts": ["x"]}),
        ("buckets that do not fit", Rejected.BUCKETS, {"bucketCounts": [1, 2, 3], "explicitBounds": [1]}),
    ):
        points = _points("histogram", {"count": 1}, bad, {"count": 2})
        yield name, _json(points, METRICS, rejected_by={reason: 1})
    two = ({"asInt": "1"}, {"asInt": "2"})
    yield (
        "SURROGATE in a metric",
        _json(_points("sum", *two, name="SURROGATE"), METRICS, repaired_by={Repaired.TEXT: 1}),
    )
    yield (
        "BYTES in a point",
        _json(_points("sum", two[0], _attribute({"stringValue": "BYTES"})), METRICS, repaired_by={Repaired.TEXT: 1}),
    )
    yield "a unit that is a number", _json(_points("sum", *two, unit=5), METRICS, repaired_by={Repaired.FIELD: 1})
    odd = {"exemplars": [{"traceId": "XYZ", "spanId": "ab"}]}
    yield "an exemplar's ids", _json(_points("sum", two[0], odd), METRICS, repaired_by={Repaired.ID: 2})
    yield (
        "a metric that is a number",
        _json(
            otlp.metrics(5, *_points("sum", *two)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]),  # type: ignore[arg-type]
            METRICS,
            rejected_by={Rejected.VALUE: 1},
        ),
    )


def _json_logs() -> Iterator[tuple[str, Odd]]:
    def logs(**fields: Any) -> dict[str, Any]:
        return otlp.logs({"body": {"stringValue": "1"}}, fields, {"body": {"stringValue": "3"}})

    yield "SURROGATE in a body", _json(logs(body={"stringValue": "SURROGATE"}), LOGS, repaired_by={Repaired.TEXT: 1})
    yield "BYTES in a severity", _json(logs(severityText="BYTES"), LOGS, repaired_by={Repaired.TEXT: 1})
    yield "a log record's ids", _json(logs(traceId="XYZ", spanId="ab"), LOGS, repaired_by={Repaired.ID: 2})
    for name, fields in (
        ("a body that is text", {"body": "plain"}),
        ("a log record's time below 0", {"timeUnixNano": "-1"}),
    ):
        yield name, _json(logs(**fields), LOGS, stored=2, rejected_by={Rejected.VALUE: 1})


def _protobuf(document: dict[str, Any], signal: Signal = TRACES) -> bytes:
    body: bytes = parse(orjson.dumps(document), JSON, signal.request).SerializeToString()
    return body


def _around(record: bytes, signal: Signal = TRACES) -> bytes:
    """An export with `record` before two good spans."""
    good = [json_format.ParseDict({}, signal.request().resource_spans.add().scope_spans.add().spans.add())] * 2  # type: ignore[attr-defined]
    for number, span in enumerate(good, 1):
        span.trace_id, span.span_id = bytes((number,)) * 16, bytes((number,)) * 8
    spans = [record, *(span.SerializeToString() for span in good)]
    return encode(1 << 3 | 2, encode(2 << 3 | 2, b"".join(encode(2 << 3 | 2, span) for span in spans)))


SPAN = encode(1 << 3 | 2, b"t" * 16) + encode(2 << 3 | 2, b"s" * 8)


def _protobuf_traces() -> Iterator[tuple[str, Odd]]:
    for name, junk in (
        ("of a wire type that does not exist", b"\x0f\x01"),
        ("that ends in the middle of a field", b"\x2a\x7fshort"),
        ("with a number without an end", b"\x30" + b"\xff" * 11),
        ("with field 0", b"\x00\x01"),
        ("with an event that ends too early", encode(11 << 3 | 2, b"\x12\x7fx")),
    ):
        outcome = {"stored": 2, "rejected_by": {Rejected.UNREADABLE: 1}}
        yield f"a span {name}", Odd(TRACES, PROTOBUF, _around(SPAN + junk), **outcome)  # type: ignore[arg-type]
    for reason, span in (
        (Rejected.TRACE_ID, encode(1 << 3 | 2, b"t" * 15) + encode(2 << 3 | 2, b"s" * 8)),
        (Rejected.SPAN_ID, encode(1 << 3 | 2, b"t" * 16) + encode(2 << 3 | 2, b"s" * 9)),
        (Rejected.PARENT_SPAN_ID, SPAN + encode(4 << 3 | 2, b"p")),
    ):
        yield f"bytes of a {reason}", Odd(TRACES, PROTOBUF, _around(span), 2, {reason: 1})
    deep = encode(1 << 3 | 2, b"x")
    for _ in range(150):
        deep = encode(5 << 3 | 2, encode(1 << 3 | 2, deep))
    deep = SPAN + encode(9 << 3 | 2, encode(1 << 3 | 2, b"k") + encode(2 << 3 | 2, deep))
    yield "a span deeper than protobuf takes", Odd(TRACES, PROTOBUF, _around(deep), 2, {Rejected.MAX_DEPTH: 1})
    group = b"\xa3\x06\x08\x01\xa4\x06"  # field 100
    yield "a span with a group", Odd(TRACES, PROTOBUF, _around(SPAN + group))
    endless = Odd(TRACES, PROTOBUF, _around(SPAN + group[:-2]), repaired_by={Repaired.FIELD: 1})
    yield "a span with a group without an end", endless
    bad = encode(1 << 3 | 2, encode(1 << 3 | 2, b"k") + encode(2 << 3 | 2, b"\x12\x7f"))
    resource = encode(1 << 3 | 2, encode(1 << 3 | 2, bad)) + _around(SPAN)
    yield "two resources, of one an attribute", Odd(TRACES, PROTOBUF, resource, repaired_by={Repaired.FIELD: 1})


GAUGE = encode(5 << 3 | 2, encode(1 << 3 | 2, b"\x31" + bytes(8)))
"""Of a metric: a gauge with one point."""


def _protobuf_metrics() -> Iterator[tuple[str, Odd]]:
    """A metric whose bytes are damaged, before and after a good one."""
    good = encode(1 << 3 | 2, b"good") + GAUGE
    name = encode(1 << 3 | 2, b"bad")
    for what, bad in (
        ("that is none", b"\xff\xff"),
        ("with a length beyond its end", b"\x0a\x7fname"),
        ("of a wire type that does not exist", name + b"\x0f\x01"),
        ("with an end of a group alone", name + b"\xa4\x06"),
        ("with a number without an end", name + b"\x30" + b"\xff" * 11),
        ("that ends after a good point", GAUGE + b"\x0a\x7fname"),
        *((f"with data {kind} that is none", name + encode(kind << 3 | 2, b"\xff")) for kind in (5, 7, 9, 10, 11)),
        ("with a point beyond its gauge", name + encode(5 << 3 | 2, b"\x0a\x7f\x31")),
    ):
        for where, metrics in (("before", (bad, good)), ("after", (good, bad))):
            scope = b"".join(encode(2 << 3 | 2, metric) for metric in metrics)
            body = encode(1 << 3 | 2, encode(2 << 3 | 2, scope))
            yield f"a metric {what} {where}", Odd(METRICS, PROTOBUF, body, 1, {Rejected.UNREADABLE: 1})
    endless = encode(2 << 3 | 2, name + b"\xa3\x06\x08\x01") + encode(2 << 3 | 2, good)
    body = encode(1 << 3 | 2, encode(2 << 3 | 2, endless))
    yield "a metric with a group without an end", Odd(METRICS, PROTOBUF, body, 1, repaired_by={Repaired.FIELD: 1})
    two = encode(2 << 3 | 2, GAUGE + GAUGE + b"\xff") + encode(2 << 3 | 2, good)
    body = encode(1 << 3 | 2, encode(2 << 3 | 2, two))
    yield "a metric that ends after two points", Odd(METRICS, PROTOBUF, body, 1, {Rejected.UNREADABLE: 2})


def _bad_text() -> Iterator[tuple[str, Odd]]:
    """Text that is not UTF-8 at every place where a signal has text, one after the other."""
    documents = {
        TRACES: otlp.traces(otlp.full_span() | {"links": [{"traceState": "s", **_attribute({"stringValue": "v"})}]}),
        METRICS: otlp.metrics(*otlp.every_metric()),
        LOGS: otlp.logs({"body": {"stringValue": "b"}, "severityText": "s", "eventName": "e", **_attribute({})}),
    }
    for signal, document in documents.items():
        request = parse(orjson.dumps(document), JSON, signal.request)
        stored = signal.decode(request).records
        places = list(_texts(request))
        for number, (message, name) in enumerate(places):
            was = getattr(message, name)
            setattr(message, name, MARK)
            body = request.SerializeToString()
            setattr(message, name, was)
            assert body.count(MARK.encode()) == 1
            bad = BAD_TEXT["latin-1"] if number % 2 else BAD_TEXT["surrogate"] + b"xx"
            body = body.replace(MARK.encode(), bad)
            where = f"{number} {type(message).DESCRIPTOR.name}.{name}"
            yield f"{signal.name} {where}", Odd(signal, PROTOBUF, body, stored, repaired_by={Repaired.TEXT: 1})


def _texts(message: Any) -> Iterator[tuple[Any, str]]:
    """Every text in a message and those within it."""
    for found, value in message.ListFields():
        if isinstance(value, str):
            yield message, found.name
        elif found.message_type is not None:
            for inner in value if hasattr(value, "add") else [value]:
                yield from _texts(inner)


ODD = {
    **dict(_json_traces()),
    **dict(_lenient_json()),
    **dict(_json_shared()),
    **{f"metrics: {name}": odd for name, odd in _json_metrics()},
    **{f"logs: {name}": odd for name, odd in _json_logs()},
    **dict(_protobuf_traces()),
    **{f"metrics: {name}": odd for name, odd in _protobuf_metrics()},
    **{f"text: {name}": odd for name, odd in _bad_text()},
}
