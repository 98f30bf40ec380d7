"""`endpoint`: names, documents, errors, the operation of the request, and the metrics of all of it."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry import baggage, trace

import telemetry
from telemetry import scope
from telemetry.spans import start_span
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans


class Sized:
    """A thing with a length of which nothing may be read."""

    def __init__(self, length: Any) -> None:
        self._length = length

    def __len__(self) -> int:
        if isinstance(self._length, Exception):
            raise self._length
        return int(self._length)

    def __iter__(self) -> Iterator[None]:
        raise AssertionError("the documents were read")


class Executor(Sized):
    """An executor that has a length itself, as stores do."""

    def __init__(self) -> None:
        super().__init__(99)

    @telemetry.endpoint("/search")
    def search(self, docs: Any = None, parameters: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        """Search."""

    @telemetry.endpoint("/rank")
    def rank(self, query: Any, candidates: Any = None) -> None:
        """Rank."""

    @telemetry.endpoint("/static")
    @staticmethod
    def static(items: Any) -> None:
        """A static method."""

    @telemetry.endpoint("/class")
    @classmethod
    def of_class(cls, items: Any) -> None:
        """A class method."""


class TestLenDocs:
    @pytest.mark.parametrize(
        ("call", "expected"),
        [
            (lambda e: e.search([1, 2, 3]), 3),
            (lambda e: e.search(docs=[1, 2]), 2),
            (lambda e: e.search(Sized(5), {"a": 1}), 5),
            (lambda e: e.search([]), 0),
            (lambda e: e.search(parameters={"a": 1}), None),
            (lambda e: e.search(iter([1, 2])), None),
            (lambda e: e.search("abc"), None),
            (lambda e: e.search(Sized(TypeError("len() of unsized object"))), None),
            (lambda e: e.rank("query", [1, 2]), 2),
            (lambda e: e.rank({"a": 1}, (1,)), 1),
            (lambda e: e.rank(b"query"), None),
            (lambda e: e.static([1, 2]), 2),
            (lambda e: e.of_class([1, 2]), 2),
        ],
    )
    def test_counts_the_documents(self, spans: Spans, call: Any, expected: int | None) -> None:
        """`docs` by name or place, else the first sized argument that is no text or mapping, never the executor."""
        call(Executor())
        (span,) = spans
        assert (span.attributes or {}).get("len_docs") == expected

    def test_an_iterator_is_left_to_its_owner(self, spans: Spans) -> None:
        """A generator of documents arrives with all its documents."""

        @telemetry.endpoint("/index")
        def index(docs: Iterator[int]) -> list[int]:
            return list(docs)

        assert index(number for number in range(3)) == [0, 1, 2]
        assert "len_docs" not in (spans.one("/index").attributes or {})

    def test_arrays_count_their_rows(self, spans: Spans) -> None:
        """A batch of vectors is as many documents as it has rows; an array without dimensions has none."""
        import numpy as np

        Executor().static(np.zeros((7, 3)))
        Executor().static(np.float32(1))
        assert [(span.attributes or {}).get("len_docs") for span in spans] == [7, None]


class TestNames:
    def test_one_name_is_the_name(self, spans: Spans) -> None:
        """Whatever the request is called, an endpoint with one name has this name."""
        with telemetry.request("/other"):
            Executor().search([])
        assert spans.tree() == "/search"

    def test_several_names_take_the_requests(self, spans: Spans) -> None:
        """With several names the request being served decides, else the first name counts."""

        @telemetry.endpoint("/index", "/search")
        def encode(docs: list[int]) -> None:
            """Encode."""

        encode([])
        with telemetry.request("/search"):
            encode([])
        assert [span.name for span in spans] == ["/index", "/search"]

    @pytest.mark.parametrize("decorator", [telemetry.endpoint, telemetry.endpoint()])
    def test_without_a_name_the_function_gives_it(self, spans: Spans, decorator: Any) -> None:
        """The default endpoint is called as its function, in either spelling."""

        @decorator  # type: ignore[untyped-decorator]
        def encode(docs: list[int]) -> str:
            return "encoded"

        assert encode([]) == "encoded"
        with telemetry.request("/search"):
            encode([])
        assert [span.name for span in spans] == ["/encode", "/search"]

    @pytest.mark.parametrize("wrong", [lambda: telemetry.endpoint("/a", 1), lambda: telemetry.stage(1)])  # type: ignore[call-overload, arg-type]
    def test_a_name_that_is_none_is_told_when_it_is_written(self, wrong: Any) -> None:
        """A user's slip is told where it stands, with the mend."""
        with pytest.raises(telemetry.TelemetryError) as caught:
            wrong()
        assert caught.value.mend.startswith("write @telemetry.")


