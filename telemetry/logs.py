"""Logging: a formatter for JSON lines with trace ids, and handlers that export records to OpenTelemetry.

Records of OpenTelemetry, gRPC and this library, and those of our own threads, are not exported: exporting logs must not
create logs.

The handlers are not added to the root logger, for two reasons. A program's configuration removes the root logger's
handlers (`dictConfig`, `fileConfig`, `basicConfig(force=True)`, a Celery worker at its start). And once the root logger
has a handler, `basicConfig` does nothing, and `logging` no longer prints warnings to standard error by itself. So our
handlers are called by a patch of `Logger.callHandlers`, for all records that reach the root logger.
"""

import contextlib
import json
import logging
import math
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry._logs import LoggerProvider, SeverityNumber
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording.attributes import clean
from telemetry.recording.guard import guard
from telemetry.recording.runs.exceptions import error_type, message_of

_MAX_INT_BITS = 4096  # bits; Python converts at most 4,300 digits to a string
_RECORD_ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
"""Attributes that every record has; others are `extra`."""
_INTERNAL_LOGGERS: Final = ("opentelemetry", "search_telemetry", "grpc", "urllib3", "requests")
_SEVERITIES: Final = (
    (logging.CRITICAL, SeverityNumber.FATAL, "FATAL"),
    (logging.ERROR, SeverityNumber.ERROR, "ERROR"),
    (logging.WARNING, SeverityNumber.WARN, "WARN"),
    (logging.INFO, SeverityNumber.INFO, "INFO"),
    (logging.DEBUG, SeverityNumber.DEBUG, "DEBUG"),
    (logging.NOTSET, SeverityNumber.TRACE, "TRACE"),
)
EVENT_NAME: Final = "event.name"
"""The `extra` of a record that becomes OTLP's event name."""
_SAME_HANDLERS: Final = frozenset({"celery.task"})
"""Loggers that do not propagate to the root logger only because a framework gave them the same handlers: Celery's, the
parent of all that `get_task_logger` returns. Their records are exported, too."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON.

    The keys are `time` (UTC), `level`, `logger`, `message` and `service`; `trace_id` and `span_id` inside a span;
    `exception` if there is one; then the record's `extra`. Values that JSON does not have, such as NaN, are written as
    strings. Secrets are hidden according to `configure(scrub=…)`.

    Arguments: `service`, the name of the service.
    """

    def __init__(self, service: str = "") -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line end."""
        from telemetry.privacy import scrub  # compiles the rules
        from telemetry.privacy.urls import LOGGED

        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": scrub(_message(record), LOGGED),
        }
        if self._service:
            line["service"] = self._service
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = trace.format_trace_id(context.trace_id)
            line["span_id"] = trace.format_span_id(context.span_id)
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = scrub(self._stack(record.exc_info), "exception.stacktrace")
        for name, value in extras(record).items():
            key = name if isinstance(name, str) else _text(name)
            if key not in line:
                line[key] = scrub(value, key)
        return _to_json(line)

    def _stack(self, info: Any) -> str:
        try:
            return self.formatException(info)
        except Exception:  # noqa: BLE001  any access to an exception of the user's may raise
            return f"{info[0].__qualname__}: {_text(info[1])}"


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """Return the `extra` attributes of a record."""
    return {name: value for name, value in vars(record).items() if name not in _RECORD_ATTRIBUTES}


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  arguments that do not fit the format; a user's own __str__
        return _text(record.msg)


def _to_json(line: dict[str, Any]) -> str:
    """Return a line as JSON, whatever it contains."""
    try:
        text = json.dumps(line, default=_text, ensure_ascii=False, allow_nan=False)
        text.encode()
    except Exception:  # noqa: BLE001  keys that are not strings; NaN; a lone surrogate; a class of the user's
        return json.dumps(_plain(line), ensure_ascii=False, allow_nan=False)
    return text


def _plain(value: Any, depth: int = 32) -> Any:
    """Return a value that JSON can represent; types that it does not have become strings."""
    try:
        return _convert(value, depth)
    except Exception:  # noqa: BLE001  any access to an object of the user's may raise
        return f"<{type(value).__name__}>"


def _convert(value: Any, depth: int) -> Any:
    if value is None or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, int) and value.bit_length() < _MAX_INT_BITS:
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if depth > 0 and isinstance(value, Mapping):
        return {_plain(key if isinstance(key, str) else _text(key)): _plain(value[key], depth - 1) for key in value}
    if depth > 0 and isinstance(value, list | tuple):
        return [_plain(item, depth - 1) for item in value]
    return _plain(_text(value))


def _text(value: object) -> str:
    from telemetry.privacy import scrub

    try:
        return str(scrub(str(value)))
    except Exception:  # noqa: BLE001  a user's own __str__
        return f"<{type(value).__name__}>"


class ExportHandler(logging.Handler):
    """A logging handler that emits records to an OpenTelemetry logger provider: ours, or one of the user's."""

    def __init__(self, provider: LoggerProvider) -> None:
        from telemetry.recording.logs import logger_provider  # imports the SDK

        super().__init__()
        self._provider = provider
        ours = logger_provider.LoggerProvider
        self._emit = provider.emit if isinstance(provider, ours) else self._emit_to_logger

    def emit(self, record: logging.LogRecord) -> None:
        """Emit one record. Never raises."""
        if record.name.partition(".")[0] in _INTERNAL_LOGGERS or otel_context.get_value("suppress_instrumentation"):
            return
        with guard:
            number, text = next((n, t) for level, n, t in _SEVERITIES if record.levelno >= level)
            attributes = _attributes(record)
            event = attributes.pop(EVENT_NAME, None)
            self._emit(
                record.name,
                attributes,
                timestamp=int(record.created * 1e9),
                severity_number=number,
                severity_text=text,
                body=_message(record),
                event_name=None if event is None else str(event),
            )

    def _emit_to_logger(self, name: str, attributes: dict[str, AttributeValue], **values: Any) -> None:
        self._provider.get_logger(name).emit(attributes=attributes, **values)


