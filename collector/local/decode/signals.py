"""The three signals of OTLP and what differs between them: messages, names, paths, decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from collector.local.decode.decoded import Decoded
from collector.local.decode.logs import decode_logs
from collector.local.decode.metrics import decode_metrics
from collector.local.decode.traces import decode_bytes, decode_traces


@dataclass(frozen=True)
class Signal:
    """One signal: its name, its path and its messages."""

    name: str
    path: str
    service: str
    request: type[Message]
    response: type[Message]
    rejected_field: str
    decode: Callable[..., Decoded]
    """Called with a message and `Bounds`."""
    path_to_records: tuple[frozenset[str], ...]
    """The fields that lead from an export to its records; a step may have several."""

    decode_bytes: Callable[..., Decoded | None] | None = None
    """Faster, from protobuf and `Bounds`; None: it has to be repaired."""

    def reply(self, rejected: int, problem: str) -> Message:
        """The response to an accepted export: empty, or OTLP's partial success."""
        response: Any = self.response()
        if rejected:
            setattr(response.partial_success, self.rejected_field, rejected)
            response.partial_success.error_message = problem
        return response  # type: ignore[no-any-return]


def _path(*steps: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(step.split()) for step in steps)


_PACKAGE = "opentelemetry.proto.collector"

ALL = (
    Signal(
        "traces",
        "/v1/traces",
        f"{_PACKAGE}.trace.v1.TraceService",
        ExportTraceServiceRequest,
        ExportTraceServiceResponse,
        "rejected_spans",
        decode_traces,
        _path("resource_spans", "scope_spans", "spans"),
        decode_bytes,
    ),
    Signal(
        "metrics",
        "/v1/metrics",
        f"{_PACKAGE}.metrics.v1.MetricsService",
        ExportMetricsServiceRequest,
        ExportMetricsServiceResponse,
        "rejected_data_points",
        decode_metrics,
        _path(
            "resource_metrics",
            "scope_metrics",
            "metrics",
            "gauge sum histogram exponential_histogram summary",
            "data_points",
        ),
    ),
    Signal(
        "logs",
        "/v1/logs",
        f"{_PACKAGE}.logs.v1.LogsService",
        ExportLogsServiceRequest,
        ExportLogsServiceResponse,
        "rejected_log_records",
        decode_logs,
        _path("resource_logs", "scope_logs", "log_records"),
    ),
)
BY_PATH = {signal.path: signal for signal in ALL}
