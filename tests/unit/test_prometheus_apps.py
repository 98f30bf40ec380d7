"""The apps that are mounted in the user's own server."""

import asyncio
import logging
import threading
from collections.abc import Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, core
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

import telemetry.prometheus
from telemetry import conventions as c
from telemetry.prometheus import exposition as exposition_module
from telemetry.prometheus.exposition import AsgiApp, Exposition, asgi, wsgi
from tests.unit.pulled import OPENMETRICS, families, pulled

PATIENCE = 20.0


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x")


@pytest.fixture(autouse=True)
def _scrapes_end() -> Any:
    """A scrape's thread ends a moment after its answer is there."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("search-telemetry-scrape"):
            thread.join(PATIENCE)


async def test_the_asgi_app_is_mounted_beside_the_users_own_routes() -> None:
    """In Starlette, at `/metrics`: negotiated and compressed as from our own server."""
    with pulled() as scrape:
        scrape.own.aggregation(c.DOCUMENTS, {}).record(3, None)
        app = Starlette(routes=[Mount("/metrics", asgi(scrape.exposition.respond))])
        async with client(app) as http:
            answer = await http.get("/metrics/", headers={"Accept": OPENMETRICS, "Accept-Encoding": "gzip"})
            assert answer.headers["content-encoding"] == "gzip"
            found = families(answer.text, answer.headers["content-type"])
            assert found["search_documents"].samples[0].value == 3
            assert (await http.get("/metrics/")).headers["content-type"].startswith("text/plain")
            assert (await http.post("/metrics/")).status_code == 405


async def test_a_scrape_does_not_stop_the_event_loop() -> None:
    """While a collector takes its time, the same loop answers other requests."""
    collecting, over = threading.Event(), threading.Event()

    class Slow:
        def collect(self) -> Iterable[core.Metric]:
            collecting.set()
            assert over.wait(PATIENCE)
            return []

    async def shop(_: Any) -> PlainTextResponse:
        return PlainTextResponse("open")

    registry = CollectorRegistry()
    registry.register(Slow())
    app = Starlette(routes=[Mount("/metrics", asgi(Exposition(registry).respond)), Route("/shop", shop)])
    async with client(app) as http:
        scrape = asyncio.create_task(http.get("/metrics/"))
        await asyncio.to_thread(collecting.wait, PATIENCE)
        assert (await http.get("/shop")).text == "open"
        assert not scrape.done()
        over.set()
        assert (await scrape).status_code == 200


async def test_a_scraper_that_goes_away_disturbs_nobody() -> None:
    """Its answer is thrown away; the next scrape is answered."""
    over = threading.Event()
    problems: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, problem: problems.append(problem))

    def answer(_: Any) -> Any:
        assert over.wait(PATIENCE)
        return "200 OK", [], b"late"

    async with client(asgi(answer)) as http:
        gone = asyncio.create_task(http.get("/"))
        await asyncio.sleep(0)  # it begins
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        over.set()
        assert (await http.get("/")).text == "late"
    assert problems == []


async def test_the_asgi_app_can_be_the_whole_server() -> None:
    """It starts and stops with the server, and refuses what is not a scrape."""
    app: AsgiApp = asgi(lambda _: ("200 OK", [], b""))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    await app({"type": "websocket"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


def test_the_wsgi_app_keeps_to_the_protocol() -> None:
    """The standard library's validator finds nothing in it."""
    started: list[Any] = []
    with pulled() as scrape:
        scrape.own.aggregation(c.DOCUMENTS, {}).record(3, None)
        environ: dict[str, Any] = {"HTTP_ACCEPT": OPENMETRICS, "QUERY_STRING": ""}
        setup_testing_defaults(environ)
        answer = validator(wsgi(scrape.exposition.respond))(environ, lambda *args: started.append(args))  # type: ignore[arg-type]
        body = b"".join(answer)
        answer.close()  # type: ignore[attr-defined]
    ((status, headers),) = started
    assert status == "200 OK"
    assert families(body.decode(), dict(headers)["Content-Type"])["search_documents"].samples[0].value == 3


def test_a_users_registry_has_both() -> None:
    """One `/metrics` with the user's own metrics and ours."""
    with pulled() as scrape:
        Counter("orders", "Orders.", registry=scrape.registry).inc()
        scrape.own.aggregation(c.DOCUMENTS, {}).record(3, None)
        assert {"orders", "search_documents", "target"} <= scrape.families().keys()


def test_a_failing_collector_of_the_user_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """The scraper gets an error with its reason, the log one warning, the host nothing."""

    class Broken:
        def collect(self) -> Iterable[core.Metric]:
            raise ValueError("no such sensor")

    registry = CollectorRegistry()
    registry.register(Broken())
    exposition = Exposition(registry)
    with caplog.at_level(logging.WARNING, "search_telemetry"):
        answers = [exposition.respond({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}) for _ in range(3)]
    assert {answer[0] for answer in answers} == {"500 Internal Server Error"}
    assert answers[0][2] == b"# a collector in this registry failed: ValueError\n"
    assert [record.getMessage() for record in caplog.records] == [
        "a collector in the Prometheus registry failed (logged once)"
    ]


def test_only_a_few_scrapes_run_at_once() -> None:
    """While slow ones occupy all places, the next gets a 503, and no thread."""
    over, began = threading.Event(), threading.Semaphore(0)

    class Slow:
        def collect(self) -> Iterable[core.Metric]:
            began.release()
            assert over.wait(PATIENCE)
            return []

    registry = CollectorRegistry()
    registry.register(Slow())
    exposition = Exposition(registry)
    request = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    slow = [threading.Thread(target=exposition.respond, args=(request,)) for _ in range(exposition_module._MAX_SCRAPES)]
    for thread in slow:
        thread.start()
        assert began.acquire(timeout=PATIENCE)
    assert exposition.respond(request)[0] == "503 Service Unavailable"
    over.set()
    for thread in slow:
        thread.join()
    assert exposition.respond(request)[0] == "200 OK"


async def test_an_app_of_a_process_without_metrics_reports_why() -> None:
    """It may be mounted before `configure` is called; until then it answers 503 with the hint."""
    async with client(telemetry.prometheus.asgi_app()) as http:
        answer = await http.get("/metrics")
    assert answer.status_code == 503
    assert 'telemetry.configure(metrics="prometheus")' in answer.text
    assert telemetry.prometheus.address() == ""
    with pytest.raises(telemetry.TelemetryError, match="metrics are not configured"):
        telemetry.prometheus.serve()