def _attributes(record: logging.LogRecord) -> dict[str, AttributeValue]:
    attributes = clean(extras(record))
    attributes["code.file.path"] = record.pathname
    attributes["code.function.name"] = record.funcName
    attributes["code.line.number"] = record.lineno
    exc = record.exc_info[1] if record.exc_info else None
    if exc is not None:
        attributes["exception.type"] = error_type(exc)
        attributes["exception.message"] = message_of(exc)
        with contextlib.suppress(Exception):  # any access to an exception of the user's may raise
            attributes["exception.stacktrace"] = "".join(traceback.format_exception(exc))
    return attributes


def log_event(event: c.LogEvent, message: str, attributes: Mapping[str, object], *, stacklevel: int) -> None:
    """Log an event, whatever the level of loggers; `stacklevel` is the number of frames up to the user's."""
    logger = logging.getLogger(c.SCOPE)
    path, line, function, _ = logger.findCaller(stacklevel=stacklevel)
    extra = {EVENT_NAME: event.name, **attributes}
    logger.callHandlers(logger.makeRecord(logger.name, logging.INFO, path, line, message, (), None, function, extra))


class _Extra:
    """The handlers that are called after those of the root logger; `installed` once the patch is."""

    handlers: tuple[logging.Handler, ...] = ()
    installed = False


def attach_beside_root(handlers: Sequence[logging.Handler]) -> Callable[[], None]:
    """Call `handlers` for each record that reaches the root logger; return a function that removes them."""
    _Extra.handlers = (*_Extra.handlers, *handlers)
    if handlers and not _Extra.installed:
        _Extra.installed = True
        _install()

    def detach() -> None:
        _Extra.handlers = tuple(one for one in _Extra.handlers if one not in handlers)

    return detach


def _install() -> None:
    call_handlers = logging.Logger.callHandlers

    def call_all_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        call_handlers(self, record)
        if _Extra.handlers and _reaches_root(self):
            with guard:
                for handler in _Extra.handlers:
                    if record.levelno >= handler.level:
                        handler.handle(record)

    logging.Logger.callHandlers = call_all_handlers  # type: ignore[method-assign]  # never removed: others may have wrapped it


def _reaches_root(logger: logging.Logger) -> bool:
    while logger.parent is not None and (logger.propagate or logger.name in _SAME_HANDLERS):
        logger = logger.parent
    return logger is logging.root
