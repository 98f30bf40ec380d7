"""`results`: what a search gave back. `index_points`: how much there is to search.

In: numbers that user code knows. Out: attributes of the current span, and metrics. State: none.
"""

import math
from collections.abc import Collection, Sequence
from itertools import islice

from opentelemetry import trace

from telemetry import conventions as c
from telemetry import providers
from telemetry.guard import guard
from telemetry.instruments import observe, observe_all, set_gauge

_MOST_SCORES = 100  # a search for thousands must not spend its time on telemetry


def results(hits: int | None = None, scores: Collection[float] | None = None) -> None:
    """Record the results of a search on the span of the stage or endpoint that it is called in, and in metrics.

    Arguments: `hits`, how many there are (default: the length of `scores`); `scores`, in the index's metric, a
    sequence or an array; of more than 100 the first 100 go into the distribution. Never raises.
    Metrics: `search.results`, `search.results.empty`, `search.result.score` as `top1` and `topk`.
    """
    if not providers.recording():
        return
    with guard:
        values = _finite(scores)
        if hits is None and scores is not None and hasattr(scores, "__len__"):
            hits = len(scores)
        if hits is not None:
            _record_hits(int(hits))
        if values:
            _record_scores(values)


def index_points(collection: str, count: int) -> None:
    """Record that `collection` holds `count` points now. Never raises. Metric: `search.index.points`."""
    set_gauge(c.INDEX_POINTS, count, {c.DB_COLLECTION_NAME.name: collection})


def _finite(scores: Collection[float] | None) -> list[float]:
    """Return the scores that are numbers; nothing for an iterator, which is the caller's to consume."""
    if scores is None or not hasattr(scores, "__len__"):
        return []
    numbers = (float(score) for score in scores)
    return [number for number in numbers if math.isfinite(number)]


def _record_hits(hits: int) -> None:
    trace.get_current_span().set_attribute(c.SEARCH_HITS.name, hits)
    observe(c.RESULTS, hits, {})
    if hits == 0:
        observe(c.RESULTS_EMPTY, 1, {})


def _record_scores(scores: Sequence[float]) -> None:
    top = max(scores)
    trace.get_current_span().set_attribute(c.SEARCH_TOP_SCORE.name, top)
    observe(c.RESULT_SCORE, top, {c.SEARCH_RANK.name: "top1"})
    observe_all(c.RESULT_SCORE, islice(scores, _MOST_SCORES), {c.SEARCH_RANK.name: "topk"})
