"""Widgets that several boards of Sentry have: how many traces failed, the slowest, and what their time is spent on."""

from typing import Final

from dashboards.sentry.fields import (
    COUNT,
    DURATION,
    FAILED,
    OP,
    P50,
    P95,
    RELEASE,
    SERVICE,
    TIME_SPENT,
    TIMESTAMP,
    TRACE,
    field,
    op,
)  # fmt: skip
from dashboards.sentry.model import Show, Widget
from telemetry import conventions as c

TOTALS: Final = "Sentry has the traces that sampling keeps. Totals: Grafana, board Search overview."


def failed(requests: str) -> Widget:
    """Return the number of traces that failed, of the requests that a filter selects."""
    return Widget(
        "Kept traces that failed", f"By our fault, not the caller's. {TOTALS}",
        Show.NUMBER, (COUNT,), f"{requests} {FAILED}", height=1,
    )  # fmt: skip


def by_size(requests: str, width: int, height: int) -> Widget:
    """Return the durations by the number of documents, of the requests that a filter selects."""
    return Widget(
        "Does its size matter?", "By the number of documents in the request (len_docs).",
        Show.TABLE, (P50, P95), requests, (field(c.LEN_DOCS),), f"-{P95}", width=width, height=height,
    )  # fmt: skip


def slowest(requests: str, *attributes: c.Attribute) -> Widget:
    """Return the slowest traces with these attributes, of the requests that a filter selects."""
    return Widget(
        "Slowest kept traces", "Open one: Sentry draws its spans in all services.",
        Show.TABLE, (), requests, (TRACE, DURATION, *map(field, attributes), TIMESTAMP), f"-{DURATION}",
        width=6, height=3,
    )  # fmt: skip


def by_release(operation: str, width: int) -> Widget:
    """Return the durations of endpoints by service and version, of the spans that a filter selects."""
    return Widget(
        "Which release?", "The endpoint of each service, by its version.",
        Show.TABLE, (P50, P95), f"{OP}:search.endpoint {operation}", (SERVICE, RELEASE), f"-{P95}", width=width,
    )  # fmt: skip


def steps(operation: str) -> tuple[Widget, ...]:
    """Return the time by step and by model, of the spans that the filter `operation` selects."""
    return (
        Widget(
            "Where is the time spent?", "Time of each step without the steps below it: compare heights, not values.",
            Show.AREAS, (TIME_SPENT,), operation, (OP,), f"-{TIME_SPENT}", width=3, height=3,
        ),
        Widget(
            "Which step is slow?", "By span.op. rpc.client and rpc.server include what they call.",
            Show.TABLE, (P50, P95, TIME_SPENT), operation, (OP,), f"-{P95}", width=3, height=3,
        ),
        Widget(
            "Which model?", "All encoding of one request, by model.",
            Show.TABLE, (P50, P95), f"{op(c.ENCODE)} {operation}", (field(c.MODEL),), f"-{P95}",
        ),
    )  # fmt: skip
