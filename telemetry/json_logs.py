"""Writes log records as JSON lines that lead to their trace.

In: records of `logging`. Out: one line of JSON each, in which secrets are hidden. State: none.
"""

import json
import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from opentelemetry import trace


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
