"""Warns if a provider that was set before `configure`, which is used as it is, exports nothing."""

import logging
import operator
from typing import Any, Final

from opentelemetry import _logs, metrics, trace

_log = logging.getLogger("search_telemetry")
_PROCESSORS: Final = {
    "spans": ("TracerProvider", "_active_span_processor._span_processors", "a span processor"),
    "metrics": ("MeterProvider", "_metric_readers", "a metric reader"),
    "logs": ("LoggerProvider", "_multi_log_record_processor._log_record_processors", "a log record processor"),
}
"""By signal: the SDK's provider, the attribute with its processors or readers, and what one of these is called."""
_NO_OPS: Final = (trace.NoOpTracerProvider, metrics.NoOpMeterProvider, _logs.NoOpLoggerProvider)


def warn_if_not_exported(signal: str, provider: Any) -> None:
    """Log a warning if `provider` of `signal` exports nothing, with the reason and a hint."""
    found = _why_not_exported(signal, provider)
    if found is not None:
        _log.warning(
            "%s are not exported: OpenTelemetry already has a %s, %s, and an existing provider is used as it is; "
            "%s, or call telemetry.configure before it is set (OTEL_PYTHON_%s sets one, too)",
            signal, type(provider).__name__, *found,
            _PROCESSORS[signal][0].replace("Provider", "_PROVIDER").upper(),
        )  # fmt: skip


def _why_not_exported(signal: str, provider: Any) -> tuple[str, str] | None:
    """Return why a provider exports nothing, and a hint; None if it exports, or if that is unknown."""
    kind, path, missing = _PROCESSORS[signal]
    if type(provider) in _NO_OPS:
        return "which records nothing", "set another one"
    if type(provider).__name__ != kind:
        return None
    try:
        processors = operator.attrgetter(path)(provider)
    except AttributeError:  # another version of the SDK
        return None
    if not processors:
        return f"without {missing}", "add one to it"
    if _was_shut_down(provider) or all(map(_was_shut_down, processors)):
        return "which was shut down", "do not shut it down before the end"
    return None


def _was_shut_down(part: Any) -> bool:
    """Return whether a provider or a processor of the SDK's was shut down; false if that is unknown."""
    return getattr(getattr(part, "_batch_processor", part), "_shutdown", False) is True
