"""The board of indexing: do new documents arrive, and what do they wait for?"""

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
from dashboards.sentry.search import TOTALS
from dashboards.sentry.steps import steps
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
        Widget(
            "Kept traces that failed", f"By our fault, not the caller's. {TOTALS}",
            Show.NUMBER, (COUNT,), f"{_REQUESTS} {FAILED}", height=1,
        ),
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
        Widget(
            "Does its size matter?", "By the number of documents in the request (len_docs).",
            Show.TABLE, (P50, P95), _REQUESTS, (_DOCUMENTS,), f"-{P95}", width=3,
        ),
        Widget(
            "Slowest kept traces", "Open one: Sentry draws its spans in all services.",
            Show.TABLE, (), _REQUESTS,
            (TRACE, DURATION, field(c.SEARCH_OPERATION), _DOCUMENTS, TIMESTAMP), f"-{DURATION}", width=6, height=3,
        ),
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
        Widget(
            "Which release?", "The endpoint of each service, by its version.",
            Show.TABLE, (P50, P95), f"{OP}:search.endpoint {_INDEXING}", (SERVICE, RELEASE), f"-{P95}", width=6,
        ),
    )  # fmt: skip


INDEXING: Final = SentryBoard("indexing", "Search telemetry: indexing", (*_now(), *_duration(), *_inside()))