class TestTheOperation:
    def test_the_outermost_endpoint_names_it(self, spans: Spans) -> None:
        """Every span below, and every call to another process, carries what the first endpoint was."""

        @telemetry.endpoint("/search")
        def gateway() -> object:
            with telemetry.stage("fan out"):
                encode()
            return baggage.get_baggage("search.operation")

        @telemetry.endpoint("/encode")
        def encode() -> None:
            """Encode."""

        assert gateway() == "search"
        assert spans.tree(attributes=["search.operation"]) == (
            "/search search.operation=search\n└ fan out search.operation=search\n  └ /encode search.operation=search"
        )
        assert baggage.get_all() == {}

    def test_the_server_span_is_told(self, spans: Spans) -> None:
        """A caller that sent no baggage still gets a SERVER span with the operation."""
        server = start_span("/pamazon.Executor/Process", trace.SpanKind.SERVER)
        token = scope.enter_scope(server)
        Executor().search([])
        scope.leave_scope(token)
        server.end()
        assert (spans.one("/pamazon.Executor/Process").attributes or {})["search.operation"] == "search"

    def test_request_names_it_and_its_caller(self, spans: Spans) -> None:
        """`request` fills the baggage, and leaves what arrived from upstream where it is told nothing."""
        with telemetry.request("/search", platform="ios", region="eu"), telemetry.request(platform="web"):
            assert dict(baggage.get_all()) == {
                "search.operation": "search",
                "client.platform": "web",
                "client.region": "eu",
            }
            Executor().search([])
        assert dict(spans.one("/search").attributes or {}) == {
            "search.operation": "search",
            "client.platform": "web",
            "client.region": "eu",
            "len_docs": 0,
        }

    def test_other_baggage_stays_baggage(self, spans: Spans) -> None:
        """Only what is on the list becomes an attribute: baggage comes from anywhere."""
        from telemetry.context import attach, detach

        token = attach(baggage.set_baggage("user.email", "someone@example.org"))
        Executor().search([])
        detach(token)
        assert "user.email" not in (spans.one("/search").attributes or {})


class TestErrors:
    def test_the_event_stands_once_and_every_span_above_has_failed(self, spans: Spans) -> None:
        """The cause is told at the leaf, with its stack; the spans above say that they failed, and why."""
        wrong = KeyError("no such collection")

        @telemetry.endpoint("/search")
        def search() -> None:
            with telemetry.stage("encode"):
                pass
            with telemetry.stage("retrieve"), telemetry.stage("qdrant_search"):
                raise wrong

        with pytest.raises(KeyError) as caught:
            search()
        assert caught.value is wrong
        assert spans.tree(status=True, attributes=["error.type"]) == (
            "/search error.type=KeyError !\n"
            "├ encode\n"
            "└ retrieve error.type=KeyError !\n"
            "  └ qdrant_search error.type=KeyError ! KeyError"
        )
        assert {span.status.description for span in spans} == {None, "'no such collection'"}

    def test_two_failures_have_two_events(self, spans: Spans) -> None:
        """A failure while another is handled is told where it happened."""
        with contextlib.suppress(RuntimeError), telemetry.stage("outer"):
            try:
                with telemetry.stage("first"):
                    raise ValueError("first")
            except ValueError as error:
                raise RuntimeError("second") from error
        assert spans.tree(status=True) == "outer ! RuntimeError\n└ first ! ValueError"

    def test_a_failure_that_was_handled_fails_only_its_own_span(self, spans: Spans) -> None:
        """Whoever catches an exception decides that the rest went well."""

        @telemetry.endpoint("/search")
        def search() -> None:
            with contextlib.suppress(ValueError), telemetry.stage("try"):
                raise ValueError("no")

        search()
        assert spans.tree(status=True) == "/search\n└ try ! ValueError"

    def test_an_exception_that_cannot_be_printed_is_still_recorded(self, spans: Spans) -> None:
        """A broken `__str__` of the user's harms neither the user nor the trace."""

        class Broken(Exception):  # noqa: N818  its name is the test's
            def __str__(self) -> str:
                raise RuntimeError("no words")

        with pytest.raises(Broken), telemetry.stage("work"):
            raise Broken
        (event,) = spans.one("work").events
        assert str((event.attributes or {})["exception.type"]).endswith("Broken")

    def test_one_exception_raised_again_in_another_request_has_its_event_there(self, spans: Spans) -> None:
        """What was told in one request is news in the next."""
        wrong = ValueError("cached")
        for _ in range(2):
            with contextlib.suppress(ValueError), telemetry.stage("work"):
                raise wrong
        assert spans.tree(status=True) == "work ! ValueError\nwork ! ValueError"


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
            {"search.operation": "search"},
            {"search.operation": "search", "error.type": "ValueError"},
        ]
        assert metrics.value("search.request.duration", {"search.operation": "search"}) == 2
        assert metrics.value("search.documents", {"search.operation": "search", "search.outcome": "ok"}) == 3
        assert metrics.value("search.documents", {"search.operation": "search", "search.outcome": "error"}) == 0
        assert len(metrics.points("search.documents")) == 2

    def test_the_metric_lasts_as_long_as_the_span(self, spans: Spans, metrics: Metrics) -> None:
        """The two tell the same duration, to the nanosecond."""
        with telemetry.endpoint("/search"):
            spans.clock.advance(1.5)
        span = spans.one("/search")
        assert metrics.total("search.request.duration") == ((span.end_time or 0) - (span.start_time or 0)) / 1e9 > 1.5

    def test_a_wall_clock_that_is_set_back_makes_no_negative_span(self, spans: Spans, metrics: Metrics) -> None:
        """Durations come from the steady clock."""
        from telemetry.clock import clock

        with telemetry.stage("work"):
            clock.wall = lambda: 0
        span = spans.one("work")
        assert (span.end_time or 0) > (span.start_time or 0)
        assert metrics.total("search.stage.duration") > 0

    def test_stages_count_batches_and_database_calls(self, metrics: Metrics) -> None:
        """What a stage is told about itself decides which metrics it adds to."""
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

    def test_nothing_unasked_is_measured(self, metrics: Metrics) -> None:
        """A plain stage adds to one metric alone."""
        with telemetry.stage("work", anything=1):
            pass
        assert metrics.names() == {"search.stage.duration"}


