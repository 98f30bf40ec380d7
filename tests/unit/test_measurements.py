"""The metrics that endpoints, stages and `results` make, and the bounds of their attributes."""

import contextlib
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from opentelemetry.sdk.metrics.export import HistogramDataPoint

import telemetry
from telemetry.context import extract
from telemetry.recording.guard import guard
from telemetry.recording.request.bounds import bounds
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans
from tests.entry import ENTRY


class TestMetrics:
    def test_requests_and_documents_are_counted_by_outcome(self, metrics: Metrics) -> None:
        """Rate, errors and duration of the endpoint, and the documents it was given."""

        @telemetry.endpoint("/search")
        def search(docs: list[int]) -> None:
            if not docs:
                raise ValueError("nothing to search")

        for docs in ([1, 2], [3], []):
            with contextlib.suppress(ValueError):
                search(docs)
        assert metrics.series("search.request.duration") == [
            {**ENTRY, "search.operation": "search", "search.outcome": "ok"},
            {**ENTRY, "search.operation": "search", "search.outcome": "error", "error.type": "ValueError"},
        ]
        assert metrics.value("search.request.duration", metrics.series("search.request.duration")[0]) == 2
        assert metrics.value("search.documents", {"search.operation": "search", "search.outcome": "ok"}) == 3
        assert metrics.value("search.documents", {"search.operation": "search", "search.outcome": "error"}) == 0
        assert len(metrics.points("search.documents")) == 2

    def test_a_lookup_that_is_neither_true_nor_false_is_no_error_of_the_hosts(self, metrics: Metrics) -> None:
        """An array has no truth value, and `cache_lookup` never raises."""
        guard.strict = False  # the fault is expected
        telemetry.cache_lookup("vectors", hit=np.zeros(2))  # type: ignore[arg-type]
        assert "search.cache.lookups" not in metrics.names()

    def test_the_metric_lasts_as_long_as_the_span(self, spans: Spans, metrics: Metrics) -> None:
        """The two report the same duration, to the nanosecond."""
        with telemetry.endpoint("/search"):
            spans.clock.advance(1.5)
        span = spans.one("/search")
        assert metrics.total("search.request.duration") == ((span.end_time or 0) - (span.start_time or 0)) / 1e9 > 1.5

    def test_a_wall_clock_that_is_set_back_makes_no_negative_span(self, spans: Spans, metrics: Metrics) -> None:
        """Durations come from the steady clock."""
        from telemetry.recording.clock import clock

        with telemetry.stage("work"):
            clock.wall = lambda: 0
        span = spans.one("work")
        assert (span.end_time or 0) > (span.start_time or 0)
        assert metrics.total("search.stage.duration") > 0

    def test_stages_count_batches_and_database_calls(self, metrics: Metrics) -> None:
        """The attributes of a stage decide which metrics it adds to."""
        with telemetry.stage("inference", minibatch_size=32):
            pass
        with telemetry.stage(
            "qdrant_search",
            {
                "db.system.name": "qdrant",
                "db.collection.name": "goods",
                "db.operation.name": "query",
                "db.vector.query.top_k": 5,
            },
        ):
            pass
        assert metrics.series("search.stage.duration") == [
            {"search.stage": "inference"},
            {"search.stage": "qdrant_search"},
        ]
        assert metrics.total("search.batch.size", {"search.stage": "inference"}) == 32
        assert metrics.series("db.client.operation.duration") == [
            {"db.system.name": "qdrant", "db.collection.name": "goods", "db.operation.name": "query"}
        ]

    def test_a_batch_is_what_the_stage_held(self, metrics: Metrics) -> None:
        """`len_docs` counts where it is given, also none; else `minibatch_size`, which may be an upper bound."""
        for sizes in ({"len_docs": 3, "minibatch_size": 32}, {"len_docs": 0}, {"minibatch_size": 8}):
            with telemetry.stage("inference", sizes):
                pass
        (point,) = metrics.points("search.batch.size", {"search.stage": "inference"})
        assert isinstance(point, HistogramDataPoint)
        assert (point.count, point.sum, point.min, point.max) == (3, 11, 0, 8)

    def test_nothing_unasked_is_measured(self, metrics: Metrics) -> None:
        """A plain stage adds to one metric alone."""
        with telemetry.stage("work", anything=1):
            pass
        assert metrics.names() == {"search.stage.duration"}


