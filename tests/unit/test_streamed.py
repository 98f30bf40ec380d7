"""Streamed answers: the endpoint's span lasts to their end, and records when the first item was there."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Self

import django.http
import fastapi
import flask
import httpx
import pytest
from fastapi.responses import StreamingResponse

import telemetry
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans
from tests.entry import ENTRY
from tests.unit import own_django


def words(spans: Spans, fails: bool = False) -> Iterator[str]:
    """Each word takes a second, and has a stage."""
    for word in ("black", "jacket"):
        with telemetry.stage("generate"):
            spans.clock.advance(1)
        yield word
        spans.clock.advance(1)
    if fails:
        raise ValueError("the model is gone")


async def awords(spans: Spans, fails: bool = False) -> AsyncIterator[str]:
    for word in words(spans, fails):
        await asyncio.sleep(0)
        yield word


class Stream:
    """An async iterator of a class of its own, as clients of language models return them."""

    def __init__(self, spans: Spans) -> None:
        self.items = awords(spans)
        self.response = "200"
        self.closed = False

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> str:
        return await anext(self.items)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.closed = True


TREE = "/search\n├ generate\n└ generate"
FASTAPI = """
GET /search
├ fastapi.dependencies
└ fastapi.endpoint
  └ /search
    ├ generate
    └ generate
""".strip()


def check(spans: Spans, metrics: Metrics, tree: str = TREE, outcome: str = "ok") -> None:
    """Four seconds in all, the first word after one; nothing is current outside."""
    assert spans.open == []
    assert spans.tree(status=True) == tree
    (found,) = spans.named("/search")
    lasted = ((found.end_time or 0) - (found.start_time or 0)) / 1e9
    first = (found.attributes or {})["search.first_item.duration"]
    assert isinstance(first, float)
    assert (round(first), round(lasted)) == (1, 4)
    (series,) = metrics.series("search.request.duration")
    assert series["search.outcome"] == outcome
    assert metrics.series("search.first_item.duration") == [{"search.operation": "search"}]
    assert metrics.total("search.first_item.duration") == first


class TestReturned:
    def test_a_generator(self, spans: Spans, metrics: Metrics) -> None:
        """Yielded or returned makes no difference; it stays a generator under its own name."""

        @telemetry.endpoint("/search")
        def search() -> Any:
            return words(spans)

        answer = search()
        assert (type(answer).__name__, answer.__name__) == ("generator", "words")
        assert list(answer) == ["black", "jacket"]
        check(spans, metrics)

    def test_a_generator_that_is_the_endpoint(self, spans: Spans, metrics: Metrics) -> None:
        """Its first item has a time too."""
        assert list(telemetry.endpoint("/search")(words)(spans)) == ["black", "jacket"]
        check(spans, metrics)

    async def test_an_async_generator_from_a_coroutine(self, spans: Spans, metrics: Metrics) -> None:
        """The coroutine ends at once, its answer later."""

        @telemetry.endpoint("/search")
        async def search() -> Any:
            return awords(spans)

        assert [word async for word in await search()] == ["black", "jacket"]
        check(spans, metrics)

    async def test_an_async_iterator_of_any_class(self, spans: Spans, metrics: Metrics) -> None:
        """It keeps its attributes, and works in `async with`."""

        @telemetry.endpoint("/search")
        async def search() -> Any:
            return Stream(spans)

        async with await search() as stream:
            assert stream.response == "200"
            assert [word async for word in stream] == ["black", "jacket"]
        assert stream.closed
        check(spans, metrics)

    def test_a_failure_on_the_way_is_the_endpoints(self, spans: Spans, metrics: Metrics) -> None:
        """It is too late for a status, and not for the span."""

        @telemetry.endpoint("/search")
        def search() -> Any:
            return words(spans, fails=True)

        with pytest.raises(ValueError, match="gone"):
            list(search())
        check(spans, metrics, TREE.replace("/search", "/search ! ValueError"), "error")

    def test_an_answer_that_nobody_reads_to_its_end_was_cancelled(self, spans: Spans, metrics: Metrics) -> None:
        """Closed, dropped, or never begun: no span stays open."""

        @telemetry.endpoint("/search")
        def search() -> Any:
            return words(spans)

        answer = search()
        next(answer)
        answer.close()
        search()
        gc.collect()
        assert spans.open == []
        cancelled = {**ENTRY, "search.operation": "search", "search.outcome": "cancelled"}
        assert metrics.value("search.request.duration", cancelled) == 2
        assert metrics.value("search.first_item.duration") == 1

    def test_values_are_handed_over_untouched(self, spans: Spans, metrics: Metrics) -> None:
        """What is not a stream is the very object that was returned, and nothing is timed on it."""
        values = [[1], {"a": 1}, "text", None, iter([1]), map(str, [1]), object(), flask.Response("whole")]

        @telemetry.endpoint("/search")
        def search(place: int) -> Any:
            return values[place]

        assert [search(place) is value for place, value in enumerate(values)] == [True] * len(values)
        assert metrics.names() == {"search.request.duration"}

    def test_a_tuple_outside_of_a_view_is_a_value(self, spans: Spans, metrics: Metrics) -> None:
        """It is handed over as it is, with what is in it."""

        @telemetry.endpoint("/search")
        def search() -> Any:
            return made

        made = (iter(["black"]), 200)
        assert search() is made
        assert spans.tree() == "/search"
        assert metrics.value("search.first_item.duration") == 0

    def test_an_executor_that_is_instrumented_streams_too(self, spans: Spans, metrics: Metrics) -> None:
        """Without a changed line in it."""

        class Executor:
            def search(self) -> Any:
                return words(spans)

        executor = telemetry.instrument(Executor, ["search"])()
        assert list(executor.search()) == ["black", "jacket"]
        check(spans, metrics)

    def test_a_stage_ends_when_it_has_returned(self, spans: Spans, metrics: Metrics) -> None:
        """Only an endpoint answers; what a stage hands over is the user's own."""
        made = words(spans)
        assert telemetry.stage("make")(lambda: made)() is made


