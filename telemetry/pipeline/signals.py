"""How each signal is spelled in OTLP.

In: items of the SDK. Out: encoded requests, and how many items a response refuses. State: none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from telemetry.pipeline.span_encoder import encode_spans


@dataclass(frozen=True, slots=True)
class SignalKind:
    """One signal: its names in OTLP, its encoder, its response."""

    name: str
    method: str
    path: str
    encode: Callable[[Any], bytes]
    response: Callable[[], Any]
    rejected_field: str

    def rejected(self, response: bytes) -> tuple[int, str]:
        """Return how many items the collector refused, and its words for it.

        A response that cannot be read is one that refuses nothing: the request was taken.
        """
        message = self.response()
        try:
            message.ParseFromString(response)
        except DecodeError:
            return 0, ""
        partial = message.partial_success
        return int(getattr(partial, self.rejected_field)), str(partial.error_message)


_SERVICE = "/opentelemetry.proto.collector"
SPANS: Final = SignalKind(
    "spans", f"{_SERVICE}.trace.v1.TraceService/Export", "/v1/traces", encode_spans, ExportTraceServiceResponse,
    "rejected_spans",
)  # fmt: skip
METRICS: Final = SignalKind(
    "metrics", f"{_SERVICE}.metrics.v1.MetricsService/Export", "/v1/metrics",
    lambda data: encode_metrics(data).SerializeToString(), ExportMetricsServiceResponse, "rejected_data_points",
)  # fmt: skip
LOGS: Final = SignalKind(
    "logs", f"{_SERVICE}.logs.v1.LogsService/Export", "/v1/logs",
    lambda records: encode_logs(records).SerializeToString(), ExportLogsServiceResponse, "rejected_log_records",
)  # fmt: skip
