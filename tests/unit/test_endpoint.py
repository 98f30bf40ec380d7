"""`endpoint`: names, documents, errors, the operation of the request, and the metrics of all of it."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from opentelemetry import baggage, propagate
from opentelemetry.context import Context

import telemetry
from telemetry.context import attach, detach
from telemetry.recording.request.bounds import bounds
from telemetry.recording.request.scope import Scope
from telemetry.rpc.calls.call import Call
from telemetry.rpc.calls.names import method_of
from telemetry.rpc.calls.outcome import OK, SERVER
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans


class Sized(Sequence[Any]):
    """A sequence of which nothing may be read but its length."""

    def __init__(self, length: Any) -> None:
        self._length = length

    def __len__(self) -> int:
        if isinstance(self._length, Exception):
            raise self._length
        return int(self._length)

    def __iter__(self) -> Iterator[None]:
        raise AssertionError("the documents were read")

    def __getitem__(self, place: Any) -> Any:
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
            (lambda e: e.search("abc"), 1),
            (lambda e: e.search(Sized(TypeError("len() of unsized object"))), None),
            (lambda e: e.rank("query", [1, 2]), 2),
            (lambda e: e.rank({"a": 1}, (1,)), 1),
            (lambda e: e.rank(b"query"), None),
            (lambda e: e.static([1, 2]), 2),
            (lambda e: e.of_class([1, 2]), 2),
        ],
    )
    def test_counts_the_documents(self, spans: Spans, call: Any, expected: int | None) -> None:
        """`docs` by name or place, else the first sized argument that is not a text or mapping, never the executor."""
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
    def test_a_name_that_is_none_is_reported_when_it_is_written(self, wrong: Any) -> None:
        """A mistake is reported at decoration, with the hint."""
        with pytest.raises(telemetry.TelemetryError) as caught:
            wrong()
        assert caught.value.hint.startswith("write @telemetry.")


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

    def test_the_server_span_is_reported(self, spans: Spans) -> None:
        """A caller that sent no baggage still gets a SERVER span with the operation."""
        scope = Scope()
        server = Call(SERVER, method_of("/pamazon.Executor/Process"), Context(), {}, None, None, scope)
        token = attach(server.context)
        Executor().search([])
        detach(token)
        server.end(OK)
        assert (spans.one("/pamazon.Executor/Process").attributes or {})["search.operation"] == "search"

    @pytest.mark.usefixtures("regions")
    def test_request_names_it_and_its_caller(self, spans: Spans) -> None:
        """`request` fills the baggage, and keeps what arrived from upstream if it has no argument."""
        with telemetry.request("/search", platform="ios", region="de"), telemetry.request(platform="web"):
            assert dict(baggage.get_all()) == {
                "search.operation": "search",
                "client.platform": "web",
                "client.region": "de",
            }
            Executor().search([])
        assert dict(spans.one("/search").attributes or {}) == {
            "search.operation": "search",
            "client.platform": "web",
            "client.region": "de",
            "search.entry": True,
            "len_docs": 0,
        }

    @pytest.mark.usefixtures("regions")
    @pytest.mark.parametrize("sent", ["", "%20", "%00", "%07%0A", "search%00"])
    def test_baggage_without_an_operation_is_ignored(self, spans: Spans, metrics: Metrics, sent: str) -> None:
        """An operation or a platform that cannot be shown is nobody's: the endpoint's own name counts."""
        entries = f"search.operation={sent},client.platform={sent},client.region=de"
        token = attach(propagate.extract({"baggage": entries}))
        try:
            Executor().search([1])
        finally:
            detach(token)
        (span,) = spans
        shown = dict(span.attributes or {})
        assert (shown["search.operation"], shown["client.region"]) == ("search", "de")
        assert "client.platform" not in shown
        (series,) = metrics.series("search.request.duration")
        assert (series["search.operation"], series["client.platform"]) == ("search", "_other")
        assert bounds.overflow() == {}

    def test_other_baggage_stays_baggage(self, spans: Spans) -> None:
        """Only what is on the list becomes an attribute: baggage comes from anywhere."""
        token = attach(baggage.set_baggage("user.email", "someone@example.org"))
        Executor().search([])
        detach(token)
        assert "user.email" not in (spans.one("/search").attributes or {})


class TestErrors:
    def test_the_event_is_recorded_once_and_every_span_above_has_failed(self, spans: Spans) -> None:
        """The cause is recorded at the leaf, with its stack; the spans above record that they failed, and why."""
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
        """A failure while another is handled is recorded where it happened."""
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

        class Broken(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no words")

        with pytest.raises(Broken), telemetry.stage("work"):
            raise Broken
        (event,) = spans.one("work").events
        assert str((event.attributes or {})["exception.type"]).endswith("Broken")

    def test_one_exception_raised_again_in_another_request_has_its_event_there(self, spans: Spans) -> None:
        """What was recorded in one request is recorded again in the next."""
        wrong = ValueError("cached")
        for _ in range(2):
            with contextlib.suppress(ValueError), telemetry.stage("work"):
                raise wrong
        assert spans.tree(status=True) == "work ! ValueError\nwork ! ValueError"
