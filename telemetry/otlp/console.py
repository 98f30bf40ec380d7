"""Writes what is exported to standard output.

In: encoded requests, in which secrets are hidden. Out: lines, one of OTLP's JSON for each request, as OpenTelemetry's
`otlp/stdout` has it. State: the request that was written last, which may be sent again.
"""

import base64
import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.otlp.outcome import Outcome, Sender

_REQUESTS: Final[Mapping[str, type[Message]]] = {
    "spans": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})


class ConsoleSender:
    """Writes requests of one signal.

    Arguments: `signal`, `spans` or `metrics`; `then`, who sends them on, None where nobody does.
    """

    def __init__(self, signal: str, then: Sender | None) -> None:
        self._request = _REQUESTS[signal]
        self._then = then
        self._written: bytes | None = None

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Write a request, once, and send it on. Never raises."""
        problem = ""
        if self._written is not request:
            problem = self._write(request)
        self._written = request
        if self._then is not None:
            return self._then.send(request, timeout)
        return Outcome(problem=problem) if problem else Outcome(response=b"")

    def close(self) -> None:
        """Break off what is being sent."""
        if self._then is not None:
            self._then.close()

    def _write(self, request: bytes) -> str:
        """Write one line; return what went wrong."""
        message = self._request()
        try:
            message.ParseFromString(request)
            line = json.dumps(_with_hex_ids(MessageToDict(message)), ensure_ascii=False, separators=(",", ":"))
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except Exception as error:  # noqa: BLE001  whatever stands in for standard output may raise anything
            return f"standard output cannot be written: {type(error).__name__}"
        return ""


def _with_hex_ids(value: Any) -> Any:
    """Return JSON with ids as OTLP writes them; protobuf writes bytes in base64."""
    if isinstance(value, dict):
        return {
            name: base64.b64decode(inner).hex() if name in _IDS else _with_hex_ids(inner)
            for name, inner in value.items()
        }
    return [_with_hex_ids(inner) for inner in value] if isinstance(value, list) else value
