"""The board of searches: who waits, and for what?"""

from typing import Final

from dashboards.sentry.fields import (
    COUNT,
    ENTRY,
    INDEX,
    P50,
    P95,
    P99,
    field,
    op,
    operation,
)  # fmt: skip
from dashboards.sentry.model import SentryBoard, Show, Widget
from dashboards.sentry.shared_widgets import TOTALS, by_release, by_size, failed, slowest, steps
from telemetry import conventions as c

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
        failed(_REQUESTS),
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
        by_size(_REQUESTS, width=2, height=3),
        slowest(_REQUESTS, c.CLIENT_PLATFORM, c.CLIENT_REGION, c.LEN_DOCS),
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
        by_release(_SEARCH, width=3),
        Widget(
            "Kept traces by number of results", f"0 is a search that found nothing. {TOTALS}",
            Show.TABLE, (COUNT,), f"{INDEX} {_SEARCH} has:{field(c.SEARCH_HITS)}",
            (field(c.SEARCH_HITS), field(c.DB_COLLECTION_NAME)),
            field(c.SEARCH_HITS), width=3,
        ),
    )  # fmt: skip


SEARCH: Final = SentryBoard("search", "Search telemetry: search", (*_now(), *_duration(), *_inside()))
