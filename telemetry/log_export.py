"""Hands records of `logging` to OpenTelemetry's Logs API.

In: records of `logging`. Out: OpenTelemetry log records, in the trace of the request. State: none.

What OpenTelemetry, gRPC and this library log themselves stays out, and so does whatever our own threads log: exporting
logs must not make logs.
"""

import contextlib
import logging
import traceback
from typing import Final

from opentelemetry import context as otel_context
from opentelemetry._logs import LoggerProvider, SeverityNumber
from opentelemetry.util.types import AttributeValue

from telemetry.json_logs import extras
from telemetry.recording.attributes import clean
from telemetry.recording.exceptions import error_type, message_of
from telemetry.recording.guard import guard

_OURS: Final = ("opentelemetry", "search_telemetry", "grpc", "urllib3", "requests")

_SEVERITIES: Final = (
    (logging.CRITICAL, SeverityNumber.FATAL, "FATAL"),
    (logging.ERROR, SeverityNumber.ERROR, "ERROR"),
    (logging.WARNING, SeverityNumber.WARN, "WARN"),
    (logging.INFO, SeverityNumber.INFO, "INFO"),
    (logging.DEBUG, SeverityNumber.DEBUG, "DEBUG"),
    (logging.NOTSET, SeverityNumber.TRACE, "TRACE"),
)


class ExportHandler(logging.Handler):
    """A handler of `logging` whose records are exported."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one record on. Never raises."""
        if record.name.partition(".")[0] in _OURS or otel_context.get_value("suppress_instrumentation"):
            return
        with guard:
            number, text = next((n, t) for level, n, t in _SEVERITIES if record.levelno >= level)
            self._provider.get_logger(record.name).emit(
                timestamp=int(record.created * 1e9),
                severity_number=number,
                severity_text=text,
                body=_message(record),
                attributes=_attributes(record),
            )


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  arguments that do not fit the text: `logging` prints its own complaint of these
        return str(record.msg)


def _attributes(record: logging.LogRecord) -> dict[str, AttributeValue]:
    attributes = clean(extras(record))
    attributes["code.file.path"] = record.pathname
    attributes["code.function.name"] = record.funcName
    attributes["code.line.number"] = record.lineno
    exc = record.exc_info[1] if record.exc_info else None
    if exc is not None:
        attributes["exception.type"] = error_type(exc)
        attributes["exception.message"] = message_of(exc)
        with contextlib.suppress(Exception):  # an exception of the user's, which may raise at any look
            attributes["exception.stacktrace"] = "".join(traceback.format_exception(exc))
    return attributes
