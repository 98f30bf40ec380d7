"""Log records: written as JSON lines that lead to their trace, and handed to OpenTelemetry's Logs API.

In: records of `logging`. Out: one line of JSON each, in which secrets are hidden; OpenTelemetry log records, in the
trace of the request. State: the handlers beside the root logger's, for the process.

What OpenTelemetry, gRPC and this library log themselves is not exported, and neither is what our own threads log:
exporting logs must not make logs.

A program's own configuration takes whatever handlers the root logger has away: `dictConfig`, `fileConfig`,
`basicConfig(force=True)`, `root.handlers = []`, a Celery worker at its start. And as soon as the root logger has any
handler, `basicConfig` does nothing, and `logging` no longer writes warnings to standard error by itself. A handler that
only sends records elsewhere must cause neither. So ours stand beside the root logger's, in the one function that hands
a record to handlers. What a program keeps from the root logger (`propagate = False`) is kept from them too.
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

from telemetry.recording.attributes import clean
from telemetry.recording.exceptions import error_type, message_of
from telemetry.recording.guard import guard


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON.

    The keys are `time` (UTC), `level`, `logger`, `message`, `service`, and where they exist `trace_id`, `span_id` and
    `exception`; then what was given as `extra`. A value that JSON does not know, as a number that is not finite, is
    written as its text. Secrets are hidden as `configure(scrub=…)` says, by default too.
    Arguments: `service`, the executor's name.
    """

    def __init__(self, service: str = "") -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
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
        return _spelled(line)

    def _stack(self, info: Any) -> str:
        try:
            return self.formatException(info)
        except Exception:  # noqa: BLE001  an exception of the user's, which may raise at any look
            return f"{info[0].__qualname__}: {_text(info[1])}"


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """Return what the caller gave a record as `extra`."""
    return {name: value for name, value in vars(record).items() if name not in _OWN}


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  arguments that do not fit the text; or a user's own __str__
        return _text(record.msg)


def _spelled(line: dict[str, Any]) -> str:
    """Return a line as JSON, whatever it holds."""
    try:
        spelled = json.dumps(line, default=_text, ensure_ascii=False, allow_nan=False)
        spelled.encode()
    except Exception:  # noqa: BLE001  keys that are not texts; NaN; a lone surrogate; a class of the user's
        return json.dumps(_plain(line), ensure_ascii=False, allow_nan=False)
    return spelled


def _plain(value: Any, depth: int = 32) -> Any:
    """Return a value of what JSON knows, made of Python's own types."""
    try:
        return _known(value, depth)
    except Exception:  # noqa: BLE001  an object of the user's, which may raise at any look
        return f"<{type(value).__name__}>"


def _known(value: Any, depth: int) -> Any:
    if value is None or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, int) and value.bit_length() < _LARGE:
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


_LARGE = 4096  # bits; Python writes no number of more than 4,300 digits
_OWN = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
"""What every record has; the rest is `extra`."""


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


_OWN_HANDLERS: Final = frozenset({"celery.task"})
"""Loggers that a framework gives the root logger's handlers once more, in its own format, and takes off the root logger
for that reason alone: a Celery worker's, below which are all that `get_task_logger` returns."""


class _Beside:
    """What stands beside the root logger's handlers. `installed` once records come by here."""

    handlers: tuple[logging.Handler, ...] = ()
    installed = False


def attach_beside_root(handlers: Sequence[logging.Handler]) -> Callable[[], None]:
    """Hand records to `handlers` as the root logger would; return what takes them away again."""
    _Beside.handlers = (*_Beside.handlers, *handlers)
    if handlers and not _Beside.installed:
        _Beside.installed = True
        _install()

    def detach() -> None:
        _Beside.handlers = tuple(one for one in _Beside.handlers if one not in handlers)

    return detach


def _install() -> None:
    call_handlers = logging.Logger.callHandlers

    def with_those_beside(self: logging.Logger, record: logging.LogRecord) -> None:
        call_handlers(self, record)
        if _Beside.handlers and _reaches_root(self):
            with guard:
                for handler in _Beside.handlers:
                    if record.levelno >= handler.level:
                        handler.handle(record)

    logging.Logger.callHandlers = with_those_beside  # type: ignore[method-assign]  # stays: others may wrap it


def _reaches_root(logger: logging.Logger) -> bool:
    while logger.parent is not None and (logger.propagate or logger.name in _OWN_HANDLERS):
        logger = logger.parent
    return logger is logging.root
