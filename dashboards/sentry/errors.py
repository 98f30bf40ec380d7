"""The board of errors and logs: what failed, where, and what was said about it?"""

from typing import Final

from dashboards.sentry.fields import (
    COUNT,
    ENTRY,
    ERROR_SERVICE,
    ERRORS,
    FAILED,
    MESSAGE,
    OP,
    RECORDS,
    RELEASE,
    SERVICE,
    SEVERITY,
    SEVERITY_NUMBER,
    TIMESTAMP,
    TITLE,
    TRACE,
    TRANSACTION,
    field,
)  # fmt: skip
from dashboards.sentry.model import Dataset, SentryBoard, Show, Widget
from dashboards.sentry.shared_widgets import TOTALS, failed
from telemetry import conventions as c

_FAILED_REQUESTS: Final = f"{ENTRY} {FAILED}"
_ERROR_RECORDS: Final = f"{SEVERITY_NUMBER}:>=17"
"""OTLP's number of ERROR; texts differ from language to language."""
_NEWEST: Final = f"-{TIMESTAMP}"


def _now() -> tuple[Widget, ...]:
    return (
        Widget(
            "Errors", "All of them: errors are not sampled. Requests that failed: Grafana, board Search overview.",
            Show.NUMBER, (ERRORS,), "", dataset=Dataset.ERRORS, height=1,
        ),
        failed(ENTRY),
        Widget(
            "Log records of errors", "All records at ERROR and above: logs are not sampled.",
            Show.NUMBER, (RECORDS,), _ERROR_RECORDS, dataset=Dataset.LOGS, height=1,
        ),
    )  # fmt: skip


def _errors() -> tuple[Widget, ...]:
    return (
        Widget(
            "Which service has errors?", "Errors over time, by service.",
            Show.LINES, (ERRORS,), "", (ERROR_SERVICE,), f"-{ERRORS}", Dataset.ERRORS, width=3,
        ),
        Widget(
            "Log records by severity", "Of all services.",
            Show.AREAS, (RECORDS,), "", (SEVERITY,), f"-{RECORDS}", Dataset.LOGS, width=3,
        ),
        Widget(
            "Which errors?", "By title, and the span that failed. A title opens its issue.",
            Show.TABLE, (ERRORS,), "", (TITLE, TRANSACTION), f"-{ERRORS}", Dataset.ERRORS, width=3, height=3,
        ),
        Widget(
            "Since which release?", "Errors by service and its version.",
            Show.TABLE, (ERRORS,), "", (ERROR_SERVICE, RELEASE), f"-{ERRORS}", Dataset.ERRORS, width=3, height=3,
        ),
    )  # fmt: skip


def _traces() -> tuple[Widget, ...]:
    return (
        Widget(
            "Where do kept traces fail?", f"Spans with an error, by service and step. {TOTALS}",
            Show.TABLE, (COUNT,), f"has:{field(c.ERROR_TYPE)}", (SERVICE, OP, field(c.ERROR_TYPE)), f"-{COUNT}",
            width=3, height=3,
        ),
        Widget(
            "For whom do kept traces fail?", f"Platform and region of the caller, at the entry. {TOTALS}",
            Show.TABLE, (COUNT,), _FAILED_REQUESTS,
            (field(c.CLIENT_PLATFORM), field(c.CLIENT_REGION), field(c.ERROR_TYPE)), f"-{COUNT}", width=3, height=3,
        ),
        Widget(
            "Latest kept traces that failed", "Open one: Sentry draws its spans, and links its errors.",
            Show.TABLE, (), _FAILED_REQUESTS,
            (TRACE, field(c.SEARCH_OPERATION), field(c.ERROR_TYPE), field(c.LEN_DOCS), TIMESTAMP), _NEWEST,
            width=6, height=3,
        ),
        Widget(
            "Latest log records of errors", "Each has the trace that it was written in.",
            Show.TABLE, (), _ERROR_RECORDS, (SERVICE, MESSAGE, TRACE, TIMESTAMP), _NEWEST, Dataset.LOGS,
            width=6, height=3,
        ),
    )  # fmt: skip


ERRORS_AND_LOGS: Final = SentryBoard("errors", "Search telemetry: errors and logs", (*_now(), *_errors(), *_traces()))