class TestResults:
    def test_results_are_on_the_span_and_in_metrics(self, spans: Spans, metrics: Metrics) -> None:
        """One call writes hits, top score and the distribution of scores."""
        with telemetry.request("/search"), telemetry.stage("qdrant_search"):
            telemetry.results(scores=[0.25, 0.75, 0.5])
        assert spans.tree(attributes=["search.hits", "search.top_score"]) == (
            "qdrant_search search.hits=3 search.top_score=0.75"
        )
        of_search = {"search.operation": "search"}
        assert metrics.total("search.results", of_search) == 3
        assert metrics.value("search.results.empty") == 0
        assert metrics.total("search.result.score", {**of_search, "search.rank": "top1"}) == 0.75
        assert metrics.total("search.result.score", {**of_search, "search.rank": "topk"}) == 1.5

    def test_an_empty_result_is_counted(self, spans: Spans, metrics: Metrics) -> None:
        """A search that finds nothing is a number of its own, and has no score."""
        with telemetry.stage("qdrant_search"):
            telemetry.results(hits=0, scores=[])
        assert spans.tree(attributes=["search.hits", "search.top_score"]) == "qdrant_search search.hits=0"
        assert (metrics.value("search.results.empty"), metrics.value("search.results")) == (1, 1)
        assert metrics.points("search.result.score") == []

    def test_arrays_and_odd_scores_are_taken_as_they_are(self, spans: Spans, metrics: Metrics) -> None:
        """NumPy's scores count as Python's; what is not a number is left out; an iterator is not touched."""
        with telemetry.stage("a"):
            telemetry.results(scores=np.array([0.5, np.nan, 0.25], dtype=np.float32))
        assert (spans.one("a").attributes or {})["search.top_score"] == 0.5
        scores = iter([0.5])
        with telemetry.stage("b"):
            telemetry.results(hits=1, scores=scores)  # type: ignore[arg-type]
        assert next(scores) == 0.5

    @pytest.mark.parametrize(
        ("hits", "scores", "recorded"),
        [
            (3, [[0.9, 0.8], [0.7, 0.6]], (3, 0.9, 4)),  # two queries, as rows
            (None, [[0.9, 0.8], [0.7]], (3, 0.9, 3)),
            (3, [-0.5, -0.25], (3, -0.25, 2)),  # the cosine of poor matches
            (None, [0.5, None, "0.25", "x", object(), 2**2000, float("inf")], (7, 0.5, 2)),
            (None, [("id", 0.5), 0.25], (2, 0.25, 1)),
            (None, {"a": 0.5, "b": 0.25}, (2, 0.5, 2)),
            (None, 0.5, (1, 0.5, 1)),
            (3, 1, (3, 1.0, 1)),
            (None, Decimal("0.5"), (1, 0.5, 1)),
            (None, np.float32(0.5), (1, 0.5, 1)),
            (None, np.array(0.5), (1, 0.5, 1)),
            (None, np.array(np.nan), (1, None, 0)),
            (None, np.array("x"), (None, None, 0)),
            ("2", "scores", (2, None, 0)),
            (-1, [0.5], (None, 0.5, 1)),
            (object(), [0.5], (None, 0.5, 1)),
        ],
        ids=[
            "rows", "uneven rows", "negative", "odd values", "pairs", "mapping", "number", "integers", "decimal",
            "numpy number", "array of one", "array of nan", "array of text", "texts", "negative hits", "odd hits",
        ],
    )  # fmt: skip
    def test_odd_results_cost_nothing_but_themselves(
        self, spans: Spans, metrics: Metrics, hits: Any, scores: Any, recorded: tuple[int | None, float | None, int]
    ) -> None:
        """Whatever can be taken from them stands on the span and in metrics."""
        with telemetry.stage("s"):
            telemetry.results(hits=hits, scores=scores)
        has = spans.one("s").attributes or {}
        topk = metrics.value("search.result.score", {"search.rank": "topk"})
        assert (has.get("search.hits"), has.get("search.top_score"), topk) == recorded

    def test_many_scores_of_an_array_are_read_at_once(self, spans: Spans, metrics: Metrics) -> None:
        """With two dimensions too; of a hundred thousand the highest is found, and a hundred are kept."""
        with telemetry.stage("s"):
            telemetry.results(scores=np.linspace(-1, 1, 100_000).reshape(10, -1))
        assert (spans.one("s").attributes or {})["search.top_score"] == 1.0
        assert (spans.one("s").attributes or {})["search.hits"] == 100_000
        assert metrics.value("search.result.score", {"search.rank": "topk"}) == 100

    def test_scores_of_different_kinds_are_different_series(self, spans: Spans, metrics: Metrics) -> None:
        """Distance and model are part of the series of scores and margin; the distance in any case."""
        with telemetry.stage("s"):
            telemetry.results(scores=[0.75, 0.5, 0.25], distance="Cosine", model="pamazon-tiny")
        kind = {"search.distance": "cosine", "model": "pamazon-tiny"}
        assert metrics.series("search.result.score") == [
            {**kind, "search.rank": "top1"},
            {**kind, "search.rank": "topk"},
        ]
        assert metrics.total("search.result.margin", kind) == 0.5
        assert (spans.one("s").attributes or {})["search.margin"] == 0.5

    @pytest.mark.parametrize(
        ("distance", "top", "below"),
        [(None, 0.9, 1), ("dot", 0.9, 1), ("other", 0.9, 1), ("euclid", 0.2, 2), ("Manhattan", 0.2, 2)],
    )
    def test_the_distance_decides_what_is_better(
        self, spans: Spans, metrics: Metrics, distance: str | None, top: float, below: int
    ) -> None:
        """Of distances the smallest is the best, and above the threshold is worse; on it a result is good."""
        with telemetry.stage("s"):
            telemetry.results(scores=[0.9, 0.7, 0.5, 0.2], distance=distance, threshold=0.5)
        has = dict(spans.one("s").attributes or {})
        assert has.pop("search.margin") == pytest.approx(0.7)
        assert has == {
            "search.hits": 4, "search.top_score": top, "search.threshold": 0.5, "search.below_threshold": below,
        }  # fmt: skip
        assert metrics.value("search.results.below_threshold") == below
        top1 = [p for p in metrics.points("search.result.score") if (p.attributes or {})["search.rank"] == "top1"]
        assert [p.sum for p in top1 if isinstance(p, HistogramDataPoint)] == [top]
        assert metrics.total("search.result.margin") == pytest.approx(0.7)

    def test_one_result_has_no_margin_and_none_is_below_a_threshold(self, spans: Spans, metrics: Metrics) -> None:
        """A search without results, or with good ones alone, begins the series at zero; without scores nothing does."""
        with telemetry.stage("s"):
            telemetry.results(hits=2, threshold=0.5)
            assert "search.results.below_threshold" not in metrics.names()
            telemetry.results(scores=[0.75], threshold=0.5)
            telemetry.results(scores=[], threshold=0.5)
        assert "search.results.below_threshold" in metrics.names()
        assert metrics.value("search.results.below_threshold") == 0
        assert "search.result.margin" not in metrics.names()

    @pytest.mark.parametrize("odd", ["many", object(), float("nan"), [0.5]])
    def test_an_odd_threshold_model_or_distance_costs_nothing_but_itself(self, metrics: Metrics, odd: Any) -> None:
        """It is counted as repaired, and the rest is recorded."""
        with telemetry.stage("s"):
            telemetry.results(scores=[0.75, 0.5], threshold=odd)
            telemetry.results(scores=[0.75, 0.5], distance=object(), model=object())  # type: ignore[arg-type]
        assert "search.results.below_threshold" not in metrics.names()
        assert metrics.value("search.result.score", {"search.rank": "topk"}) == 4

    def test_kinds_of_scores_are_bounded(self, metrics: Metrics) -> None:
        """However many models and distances there are."""
        for number in range(20):
            telemetry.results(scores=[0.5], distance=f"d{number}", model=f"m{number}")
        assert len({series["search.distance"] for series in metrics.series("search.result.score")}) == 6 + 1
        assert len({series["model"] for series in metrics.series("search.result.score")}) == 8 + 1

    def test_index_points_is_a_gauge(self, metrics: Metrics) -> None:
        """The last count holds, for each collection; what is not a number is none."""
        odd: list[Any] = [None, object(), "many", float("nan")]
        for count in (3, 5, *odd):
            telemetry.index_points("goods", count)
        assert metrics.value("search.index.points", {"db.collection.name": "goods"}) == 5


