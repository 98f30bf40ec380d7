"""OTLP as somebody without our library sends it: texts at every place that takes one."""

import json
from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

START = 1_700_000_000_000_000_000
LINKED = bytes(range(16)), bytes(range(8))
"""The ids of the trace and the span that every link leads to."""

Named = tuple[str, str]
"""The name of an attribute, and its text."""

_METHODS = {
    ExportTraceServiceRequest: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    ExportMetricsServiceRequest: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    ExportLogsServiceRequest: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}


def send(address: str, request: Message) -> None:
    """Send by gRPC; what is not taken is an error."""
    with grpc.insecure_channel(address) as channel:
        export = channel.unary_unary(_METHODS[type(request)], None, None)
        export(request.SerializeToString(), timeout=30)


def put(attributes: Any, name: str, value: Any) -> None:
    """Add an attribute."""
    pair = attributes.add()
    pair.key = name
    _set(pair.value, value)


def _set(target: AnyValue, value: Any) -> None:
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        for name, item in value.items():
            put(target.kvlist_value.values, name, item)
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for item in value:
            _set(target.array_value.values.add(), item)
    else:
        target.string_value = value


def trace(spans: Iterable[dict[str, Any]], scope: str = "somebody.else", service: str = "shop") -> Any:
    """A request with spans, all of one trace.

    A span: name, kind, parent, status, attributes, events (name and attributes), links (attributes of each),
    link_state, state.
    """
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    put(of_resource.resource.attributes, "service.name", service)
    of_scope = of_resource.scope_spans.add()
    of_scope.scope.name = scope
    for number, given in enumerate(spans, 1):
        span = of_scope.spans.add(
            trace_id=bytes.fromhex("0af7651916cd43dd8448eb211c80319c"),
            span_id=number.to_bytes(8, "big"),
            parent_span_id=given.get("parent", 0).to_bytes(8, "big") if given.get("parent") else b"",
            name=given.get("name", "work"),
            kind=given.get("kind", 1),
            start_time_unix_nano=START,
            end_time_unix_nano=START + 10**7,
            trace_state=given.get("state", ""),
        )
        span.status.message = given.get("status", "")
        for name, value in given.get("attributes", {}).items():
            put(span.attributes, name, value)
        for name, attributes in given.get("events", ()):
            event = span.events.add(name=name, time_unix_nano=START)
            for key, value in attributes.items():
                put(event.attributes, key, value)
        for attributes in given.get("links", ()):
            link = span.links.add(trace_id=LINKED[0], span_id=LINKED[1], trace_state=given.get("link_state", ""))
            for key, value in attributes.items():
                put(link.attributes, key, value)
    return request


def log(records: Iterable[dict[str, Any]], service: str = "shop") -> Any:
    """A request with log records. A record: body, attributes, event, severity."""
    request = ExportLogsServiceRequest()
    of_resource = request.resource_logs.add()
    put(of_resource.resource.attributes, "service.name", service)
    of_scope = of_resource.scope_logs.add()
    for given in records:
        record = of_scope.log_records.add(time_unix_nano=START, event_name=given.get("event", ""))
        record.severity_text = given.get("severity", "")
        _set(record.body, given.get("body", ""))
        for name, value in given.get("attributes", {}).items():
            put(record.attributes, name, value)
    return request


def counter(name: str, points: Iterable[dict[str, Any]], at: int, service: str = "shop") -> Any:
    """A request with a counter. A point: attributes, and its exemplar's."""
    request = ExportMetricsServiceRequest()
    of_resource = request.resource_metrics.add()
    put(of_resource.resource.attributes, "service.name", service)
    metric = of_resource.scope_metrics.add().metrics.add(name=name)
    metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    metric.sum.is_monotonic = True
    for given in points:
        point = metric.sum.data_points.add(start_time_unix_nano=at - 10**9, time_unix_nano=at, as_int=1)
        for key, value in given.get("attributes", {}).items():
            put(point.attributes, key, value)
        exemplar = point.exemplars.add(time_unix_nano=at, as_int=1, trace_id=bytes(range(16)), span_id=bytes(range(8)))
        for key, value in given.get("exemplar", {}).items():
            put(exemplar.filtered_attributes, key, value)
    return request


def as_text(messages: Iterable[Message]) -> str:
    """Everything that messages hold, as one text: names, values, of every depth."""
    return json.dumps([_plain(message) for message in messages], ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return [[field.name, _plain(item)] for field, item in value.ListFields()]
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, (str, int, float, bool)):
        return value
    return [_plain(item) for item in value]
