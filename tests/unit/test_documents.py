"""Which documents a call has, of how many kinds of requests; and that counting them touches nothing of the user's."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pydantic
import pytest
from django.core.paginator import Paginator
from django.utils.functional import SimpleLazyObject

import telemetry
from demo_flow.proto.pamazon_pb2 import Document, ProcessRequest, SearchRequest
from telemetry.api.documents import DocumentFinder
from telemetry.privacy import content
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans
from tests.unit.own_django import Item


class Body(pydantic.BaseModel):
    query: str
    top_k: int = 5


class Texts(pydantic.BaseModel):
    texts: list[str]


class ById(pydantic.BaseModel):
    id: str


@dataclass
class Question:
    question: str
    tags: list[str] = field(default_factory=lambda: ["a", "b"])


@dataclass(slots=True)
class Prompt:
    prompt: str


class Terms(NamedTuple):
    query: str
    limit: int = 5


class Span(NamedTuple):
    start: int
    end: int


class Hidden(pydantic.BaseModel):
    query: pydantic.SecretStr


class Lazy:
    """Runs a query for its length, as QuerySets and relations of object-relational mappers do."""

    def __len__(self) -> int:
        raise AssertionError("a query ran")

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("a query ran")

    def __getitem__(self, place: int) -> Any:
        raise AssertionError("a query ran")


def found(fn: Callable[..., Any], *args: Any, docs: Any = None, **kwargs: Any) -> tuple[Any, int | None]:
    return DocumentFinder(fn, docs)(args, kwargs)


def search(q: Any = None, top_k: int = 3, **kwargs: Any) -> None: ...
def rank(query: Any, candidates: Any = None, *, fields: Any = None) -> None: ...
def take(body: Any, tags: Any = None) -> None: ...
def delete(id: Any) -> None: ...  # noqa: A002  as endpoints call it


class TestOneQuery:
    @pytest.mark.parametrize("name", ["q", "query", "text", "texts", "prompt", "question"])
    def test_a_text_under_a_known_name_is_a_document(self, name: str) -> None:
        """By name, as FastAPI passes its arguments."""
        assert found(search, **{"top_k": 3, name: "coat"}) == (["coat"], 1)

    @pytest.mark.parametrize(
        ("fn", "args", "kwargs", "count"),
        [
            (search, ("coat", 3), {}, 1),
            (search, (["coat", "hat"],), {}, 2),
            (search, ([0.5, 0.25, 0.125],), {}, 1),
            (search, (np.zeros(512),), {}, 1),
            (search, (np.zeros((2, 512)),), {}, 2),
            (search, (None,), {}, None),
            (search, (b"coat",), {}, None),
            (rank, ("coat", ["a", "b", "c"]), {}, 3),
            (rank, ("coat",), {"fields": ["title", "body"]}, 1),
            (rank, (None,), {"fields": ["title", "body"]}, 2),
            (take, (Body(query="coat"), ["a", "b", "c"]), {}, 1),
            (take, (Texts(texts=["coat", "hat"]),), {}, 2),
            (take, (Question("which coat?"),), {}, 1),
            (take, (Prompt("a coat"),), {}, 1),
            (take, (SearchRequest(text="coat"),), {}, 1),
            (take, (ProcessRequest(docs=[Document(), Document()]),), {}, 2),
            (take, (ById(id="7"),), {}, None),
            (take, (Terms("coat"),), {}, 1),
            (take, (Terms("coat"), ["a", "b", "c"]), {}, 1),
            (take, (Span(1, 2),), {}, None),
            (take, ([Span(1, 2), Span(3, 4)],), {}, 2),
            (take, ({"query": "coat"},), {}, 1),
            (take, (), {"body": {"texts": ["coat", "hat"]}, "tags": ["a"]}, 2),
            (take, (["a", "b", "c"], {"text": "coat"}), {}, 3),
            (take, ({"id": "7"},), {}, None),
            (take, (Hidden(query=pydantic.SecretStr("coat")),), {}, 1),
            (search, (pydantic.SecretStr("coat"),), {}, 1),
            (rank, (["a", "b"], "all"), {}, 2),
            (delete, ("7",), {}, None),
            (delete, (), {"id": "7"}, None),
        ],
    )
    def test_requests_that_are_not_lists(
        self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], count: int | None
    ) -> None:
        """A text or its vector, a body with such a field; an id is none of these."""
        assert found(fn, *args, **kwargs)[1] == count

    def test_its_text_is_recorded_by_consent_alone(self, spans: Spans, metrics: Metrics) -> None:
        """Counted always; the words only with `capture_content`."""

        @telemetry.endpoint("/search")
        def answer(body: Body) -> str:
            return body.query

        answer(Body(query="black jacket"))
        content.use(content.Limits(documents=4, characters=5))
        try:
            answer(body=Body(query="black jacket"))
        finally:
            content.use(None)
        assert spans.tree(attributes=["len_docs", "search.docs.text"]) == (
            "/search len_docs=1\n/search len_docs=1 search.docs.text=['black']"
        )
        assert metrics.value("search.documents") == 2

    def test_a_text_as_docs_is_a_document(self) -> None:
        """Named or in its place; a query beside it adds more."""
        assert DocumentFinder(search)((), {"docs": "jacket"}) == (["jacket"], 1)
        assert DocumentFinder(search)((["coat", "hat"],), {"docs": "all"})[1] == 2

    def test_a_text_that_hides_itself_is_counted_and_never_recorded(self, spans: Spans) -> None:
        """With consent too: whoever wrote `SecretStr` did not give theirs."""

        @telemetry.endpoint("/search")
        def answer(body: Any) -> None: ...

        content.use(content.Limits(documents=4, characters=50))
        try:
            answer(Hidden(query=pydantic.SecretStr("my illness")))
            answer({"query": "coat"})
        finally:
            content.use(None)
        assert spans.tree(attributes=["len_docs", "search.docs.text"]) == (
            "/search len_docs=1\n/search len_docs=1 search.docs.text=['coat']"
        )


class TestNamed:
    def test_the_user_names_the_argument_or_a_field(self) -> None:
        """What is named is a document, whatever it is: bytes of a picture, a mapping."""
        assert found(take, Body(query="coat"), ["a", "b"], docs="tags") == (["a", "b"], 2)
        assert found(take, tags=[1, 2, 3], body=None, docs="tags")[1] == 3
        assert found(take, Question("q", ["a"]), docs="tags") == (["a"], 1)
        assert found(take, b"picture", docs="body") == ([b"picture"], 1)
        assert found(take, {"id": 7}, docs="body")[1] == 1
        assert found(take, {"words": "coat"}, docs="words") == (["coat"], 1)
        assert found(take, Span(1, 2), docs="body") == ([Span(1, 2)], 1)
        assert found(take, Lazy(), docs="body")[1] is None

    def test_a_function_returns_them(self, spans: Spans) -> None:
        """It is given the call's arguments, without the object that the method is called on."""

        class Shop:
            @telemetry.endpoint("/search", docs=lambda request, limit=1: request["texts"][:limit])
            def search(self, request: dict[str, list[str]], limit: int = 1) -> None: ...

        Shop().search({"texts": ["a", "b", "c"]}, limit=2)
        assert spans.tree(attributes=["len_docs"]) == "/search len_docs=2"

    def test_what_is_wrong_is_logged_once_and_costs_the_call_nothing(
        self, spans: Spans, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A name that no argument has, and a function that fails."""

        @telemetry.endpoint("/search", docs="qery")
        def misspelt(query: str) -> str:
            return query

        @telemetry.endpoint("/search", docs=lambda query: query.nothing)
        def failing(query: str) -> str:
            return query

        with caplog.at_level(logging.WARNING):
            assert [misspelt("a"), misspelt("b"), failing("c"), failing("d")] == ["a", "b", "c", "d"]
        first, second = (record.getMessage() for record in caplog.records)
        assert first.startswith("docs='qery' is not an argument of TestNamed.")
        assert first.endswith("which was called with query: its documents are not counted (logged once)")
        assert second.endswith("failing raised AttributeError: its documents are not counted (logged once)")

    def test_documents_themselves_are_refused(self) -> None:
        """`docs` names where they are; a list of them is a slip."""
        with pytest.raises(telemetry.TelemetryError, match='write docs="query", or give a function'):
            telemetry.endpoint("/search", docs=["a"])  # type: ignore[call-overload]

    def test_attributes_are_given_as_on_a_stage(self, spans: Spans) -> None:
        """As keywords, and in a mapping after the names for those with dots."""

        @telemetry.endpoint("/index", "/search", {"shop.tenant": "pamazon"}, top_k=5)
        def answer(docs: Sequence[str]) -> None: ...

        answer(["a"])
        with telemetry.endpoint("/search", shelf=7):
            pass
        assert spans.tree(attributes=["len_docs", "shop.tenant", "top_k", "shelf"]) == (
            "/index len_docs=1 shop.tenant=pamazon top_k=5\n/search shelf=7"
        )


def bare(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator without `functools.wraps`."""

    def inner(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return inner


class Store(list[str]):
    """Executors may be collections themselves."""

    @telemetry.endpoint("/this")
    def find(this, queries: Any, top_k: int = 3) -> None: ...  # noqa: N805  not everyone calls it self

    @telemetry.endpoint("/below")
    @bare
    def below(self, queries: Any) -> None: ...

    @bare
    @telemetry.endpoint("/above")
    def above(this, queries: Any) -> None: ...  # noqa: N805

    @staticmethod
    @telemetry.endpoint("/static")
    def static(queries: Any) -> None: ...

    @classmethod
    @telemetry.endpoint("/class")
    def of_class(kind, queries: Any) -> None: ...  # noqa: N804


class Branch(Store):
    """Inherits them all."""


@pytest.mark.parametrize("method", ["find", "below", "above", "static", "of_class"])
def test_the_receiver_is_never_counted(spans: Spans, method: str) -> None:
    """Whatever it is called, however the method is decorated; the documents are, by place and by name."""
    store = Branch(["x"] * 99)
    getattr(store, method)(["a"])
    getattr(store, method)(queries=["a", "b"])
    getattr(store, method)(None)
    assert [(span.attributes or {}).get("len_docs") for span in spans] == [1, 2, None]


class TestNothingIsTouched:
    def test_what_may_run_a_query_is_not_asked(self, spans: Spans) -> None:
        """A QuerySet of Django's, a page of one, an object that loads itself: by name and by place."""

        @telemetry.endpoint("/search")
        def answer(docs: Any = None, q: Any = None, body: Any = None) -> None: ...

        everything = Item.objects.order_by("id")
        page = Paginator(everything, 10)._get_page(everything, 1, None)
        content.use(content.Limits(documents=4, characters=5))
        try:
            for lazy in (everything, page, Lazy(), SimpleLazyObject(lambda: pytest.fail("it was loaded"))):
                answer(lazy, lazy, lazy)
                answer(docs=lazy, q=lazy, body=lazy)
        finally:
            content.use(None)
        assert [span for span in spans if "len_docs" in (span.attributes or {})] == []
        assert everything._result_cache is None

    def test_the_length_of_what_lies_in_memory_is(self) -> None:
        """Built-in collections, arrays, lists of protocol buffers."""
        request = ProcessRequest(docs=[Document()] * 3)
        for held in (
            [1] * 3,
            (1, 2, 3),
            {1, 2, 3},
            range(3),
            {"a": 1, "b": 2, "c": 3}.keys(),
            np.zeros((3, 2)),
            request.docs,
        ):
            assert found(take, held)[1] == 3

    def test_an_attribute_that_would_be_loaded_is_not(self) -> None:
        """Of a body only what is stored on it is read: a mapped class loads what is missing."""

        @dataclass
        class Row:
            query: str

            def __getattr__(self, name: str) -> Any:
                raise AssertionError("it was loaded")

        row = Row("coat")
        del row.__dict__["query"]
        assert found(take, row)[1] is None
