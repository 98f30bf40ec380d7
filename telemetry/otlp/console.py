"""Writes exported requests to standard output, each as one line of OTLP's JSON, like OpenTelemetry's `otlp/stdout`.

Secrets are hidden in the requests already. A request that is retried is written once.
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
    """Writes requests of one signal, `spans` or `metrics`, and passes them to the sender `then`, if there is one."""

    def __init__(self, signal: str, then: Sender | None) -> None:
        self._request = _REQUESTS[signal]
        self._then = then
        self._written: bytes | None = None

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Write a request, unless it is a retry, and send it on. Never raises."""
        problem = ""
        if self._written is not request:
            problem = self._write(request)
        self._written = request
        if self._then is not None:
            return self._then.send(request, timeout)
        return Outcome(problem=problem) if problem else Outcome(response=b"")

    def close(self) -> None:
        """Cancel the request that is being sent."""
        if self._then is not None:
            self._then.close()

    def _write(self, request: bytes) -> str:
        """Write one line; return the problem, empty if there is none."""
        message = self._request()
        try:
            message.ParseFromString(request)
            line = json.dumps(_with_hex_ids(MessageToDict(message)), ensure_ascii=False, separators=(",", ":"))
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except Exception as error:  # noqa: BLE001  a replacement of sys.stdout may raise anything
            return f"cannot write to standard output: {type(error).__name__}"
        return ""


def _with_hex_ids(value: Any) -> Any:
    """Return JSON with ids in hexadecimal, as in OTLP; protobuf writes them in base64."""
    if isinstance(value, dict):
        return {
            name: base64.b64decode(inner).hex() if name in _IDS else _with_hex_ids(inner)
            for name, inner in value.items()
        }
    return [_with_hex_ids(inner) for inner in value] if isinstance(value, list) else value
