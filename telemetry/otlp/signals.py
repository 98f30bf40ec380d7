"""The OTLP requests and responses of each signal: encoding items, with secrets hidden, and rejected items."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from telemetry.otlp.writing.logs import encode_log_records
from telemetry.otlp.writing.metrics import encode_metrics_data
from telemetry.otlp.writing.spans import encode_spans
from telemetry.otlp.writing.wire import fields

_PARTIAL_SUCCESS = 1  # of a response of any signal
_REJECTED, _MESSAGE = 1, 2  # of a partial success


@dataclass(frozen=True, slots=True)
class SignalKind:
    """One signal: its names in OTLP, and its encoder, whose requests can be joined to one."""

    name: str
    method: str
    encode: Callable[[Any], bytes]

    @staticmethod
    def rejected(response: bytes) -> tuple[int, str]:
        """Return how many items the collector rejected, and its message.

        A malformed response counts as one without rejections: the request was accepted.
        """
        try:
            partial: dict[int, Any] = {}
            for number, value in fields(response):
                if number == _PARTIAL_SUCCESS and isinstance(value, bytes):
                    partial |= dict(fields(value))
            return max(0, int(partial.get(_REJECTED, 0))), str(partial.get(_MESSAGE, b""), "utf-8")
        except (ValueError, TypeError):
            return 0, ""


_SERVICE = "/opentelemetry.proto.collector"
SPANS: Final = SignalKind("spans", f"{_SERVICE}.trace.v1.TraceService/Export", encode_spans)
METRICS: Final = SignalKind("metrics", f"{_SERVICE}.metrics.v1.MetricsService/Export", encode_metrics_data)
LOGS: Final = SignalKind("logs", f"{_SERVICE}.logs.v1.LogsService/Export", encode_log_records)