def whole(app: Any, path: str = "/search") -> Callable[[], Any]:
    async def ask() -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            return (await client.get(path)).text

    return ask


class TestResponses:
    @pytest.mark.parametrize("kind", ["async generator", "generator", "async iterator"])
    async def test_of_fastapi(self, spans: Spans, metrics: Metrics, kind: str) -> None:
        """A generator runs in threads there; its stages are the endpoint's children all the same."""
        app = fastapi.FastAPI()
        made: dict[str, Callable[[], Any]] = {
            "async generator": lambda: awords(spans),
            "generator": lambda: words(spans),
            "async iterator": lambda: Stream(spans),
        }

        @app.get("/search")
        @telemetry.endpoint("/search")
        async def search() -> StreamingResponse:
            return StreamingResponse(made[kind](), media_type="text/plain")

        assert await whole(app)() == "blackjacket"
        check(spans, metrics, FASTAPI)

    async def test_a_caller_that_leaves_has_cancelled(self, spans: Spans, metrics: Metrics) -> None:
        """Starlette cancels the body when the client has gone."""
        reached = asyncio.Event()

        async def forever() -> AsyncIterator[str]:
            yield "black"
            reached.set()
            await asyncio.Event().wait()

        @telemetry.endpoint("/search")
        async def search() -> StreamingResponse:
            return StreamingResponse(forever())

        async def receive() -> dict[str, str]:
            await reached.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None: ...

        response = await search()
        await response({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
        assert spans.tree(status=True, attributes=["search.outcome"]) == "/search search.outcome=cancelled"
        assert metrics.value("search.first_item.duration") == 1

    def test_of_flask(self, spans: Spans, metrics: Metrics) -> None:
        """A generator, or one in a response, with the request's context or without."""
        app = flask.Flask("shop")

        @app.get("/search")
        @telemetry.endpoint("/search")
        def search() -> flask.Response:
            return flask.Response(flask.stream_with_context(words(spans)))

        with app.test_client() as client:
            assert client.get("/search").text == "blackjacket"
        check(spans, metrics)

    @pytest.mark.parametrize(
        "answer",
        [
            lambda body: (body, {"X": "y"}),
            lambda body: (body, 200),
            lambda body: (map(str.encode, body), 200, [("X", "y")]),
            lambda body: (flask.Response(body), 200),
        ],
        ids=["headers", "status", "iterator", "response"],
    )
    def test_of_flask_with_status_and_headers(
        self, answer: Callable[[Any], Any], spans: Spans, metrics: Metrics
    ) -> None:
        """A view may return a tuple, whose first is the body."""
        app = flask.Flask("shop")

        @app.get("/search")
        @telemetry.endpoint("/search")
        def search() -> Any:
            return answer(flask.stream_with_context(words(spans)))

        with app.test_client() as client:
            assert client.get("/search").text == "blackjacket"
        check(spans, metrics)

    def test_of_django(self, spans: Spans, metrics: Metrics) -> None:
        """`StreamingHttpResponse`; it is closed as before."""
        assert own_django.Item.__name__ == "Item"  # Django is set up

        @telemetry.endpoint("/search")
        def search() -> Any:
            return django.http.StreamingHttpResponse(words(spans))

        response = search()
        assert b"".join(response) == b"blackjacket"
        response.close()
        check(spans, metrics)
