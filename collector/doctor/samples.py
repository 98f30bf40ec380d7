"""The traces, the metric and the log record of one run, and its result.

They have the attribute `search.doctor` with a random value, which the tail sampling policy `marked` keeps, and their
own service name. The value has only lower-case letters, so that no processor masks it as a secret.
"""

import re
import secrets
import string
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from telemetry import conventions as c
from telemetry.config.settings import Settings
from telemetry.conventions import Signal
from telemetry.setup.resource import make_resource

LASTS_NS = 1_000_000
"""Duration of the span: neither zero nor slow."""
BODY = "telemetry doctor was here"


@dataclass(frozen=True, slots=True)
class Marked:
    """What to find: `mark`, the value of `search.doctor`; ids in hex; `start_ns` of the span, in Unix time.

    `others` are ids of further traces, one for each gateway; `by` from a trace's id to its gateway.
    """

    mark: str
    trace_id: str
    span_id: str
    start_ns: int
    settings: Settings
    others: tuple[str, ...] = ()
    by: Mapping[str, str] = field(default_factory=dict)

    def each(self) -> "list[Marked]":
        """The same with a single trace, for each of the traces."""
        return [replace(self, trace_id=trace_id, others=()) for trace_id in self.trace_ids]

    @property
    def trace_ids(self) -> tuple[str, ...]:
        """The ids of all traces."""
        return (self.trace_id, *self.others)

    def request(self, signal: Signal) -> bytes:
        """Return the encoded export request of one signal."""
        message: Message = {"traces": self._traces, "metrics": self._metrics, "logs": self._logs}[signal]()
        return message.SerializeToString()

    def _traces(self) -> Message:
        spans = [
            Span(
                trace_id=bytes.fromhex(trace_id),
                span_id=bytes.fromhex(self.span_id),
                name=c.DOCTOR.name,
                kind=Span.SPAN_KIND_INTERNAL,
                start_time_unix_nano=self.start_ns,
                end_time_unix_nano=self.start_ns + LASTS_NS,
                flags=1,  # sampled
                attributes=self._attributes(),
            )
            for trace_id in self.trace_ids
        ]
        of_resource = ResourceSpans(resource=self._resource(), scope_spans=[ScopeSpans(scope=_SCOPE, spans=spans)])
        return ExportTraceServiceRequest(resource_spans=[of_resource])

    def _metrics(self) -> Message:
        delta = self.settings.temporality == "delta"
        total = Sum(
            data_points=[
                NumberDataPoint(
                    as_int=1,
                    start_time_unix_nano=self.start_ns,
                    time_unix_nano=self.start_ns + LASTS_NS,
                    attributes=self._attributes(),
                )
            ],
            aggregation_temporality=AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
            if delta
            else AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE,
            is_monotonic=True,
        )
        runs = c.DOCTOR_RUNS
        metric = Metric(name=runs.name, unit=runs.unit, description=runs.brief, sum=total)
        of_resource = ResourceMetrics(
            resource=self._resource(), scope_metrics=[ScopeMetrics(scope=_SCOPE, metrics=[metric])]
        )
        return ExportMetricsServiceRequest(resource_metrics=[of_resource])

    def _logs(self) -> Message:
        record = LogRecord(
            time_unix_nano=self.start_ns,
            observed_time_unix_nano=self.start_ns,
            severity_number=SeverityNumber.SEVERITY_NUMBER_INFO,
            severity_text="INFO",
            body=AnyValue(string_value=BODY),
            attributes=self._attributes(),
            trace_id=bytes.fromhex(self.trace_id),
            span_id=bytes.fromhex(self.span_id),
            flags=1,
        )
        of_scope = ScopeLogs(scope=_SCOPE, log_records=[record])
        of_resource = ResourceLogs(resource=self._resource(), scope_logs=[of_scope])
        return ExportLogsServiceRequest(resource_logs=[of_resource])

    def _attributes(self) -> list[KeyValue]:
        return [_pair(c.SEARCH_DOCTOR.name, self.mark)]

    def _resource(self) -> Resource:
        """The resource of a service with these settings, except its name: a Collector may route by it."""
        return _resource(make_resource(self.settings).attributes)


_HALVES = ("01234567", "89abcdef")
"""The layer `agent` distributes traces to its two gateways by the last digit of their ids."""
_SPREAD = {"load_balancing", "loadbalancing", "kafka"}
"""Exporters that distribute traces to gateways by a hash of their ids: several traces are needed to reach all."""
_SCOPE = InstrumentationScope(name="search-telemetry")


def mark(settings: Settings, exporters: Collection[str] = ()) -> Marked:
    """Make the marks of one run.

    Arguments: `settings` of the sending service; `exporters` of the Collectors on the way.
    """
    letters = "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))
    gateways = sorted(name for name in exporters if re.search(r"/gateway-\d+$", name))
    by: dict[str, str] = {}
    if len(gateways) == len(_HALVES):  # our layer agent
        for name, half in zip(gateways, _HALVES, strict=True):
            by[secrets.token_hex(16)[:-1] + secrets.choice(half)] = name.partition("/")[2]
        ids = list(by)
    elif gateways or any(name.partition("/")[0] in _SPREAD for name in exporters):
        ids = [secrets.token_hex(16)[:-1] + digit for half in _HALVES for digit in half]
    else:
        ids = [secrets.token_hex(16)]
    return Marked(letters, ids[0], secrets.token_hex(8), time.time_ns(), settings, tuple(ids[1:]), by)


def result(settings: Settings, findings: Mapping[str, int]) -> bytes:
    """Return the encoded export request of a run's result, the number of its findings by level.

    It has no mark, and the machine's name as its instance: the result of one run replaces that of the run before.
    """
    gauge = c.DOCTOR_FINDINGS
    now = time.time_ns()
    points = [
        NumberDataPoint(as_int=count, time_unix_nano=now, attributes=[_pair(c.SEARCH_DOCTOR_LEVEL.name, level)])
        for level, count in findings.items()
    ]
    metric = Metric(name=gauge.name, unit=gauge.unit, description=gauge.brief, gauge=Gauge(data_points=points))
    attributes = make_resource(settings).attributes
    instance = {c.SERVICE_INSTANCE_ID.name: attributes[c.HOST_NAME.name], **dict(settings.resource_attributes)}
    of_scope = ScopeMetrics(scope=_SCOPE, metrics=[metric])
    of_resource = ResourceMetrics(resource=_resource({**attributes, **instance}), scope_metrics=[of_scope])
    return ExportMetricsServiceRequest(resource_metrics=[of_resource]).SerializeToString()


def _resource(attributes: Mapping[str, object]) -> Resource:
    return Resource(attributes=[_pair(name, str(value)) for name, value in attributes.items()])


def _pair(name: str, value: str) -> KeyValue:
    return KeyValue(key=name, value=AnyValue(string_value=value))
