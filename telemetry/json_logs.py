"""Writes log records as JSON lines that lead to their trace.

In: records of `logging`. Out: one line of JSON each, in which secrets are hidden. State: none.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from opentelemetry import trace


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON.

    The keys are `time` (UTC), `level`, `logger`, `message`, `service`, and where they exist `trace_id`, `span_id` and
    `exception`; then what was given as `extra`. A value that JSON does not know is written as its text. Secrets are
    hidden as `configure(scrub=…)` says, by default too.
    Arguments: `service`, the executor's name.
    """

    def __init__(self, service: str = "") -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        from telemetry.privacy import scrub  # compiles the rules

        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": scrub(record.getMessage()),
        }
        if self._service:
            line["service"] = self._service
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = trace.format_trace_id(context.trace_id)
            line["span_id"] = trace.format_span_id(context.span_id)
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = scrub(self.formatException(record.exc_info))
        extra = {name: scrub(value, name) for name, value in extras(record).items() if name not in line}
        return json.dumps({**line, **extra}, default=_text, ensure_ascii=False)


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """Return what the caller gave a record as `extra`."""
    return {name: value for name, value in vars(record).items() if name not in _OWN}


def _text(value: object) -> str:
    from telemetry.privacy import scrub

    try:
        return str(scrub(str(value)))
    except Exception:  # noqa: BLE001  a user's own __str__
        return f"<{type(value).__name__}>"


_OWN = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
"""What every record has; the rest is `extra`."""
