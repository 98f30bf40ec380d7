"""`results` records the hits and scores of a search, `index_points` the size of a collection."""

import math
from collections.abc import Collection, Mapping, Sequence
from numbers import Number
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import Span
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording import providers
from telemetry.recording.attributes import clean
from telemetry.recording.current import get_current
from telemetry.recording.guard import guard
from telemetry.recording.metrics.instruments import record_of, set_gauge
from telemetry.recording.request.baggage import operation_of
from telemetry.repairs import repairs

_MAX_DEPTH: Final = 3  # levels of nested rows
_SMALLER_IS_BETTER: Final = frozenset({"euclid", "manhattan"})
_TEXT: Final = frozenset({str, type(None)})
_MAX_SCORES: Final = 100  # in the distribution: a search for thousands must not spend its time on telemetry

Kind = tuple[AttributeValue | None, AttributeValue | None]
"""Distance and model."""


def results(
    hits: int | None = None,
    scores: Collection[float] | float | None = None,
    *,
    threshold: float | None = None,
    distance: str | None = None,
    model: str | None = None,
) -> None:
    """Record the results of a search on the current span and in metrics. Never raises.

    Arguments:
        hits: the number of results; default: the number of `scores`.
        scores: the scores in the index's metric: a sequence or an array, perhaps nested, or one number. Values that
            are not finite numbers count as hits only.
        threshold: the score from which on a result is a good one. `scores` that are worse are counted; they are not
            taken from `hits`.
        distance: what the scores are, in any case: `cosine` or `dot`, where more is better, or `euclid` or
            `manhattan`, where less is. Of any other, and without it, more is better.
        model: what made the vectors. Scores of different distances and models are different series.

    Metrics: `search.results`, `search.results.empty`, `search.result.score` with rank `top1` and, for the first 100
    scores, `topk`; with two scores or more `search.result.margin`; with `threshold` `search.results.below_threshold`.
    """
    if not providers.recording():
        return
    values: list[float] = []
    count: int | None = None
    with guard:
        count = _collect(scores, values)
    with guard:
        found = count if hits is None else _whole(hits)
        context = get_current()
        search = _Search(trace.get_current_span(context), operation_of(context))
        with guard:
            if found is not None:
                search.record_hits(found)
        with guard:
            kind = _kind(distance, model)
            smaller_is_better = kind[0] in _SMALLER_IS_BETTER
            if values:
                search.record_scores(values, kind, smaller_is_better=smaller_is_better)
            if threshold is not None and count is not None:
                search.record_threshold(values, threshold, smaller_is_better=smaller_is_better)
        if search.attributes:
            search.span.set_attributes(search.attributes)


def index_points(collection: str, count: int) -> None:
    """Record the number of points in `collection`. Never raises. Metric: `search.index.points`."""
    number = _whole(count)
    if number is None:
        repairs.add("a count that is not a number")
    else:
        set_gauge(c.INDEX_POINTS, number, {c.DB_COLLECTION_NAME.name: collection})


def _collect(scores: Any, values: list[float], depth: int = _MAX_DEPTH) -> int | None:
    """Append the numbers in `scores` to `values`; return the number of scores.

    None for an iterator, which must not be consumed. Lists and arrays are rows of scores; a tuple is not, since it may
    hold an id as well.
    """
    if type(scores) is not list:  # the most frequent case first
        if hasattr(scores, "ndim") and hasattr(scores, "tolist"):
            scores = scores.tolist()  # faster than one number at a time
        if isinstance(scores, Number):
            scores = [scores]
        if scores is None or isinstance(scores, str | bytes) or not hasattr(scores, "__len__"):
            return None
    count = 0
    for score in scores.values() if isinstance(scores, Mapping) else scores:
        if type(score) is float:  # as above
            count += 1
            if math.isfinite(score):
                values.append(score)
        elif depth > 0 and _is_row(score):
            count += _collect(score, values, depth - 1) or 0
        else:
            count += 1
            number = _number(score)
            if number is not None:
                values.append(number)
    return count


def _is_row(score: Any) -> bool:
    try:
        return isinstance(score, list) or getattr(score, "ndim", 0) > 0
    except Exception:  # noqa: BLE001  any access to an object of the user's may raise
        return False


def _number(score: Any) -> float | None:
    try:
        number = float(score)
    except Exception:  # noqa: BLE001  an object of the user's
        return None
    return number if math.isfinite(number) else None


def _whole(hits: Any) -> int | None:
    number = _number(hits)
    return None if number is None or number < 0 else int(number)


def _kind(distance: object, model: object) -> Kind:
    """Return distance and model as attributes: scores of different ones cannot be compared."""
    name = distance.lower() if isinstance(distance, str) else distance  # an enum's member may be a string, too
    if type(name) in _TEXT and type(model) in _TEXT:
        return name, model  # type: ignore[return-value]  # just tested
    cleaned = clean({c.SEARCH_DISTANCE.name: name, c.MODEL.name: model})
    return cleaned.get(c.SEARCH_DISTANCE.name), cleaned.get(c.MODEL.name)


class _Search:
    """Records one search on its span and in metrics. `attributes` are those that the span gets at the end."""

    __slots__ = ("_operation", "attributes", "span")

    def __init__(self, span: Span, operation: str | None) -> None:
        self.span = span
        self._operation = operation
        self.attributes: dict[str, AttributeValue] = {}

    def record_hits(self, hits: int) -> None:
        self.attributes[c.SEARCH_HITS.name] = hits
        self._record(c.RESULTS, hits)
        if hits == 0:
            self._record(c.RESULTS_EMPTY, 1)

    def record_scores(self, scores: Sequence[float], kind: Kind, *, smaller_is_better: bool) -> None:
        least, greatest = min(scores), max(scores)
        top = least if smaller_is_better else greatest
        self._record(c.RESULT_SCORE, top, "top1", *kind)
        record = record_of(c.RESULT_SCORE, self._operation, "topk", *kind)
        if record is not None:
            span = self.span
            for score in scores if len(scores) <= _MAX_SCORES else scores[:_MAX_SCORES]:
                record(score, span)
        self.attributes[c.SEARCH_TOP_SCORE.name] = top
        if len(scores) > 1:
            self.attributes[c.SEARCH_MARGIN.name] = greatest - least
            self._record(c.RESULT_MARGIN, greatest - least, *kind)

    def record_threshold(self, scores: Sequence[float], threshold: object, *, smaller_is_better: bool) -> None:
        limit = _number(threshold)
        if limit is None:
            repairs.add("a threshold that is not a number")
            return
        below = len([1 for score in scores if (score > limit if smaller_is_better else score < limit)])
        self.attributes[c.SEARCH_THRESHOLD.name] = limit
        self.attributes[c.SEARCH_BELOW_THRESHOLD.name] = below
        self._record(c.RESULTS_BELOW_THRESHOLD, below)

    def _record(self, metric: c.Metric, value: float, *labels: AttributeValue | None) -> None:
        """Record `value`; `labels` are the attributes of `metric` after the operation, in their order."""
        record = record_of(metric, self._operation, *labels)
        if record is not None:
            record(value, self.span)
