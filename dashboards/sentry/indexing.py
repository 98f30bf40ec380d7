"""The board of indexing: do new documents arrive, and what do they wait for?"""

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

_INDEXING: Final = operation("index", "delete")
_REQUESTS: Final = f"{ENTRY} {_INDEXING}"
_MINIBATCHES: Final = op(c.TXT_MINIBATCH_ENCODING, c.IMG_MINIBATCH_ENCODING)
_DOCUMENTS: Final = field(c.LEN_DOCS)


def _now() -> tuple[Widget, ...]:
    return (
        Widget(
            "p95 of indexing", "95th percentile of a request that indexes or deletes, at its entry.",
            Show.NUMBER, (P95,), _REQUESTS, height=1,
        ),
        Widget("Kept traces of indexing", TOTALS, Show.NUMBER, (COUNT,), _REQUESTS, height=1),
        failed(_REQUESTS),
    )  # fmt: skip


def _duration() -> tuple[Widget, ...]:
    return (
        Widget(
            "How long does indexing take?", "Percentiles at the entry, of the kept traces.",
            Show.LINES, (P50, P95, P99), _REQUESTS, width=3,
        ),
        Widget(
            "How many documents has a request?", "Median and largest, by len_docs. 0 documents do no work.",
            Show.LINES, (f"p50({_DOCUMENTS})", f"max({_DOCUMENTS})"), _REQUESTS, width=3,
        ),
        Widget(
            "Which operation is slow? (kept traces)", f"At the entry, by search.operation. {TOTALS}",
            Show.TABLE, (P50, P95, COUNT), _REQUESTS, (field(c.SEARCH_OPERATION),), f"-{P95}", width=3,
        ),
        by_size(_REQUESTS, width=3, height=2),
        slowest(_REQUESTS, c.SEARCH_OPERATION, c.LEN_DOCS),
    )  # fmt: skip


def _inside() -> tuple[Widget, ...]:
    return (
        *steps(_INDEXING),
        Widget(
            "Which minibatch size?", "One minibatch, its wait included. Sizes far below the limit leave it idle.",
            Show.TABLE, (P50, P95), f"{_MINIBATCHES} {_INDEXING}", (field(c.MINIBATCH_SIZE),), f"-{P95}",
        ),
        Widget(
            "Which collection?", "One upsert or deletion, by collection.",
            Show.TABLE, (P50, P95), f"{INDEX} {_INDEXING}",
            (field(c.DB_COLLECTION_NAME), field(c.DB_OPERATION_NAME)), f"-{P95}",
        ),
        by_release(_INDEXING, width=6),
    )  # fmt: skip


INDEXING: Final = SentryBoard("indexing", "Search telemetry: indexing", (*_now(), *_duration(), *_inside()))
