"""How Sentry's search names what spans and log records have.

In: attributes of `telemetry.conventions`. Out: their names in Sentry, and conditions on them. State: none.

A text has its own name there; a number or a boolean is written with its type, as `tags[len_docs,number]`.
"""

from collections.abc import Mapping
from typing import Final

from dashboards.links import in_sentry
from telemetry import conventions as c

field: Final = in_sentry
"""Returns an attribute's name in Sentry's search."""
OP: Final = "span.op"
DURATION: Final = "span.duration"
SELF_TIME: Final = "span.self_time"
TRACE: Final = "trace"
TIMESTAMP: Final = "timestamp"
TRANSACTION: Final = "transaction"
RELEASE: Final = "release"
TITLE: Final = "title"
SEVERITY: Final = "severity"
SEVERITY_NUMBER: Final = "severity_number"
MESSAGE: Final = "message"
SERVICE: Final = field(c.SERVICE_NAME)
ERROR_SERVICE: Final = c.SERVICE_NAME.name
"""The service of an error: the tag that the library sets."""

ATTRIBUTES_OF_SENTRY: Final[Mapping[str, str]] = {
    OP: "sentry.op",
    SELF_TIME: "sentry.exclusive_time",
    TRANSACTION: "sentry.segment.name",
    RELEASE: "sentry.release",
}
"""Fields that are attributes, with their names in Sentry's conventions."""
COLUMNS_OF_SENTRY: Final = frozenset({DURATION, TRACE, TIMESTAMP, TITLE, SEVERITY, SEVERITY_NUMBER, MESSAGE})
"""Fields of every span, error or log record that are not attributes."""

P50: Final = f"p50({DURATION})"
P95: Final = f"p95({DURATION})"
P99: Final = f"p99({DURATION})"
COUNT: Final = f"count({DURATION})"
TIME_SPENT: Final = f"sum({SELF_TIME})"
ERRORS: Final = "count()"
RECORDS: Final = f"count({MESSAGE})"

HEADINGS: Final[Mapping[str, str]] = {
    P50: "p50",
    P95: "p95",
    P99: "p99",
    COUNT: "kept traces",
    TIME_SPENT: "time without steps below",
    ERRORS: "errors",
    RECORDS: "log records",
    OP: "step",
    DURATION: "duration",
    SERVICE: "service",
    ERROR_SERVICE: "service",
    TITLE: "error",
    TRANSACTION: "span",
    TIMESTAMP: "ended",
    MESSAGE: "record",
}
"""What columns are called, in place of Sentry's names."""


def heading(name: str) -> str:
    """Return what the column of a field or a value is called."""
    own = {field(attribute): attribute.name for attribute in c.ATTRIBUTES}
    return HEADINGS.get(name) or own.get(name, name)


def op(*stages: c.SpanName) -> str:
    """Return the condition that a span is of one of our stages, as the Collector's layer for Sentry names them."""
    names = [f"search.{stage.name}" for stage in stages]
    return f"{OP}:{names[0]}" if len(names) == 1 else f"{OP}:[{','.join(names)}]"


def operation(*names: str) -> str:
    """Return the condition that a span is of a request of one of these operations."""
    wanted = names[0] if len(names) == 1 else f"[{','.join(names)}]"
    return f"{field(c.SEARCH_OPERATION)}:{wanted}"


ENTRY: Final = f"{OP}:search.endpoint {field(c.SEARCH_ENTRY)}:true"
"""The endpoint where a request enters the flow: one span for each request. `is_transaction:true` would be one for each
process."""
INDEX: Final = f"{OP}:db"
"""Calls of the index."""
FAILED: Final = f"has:{field(c.ERROR_TYPE)} !has:{field(c.SEARCH_OUTCOME)}"
"""Failed by our fault: `search.outcome` is there if it was the caller's, or if the caller left."""