class TestBounds:
    def test_too_many_values_become_other_and_are_counted(self, metrics: Metrics) -> None:
        """A hostile caller cannot make more series than the vocabulary allows."""
        for number in range(20):
            with telemetry.request(f"/search{number}"), telemetry.stage("work"):
                pass
        operations = {series["search.operation"] for series in metrics.series("search.stage.duration")}
        assert operations == {*(f"search{number}" for number in range(12)), "_other"}
        assert metrics.value("search.stage.duration") == 20
        assert bounds.overflow() == {"search.operation": 8}

    def test_spans_are_bounded_too(self, spans: Spans, metrics: Metrics) -> None:
        """Baggage comes from outside: its values are bounded on spans as on metrics."""
        for number in range(20):
            with telemetry.request(f"operation{number}"), telemetry.stage("work"):
                pass
        assert len({(span.attributes or {})["search.operation"] for span in spans}) == 13

    def test_junk_from_outside_takes_no_place_that_an_endpoint_needs(self, spans: Spans, metrics: Metrics) -> None:
        """Whoever fills the bounds with baggage cannot hide the service's own endpoints, before or after."""

        @telemetry.endpoint("/search", "/suggest")
        def search(docs: list[str]) -> list[str]:
            return docs

        for number in range(50):
            with extract({"baggage": f"search.operation=junk{number}"}):
                search(["q"])
        for name in ("/search", "/suggest"):
            with telemetry.request(name):
                search(["q"])
        search(["q"])
        operations = {series["search.operation"] for series in metrics.series("search.request.duration")}
        assert operations == {*(f"junk{number}" for number in range(12)), "_other", "search", "suggest"}
        assert [(span.attributes or {})["search.operation"] for span in spans][-3:] == ["search", "suggest", "search"]

    def test_made_up_stages_and_collections_take_no_place_of_decorated_ones(self, metrics: Metrics) -> None:
        """A name that comes with a request may be anything."""

        @telemetry.stage("rank", {"db.system.name": "qdrant", "db.collection.name": "goods"})
        def rank() -> None: ...

        for number in range(50):
            with telemetry.stage(f"s{number}", {"db.system.name": "qdrant", "db.collection.name": f"tenant{number}"}):
                pass
        rank()
        assert metrics.value("search.stage.duration", {"search.stage": "rank"}) == 1
        goods = {"db.system.name": "qdrant", "db.collection.name": "goods"}
        assert metrics.value("db.client.operation.duration", goods) == 1

    def test_values_given_while_running_take_no_place_of_declared_ones(self, metrics: Metrics) -> None:
        """Names that a program reads from its requests are bounded, and leave room for those that it declares."""
        for number in range(20):
            with telemetry.request(f"/made-up-{number}"), telemetry.stage("work"):
                pass

        @telemetry.endpoint
        def suggest(docs: list[str]) -> list[str]:
            return docs

        suggest(["q"])
        assert {series["search.operation"] for series in metrics.series("search.request.duration")} == {"suggest"}
