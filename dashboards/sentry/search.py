"""The board of searches: who waits, and for what?"""

from typing import Final

from dashboards.sentry.fields import (
    COUNT,
    DURATION,
    ENTRY,
    FAILED,
    INDEX,
    OP,
    P50,
    P95,
    P99,
    RELEASE,
    SERVICE,
    TIMESTAMP,
    TRACE,
    field,
    op,
    operation,
)  # fmt: skip
from dashboards.sentry.model import SentryBoard, Show, Widget
from dashboards.sentry.steps import steps
from telemetry import conventions as c

TOTALS: Final = "Sentry has the traces that sampling keeps. Totals: Grafana, board Search overview."
_SEARCH: Final = operation("search")
_REQUESTS: Final = f"{ENTRY} {_SEARCH}"
_MINIBATCHES: Final = op(c.TXT_MINIBATCH_ENCODING, c.IMG_MINIBATCH_ENCODING)


def _now() -> tuple[Widget, ...]:
    return (
        Widget(
            "p95 of searches", "95th percentile, from the entry's first to its last byte.",
            Show.NUMBER, (P95,), _REQUESTS, height=1,
        ),
        Widget("Kept traces of searches", TOTALS, Show.NUMBER, (COUNT,), _REQUESTS, height=1),
        Widget(
            "Kept traces that failed", f"By our fault, not the caller's. {TOTALS}",
            Show.NUMBER, (COUNT,), f"{_REQUESTS} {FAILED}", height=1,
        ),
    )  # fmt: skip


def _duration() -> tuple[Widget, ...]:
    return (
        Widget(
            "How long do searches take?", "Percentiles at the entry, of the kept traces.",
            Show.LINES, (P50, P95, P99), _REQUESTS, width=3,
        ),
        Widget(
            "Which operation is slow?", "95th percentile at the entry, by search.operation.",
            Show.LINES, (P95,), ENTRY, (field(c.SEARCH_OPERATION),), f"-{P95}", width=3,
        ),
        Widget(
            "Slow for whom? (kept traces)", f"Platform and region of the caller. {TOTALS}",
            Show.TABLE, (P50, P95, COUNT), _REQUESTS, (field(c.CLIENT_PLATFORM), field(c.CLIENT_REGION)), f"-{P95}",
            width=4, height=3,
        ),
        Widget(
            "Does its size matter?", "By the number of documents in the request (len_docs).",
            Show.TABLE, (P50, P95), _REQUESTS, (field(c.LEN_DOCS),), f"-{P95}", height=3,
        ),
        Widget(
            "Slowest kept traces", "Open one: Sentry draws its spans in all services.",
            Show.TABLE, (), _REQUESTS,
            (TRACE, DURATION, field(c.CLIENT_PLATFORM), field(c.CLIENT_REGION), field(c.LEN_DOCS), TIMESTAMP),
            f"-{DURATION}", width=6, height=3,
        ),
    )  # fmt: skip


def _inside() -> tuple[Widget, ...]:
    return (
        *steps(_SEARCH),
        Widget(
            "Which minibatch size?", "One minibatch, its wait included. Many of size 1: batching does not work.",
            Show.TABLE, (P50, P95), f"{_MINIBATCHES} {_SEARCH}", (field(c.MINIBATCH_SIZE),), f"-{P95}",
        ),
        Widget(
            "Which collection?", "One query of the index, by collection.",
            Show.TABLE, (P50, P95), f"{INDEX} {_SEARCH}", (field(c.DB_COLLECTION_NAME),), f"-{P95}",
        ),
        Widget(
            "Which release?", "The endpoint of each service, by its version.",
            Show.TABLE, (P50, P95), f"{OP}:search.endpoint {_SEARCH}", (SERVICE, RELEASE), f"-{P95}", width=3,
        ),
        Widget(
            "Kept traces by number of results", f"0 is a search that found nothing. {TOTALS}",
            Show.TABLE, (COUNT,), f"{INDEX} {_SEARCH} has:{field(c.SEARCH_HITS)}",
            (field(c.SEARCH_HITS), field(c.DB_COLLECTION_NAME)),
            field(c.SEARCH_HITS), width=3,
        ),
    )  # fmt: skip


SEARCH: Final = SentryBoard("search", "Search telemetry: search", (*_now(), *_duration(), *_inside()))