class TestResults:
    def test_results_stand_on_the_span_and_in_metrics(self, spans: Spans, metrics: Metrics) -> None:
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
        """NumPy's scores count as Python's; what is no number is left out; an iterator is not touched."""
        import numpy as np

        with telemetry.stage("a"):
            telemetry.results(scores=np.array([0.5, np.nan, 0.25], dtype=np.float32))
        assert (spans.one("a").attributes or {})["search.top_score"] == 0.5
        scores = iter([0.5])
        with telemetry.stage("b"):
            telemetry.results(hits=1, scores=scores)  # type: ignore[arg-type]
        assert next(scores) == 0.5

    def test_index_points_is_a_gauge(self, metrics: Metrics) -> None:
        """The last count holds, for each collection."""
        for count in (3, 5):
            telemetry.index_points("goods", count)
        assert metrics.value("search.index.points", {"db.collection.name": "goods"}) == 5


class TestBounds:
    def test_too_many_values_become_other_and_are_counted(self, metrics: Metrics) -> None:
        """A hostile caller cannot make more series than the vocabulary allows."""
        from telemetry.bounds import bounds

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
            with telemetry.request(platform=f"platform{number}"), telemetry.stage("work"):
                pass
        assert len({(span.attributes or {})["client.platform"] for span in spans}) == 13


class TestAttributes:
    def test_values_arrive_as_their_own_type(self, spans: Spans) -> None:
        """NumPy's numbers are Python's, None is absent, the mapping is for names with dots."""
        import numpy as np

        with telemetry.stage("work", {"db.system.name": "qdrant"}, count=np.int64(3), absent=None, both=[1, 2]):
            pass
        assert dict(spans.one("work").attributes or {}) == {"db.system.name": "qdrant", "count": 3, "both": (1, 2)}

    def test_what_no_span_can_carry_is_left_out_and_told_once(
        self, spans: Spans, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A document given as an attribute by mistake is not turned into text: it might be anyone's."""
        for _ in range(3):
            with telemetry.stage("work", document_by_mistake=object()):
                pass
        assert spans.tree(attributes=["document_by_mistake"]) == "work\nwork\nwork"
        assert [message.partition(" is left out")[0] for message in caplog.messages] == [
            "attribute document_by_mistake"
        ]

    def test_the_span_itself_is_given(self, spans: Spans) -> None:
        """`stage` yields the OpenTelemetry span: users of OpenTelemetry learn nothing new."""
        with telemetry.stage("work") as span:
            assert span is trace.get_current_span()
            span.set_attribute("mine", 1)
        assert spans.tree(attributes=["mine"]) == "work mine=1"

    def test_links_lead_to_other_traces(self, spans: Spans) -> None:
        """`links` are the span's links."""
        with telemetry.stage("one") as other:
            pass
        with telemetry.stage("two", links=[trace.Link(other.get_span_context())]):
            pass
        (link,) = spans.one("two").links
        assert link.context.span_id == other.get_span_context().span_id


class TestOneObject:
    def test_one_object_nests_in_itself(self, spans: Spans) -> None:
        """A stage that is kept in a variable may be entered again before it was left."""
        work = telemetry.stage("work")
        with work, work:
            pass
        with work:
            pass
        assert spans.tree() == "work\n└ work\nwork"

    def test_one_object_serves_threads_and_stacks(self, spans: Spans) -> None:
        """Threads that hold one object at the same time end their own spans; so do the blocks of an `ExitStack`."""
        import threading

        work = telemetry.stage("work")
        barrier = threading.Barrier(4)

        def hold(name: str) -> None:
            with telemetry.stage(name), contextlib.ExitStack() as stack:
                stack.enter_context(work)
                barrier.wait()
                with work:
                    barrier.wait()

        threads = [threading.Thread(target=hold, args=(f"thread {number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert spans.tree().count("\n└ work\n  └ work") == 4
        assert (len(spans), spans.open) == (12, [])
