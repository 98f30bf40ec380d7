"""Defects of other libraries, each of which a test here would notice (`docs/defects.md` has them all)."""

import asyncio
import contextvars
import gc
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest

import telemetry
from telemetry.testing.spans import Spans
from tests.unit.own_process import python


class Client:
    """A vector database's client, as Qdrant's: it takes any iterable of points, and counts what it stored."""

    def __init__(self) -> None:
        self.stored: list[int] = []

    def upload_points(self, collection: str, points: Iterable[int]) -> int:
        self.stored += points
        return len(self.stored)

    async def upload(self, points: AsyncIterator[int]) -> int:
        self.stored += [point async for point in points]
        return len(self.stored)


def test_a_wrapped_upload_of_a_generator_stored_no_points(spans: Spans) -> None:
    """A client that is instrumented or decorated stores every point of a generator, and is handed the very object."""
    telemetry.instrument(client := Client(), {"/index": "upload_points"})
    assert client.upload_points("goods", (number for number in range(3))) == 3
    points = iter(range(3, 6))
    upload = telemetry.stage("upload")(telemetry.endpoint("/index")(Client.upload_points))
    assert upload(client, "goods", points=points) == 6
    assert spans.tree(attributes=["len_docs"]) == "/index\nupload\n└ /index"


async def test_async_calls_had_no_span_or_a_wrong_duration(spans: Spans) -> None:
    """An async client's call is timed to its answer, and an async generator of points arrives whole."""

    async def points() -> AsyncIterator[int]:
        for number in range(3):
            spans.clock.advance(1)
            yield number

    telemetry.instrument(client := Client(), {"/index": "upload"})
    assert await client.upload(points()) == 3
    span = spans.one("/index")
    assert (span.end_time or 0) - (span.start_time or 0) > 3e9
    assert spans.tree(attributes=["len_docs"]) == "/index"


def test_results_read_the_callers_iterator(spans: Spans) -> None:
    """`results` given an iterator of scores takes nothing from it."""
    scores = iter([0.9, 0.5])
    with telemetry.stage("qdrant_search"):
        telemetry.results(hits=2, scores=scores)  # type: ignore[arg-type]
    assert list(scores) == [0.9, 0.5]
    assert spans.tree(attributes=["search.hits", "search.top_score"]) == "qdrant_search search.hits=2"


def test_a_whole_query_became_an_attribute_though_content_was_off(spans: Spans) -> None:
    """Arguments are never written down: neither texts, nor vectors, nor what their `repr` would show."""

    class Points(list[str]):
        def __repr__(self) -> str:
            raise AssertionError("the points were turned into text")

    @telemetry.endpoint("/search")
    @telemetry.stage("qdrant_search", query=None, vector=object())
    def search(docs: list[str], query: str) -> None:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        search(Points(["secret"] * 100), query="secret")
    assert spans.tree(status=True) == "/search !\n└ qdrant_search ! ValueError"
    written = [dict(span.attributes or {}) for span in spans]
    assert written == [
        {"search.operation": "search", "error.type": "ValueError"},
        {"search.operation": "search", "search.entry": True, "len_docs": 100, "error.type": "ValueError"},
    ]


class TestFailedToDetachContext:
    """OpenTelemetry logs an error wherever a context is left elsewhere than it was entered."""

    def test_a_generator_stepped_in_several_contexts(self, spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
        """Each step in another context, as web frameworks do: no word in the log, one tree."""

        def steps() -> Iterator[int]:
            with telemetry.stage("across"):
                yield 1
                with telemetry.stage("leaf"):
                    yield 2

        for decorated in (telemetry.stage("work")(steps), steps):
            made = decorated()
            for expected in (1, 2, None):
                assert contextvars.copy_context().run(next, made, None) == expected
        assert spans.tree() == "work\n└ across\n  └ leaf\nacross\nleaf"
        assert [record.getMessage() for record in caplog.records] == []

    async def test_an_async_generator_closed_by_another_task(
        self, spans: Spans, caplog: pytest.LogCaptureFixture
    ) -> None:
        """One that is dropped is closed by the event loop, in a task of its own: no word in the log."""
        closed = asyncio.Event()

        @telemetry.stage("work")
        async def steps() -> AsyncIterator[int]:
            try:
                with telemetry.stage("across"):
                    yield 1
            finally:
                closed.set()

        made: Any = steps()
        assert await anext(made) == 1
        del made
        gc.collect()
        await asyncio.wait_for(closed.wait(), 10)
        await asyncio.sleep(0)
        assert spans.tree(status=True) == "work\n└ across"
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_importing_it_loaded_exporters_and_grpc() -> None:
    """`import telemetry` brings neither SDK nor gRPC nor an HTTP client; nor does its use while it is off."""
    ended = python(
        """
@telemetry.endpoint("/search")
def search(docs):
    with telemetry.stage("encode"):
        telemetry.results(hits=1)
search([1])
telemetry.configure(disabled=True)
search([1])
heavy = ("grpc", "requests", "opentelemetry.sdk", "opentelemetry.exporter", "prometheus_client", "google.protobuf")
show([name for name in heavy if name in sys.modules])
        """
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", [[]])
