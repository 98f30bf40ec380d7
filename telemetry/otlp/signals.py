"""The OTLP requests and responses of each signal: encoding the SDK's items, with secrets hidden, and rejected items."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import MetricsData

from telemetry.otlp.repair import repaired_record
from telemetry.otlp.span_encoder import encode_spans
from telemetry.privacy.messages import cut_texts, scrub_message
from telemetry.privacy.metrics import scrub_metrics
from telemetry.privacy.scrubber import current


@dataclass(frozen=True, slots=True)
class SignalKind:
    """One signal: its names in OTLP, its encoder, its response."""

    name: str
    method: str
    encode: Callable[[Any], bytes]
    response: Callable[[], Any]
    rejected_field: str

    def rejected(self, response: bytes) -> tuple[int, str]:
        """Return how many items the collector rejected, and its message.

        A malformed response counts as one without rejections: the request was accepted.
        """
        message = self.response()
        try:
            message.ParseFromString(response)
        except DecodeError:
            return 0, ""
        partial = message.partial_success
        return int(getattr(partial, self.rejected_field)), str(partial.error_message)


def encode_log_records(records: Sequence[ReadableLogRecord], longest: int | None = None) -> bytes:
    """Return the encoded export request of `records`, scrubbed; then attributes are cut to `longest` characters."""
    request = encode_logs([repaired_record(record) for record in records])
    scrub_message(request, current())
    for of_resource in request.resource_logs:
        for scope in of_resource.scope_logs:
            for record in scope.log_records:
                cut_texts(record.attributes, longest)
    return request.SerializeToString()


def encode_metrics_data(data: MetricsData) -> bytes:
    """Return the encoded export request of `data`, scrubbed."""
    return encode_metrics(scrub_metrics(data, current())).SerializeToString()


_SERVICE = "/opentelemetry.proto.collector"
SPANS: Final = SignalKind(
    "spans", f"{_SERVICE}.trace.v1.TraceService/Export", encode_spans, ExportTraceServiceResponse,
    "rejected_spans",
)  # fmt: skip
METRICS: Final = SignalKind(
    "metrics", f"{_SERVICE}.metrics.v1.MetricsService/Export",
    encode_metrics_data, ExportMetricsServiceResponse, "rejected_data_points",
)  # fmt: skip
LOGS: Final = SignalKind(
    "logs", f"{_SERVICE}.logs.v1.LogsService/Export",
    encode_log_records, ExportLogsServiceResponse, "rejected_log_records",
)  # fmt: skip
