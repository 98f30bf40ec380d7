"""Whose fault it was: one rule for the outcome of requests, the status of spans, and Sentry."""

import asyncio
import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import django.core.exceptions
import django.http
import fastapi
import fastapi.exceptions
import flask
import httpx
import pytest
import rest_framework.exceptions
import starlette.exceptions
import starlette.requests
import werkzeug.exceptions
from opentelemetry.trace import Span, StatusCode

import telemetry
from telemetry.recording.runs import exceptions, outcome
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans
from tests.entry import ENTRY
from tests.unit.own_django import Item


class Upstream(Exception):
    """A client library's: it has a status, which somebody else answered."""

    status_code = 404
    code = 404


class Missing(LookupError):
    """A class of the user's."""


def aborted(*given: Any) -> Exception:
    """Return what Flask's `abort` raises."""
    with pytest.raises(werkzeug.exceptions.HTTPException) as raised:
        flask.abort(*given)
    return raised.value


REJECTED = [
    starlette.exceptions.HTTPException(400),
    fastapi.HTTPException(422, "no query"),
    fastapi.exceptions.RequestValidationError([]),
    aborted(404),
    aborted(flask.Response("gone", status=410)),
    werkzeug.exceptions.BadRequestKeyError("q"),
    rest_framework.exceptions.ValidationError("no query"),
    rest_framework.exceptions.NotAuthenticated(),
    django.http.Http404(),
    django.core.exceptions.PermissionDenied(),
    django.core.exceptions.SuspiciousOperation(),
    type("Teapot", (fastapi.HTTPException,), {})(418),
]
ERRORS = [
    fastapi.HTTPException(429),
    fastapi.HTTPException(500),
    aborted(429),
    aborted(503),
    aborted(flask.Response("down", status=503)),
    werkzeug.exceptions.HTTPException(),
    rest_framework.exceptions.Throttled(),
    rest_framework.exceptions.APIException(),
    httpx.HTTPStatusError("404", request=httpx.Request("GET", "http://index"), response=httpx.Response(404)),
    Item.DoesNotExist(),
    Upstream(),
    Missing(),
    ValueError("a bug"),
    ExceptionGroup("two", [fastapi.HTTPException(404)]),
]
GONE = [
    asyncio.CancelledError(),
    GeneratorExit(),
    starlette.requests.ClientDisconnect(),
    werkzeug.exceptions.ClientDisconnected(),
    django.core.exceptions.RequestAborted(),
]


def named(exc: BaseException) -> str:
    return f"{type(exc).__module__.partition('.')[0]}.{type(exc).__name__}"


@pytest.fixture
def reported() -> Iterator[list[BaseException]]:
    """What Sentry would get."""
    found: list[BaseException] = []

    def listen(exc: BaseException, span: Span) -> None:
        found.append(exc)

    exceptions.set_error_listener(listen)
    yield found
    exceptions.set_error_listener(None)


def outcomes(metrics: Metrics) -> dict[str, float]:
    name = "search.request.duration"
    found = [(series["search.outcome"], metrics.value(name, series)) for series in metrics.series(name)]
    return {outcome: sum(value for one, value in found if one == outcome) for outcome, _ in found}


def run(exc: BaseException) -> None:
    with contextlib.suppress(type(exc)), telemetry.endpoint("/search"), telemetry.stage("look up"):
        raise exc


@pytest.mark.parametrize("exc", REJECTED, ids=named)
def test_an_answer_below_500_is_the_callers_mistake(
    exc: Exception, spans: Spans, metrics: Metrics, reported: list[BaseException]
) -> None:
    """No span is an error, nobody is woken; the event has what it was, and the request counts as rejected."""
    run(exc)
    assert spans.tree(status=True, attributes=["error.type", "search.outcome"]) == (
        "/search search.outcome=rejected\n└ look up"
    )
    assert [event.name for event in spans.one("look up").events] == ["exception"]
    (series,) = metrics.series("search.request.duration")
    assert series == {**ENTRY, "search.operation": "search", "search.outcome": "rejected"}
    assert metrics.series("search.stage.duration") == [{"search.operation": "search", "search.stage": "look up"}]
    assert reported == []


@pytest.mark.parametrize("exc", ERRORS, ids=named)
def test_whatever_else_fails_is_an_error(
    exc: Exception, spans: Spans, metrics: Metrics, reported: list[BaseException]
) -> None:
    """Load that is shed, an answer of 500 and above, and what a client library raises, whatever status it carries."""
    run(exc)
    assert {span.status.status_code for span in spans} == {StatusCode.ERROR}
    (series,) = metrics.series("search.request.duration")
    assert (series["search.outcome"], series["error.type"]) == ("error", exceptions.error_type(exc))
    assert reported == [exc]


@pytest.mark.parametrize("exc", GONE, ids=named)
def test_a_caller_that_went_away_has_cancelled(
    exc: BaseException, spans: Spans, metrics: Metrics, reported: list[BaseException]
) -> None:
    """It is neither a success nor a failure of the service."""
    run(exc)
    assert spans.tree(status=True, attributes=["error.type", "search.outcome"]) == (
        "/search search.outcome=cancelled\n└ look up"
    )
    assert (outcomes(metrics), reported) == ({"cancelled": 1}, [])


class TestExpected:
    """Classes that the user names."""

    def test_an_endpoint_names_its_callers_mistakes(
        self, spans: Spans, metrics: Metrics, reported: list[BaseException]
    ) -> None:
        """Subclasses too, and in the stages inside; other exceptions stay errors."""

        @telemetry.endpoint("/search", expected=(LookupError,))
        def search(exc: Exception) -> None:
            with telemetry.stage("look up"):
                raise exc

        for exc in (Missing(), ValueError()):
            with pytest.raises(type(exc)):
                search(exc)
        assert spans.tree(status=True) == "/search\n└ look up\n/search !\n└ look up ! ValueError"
        assert outcomes(metrics) == {"rejected": 1, "error": 1}
        assert [type(exc) for exc in reported] == [ValueError]

    def test_one_class_and_a_block_will_do(self, metrics: Metrics) -> None:
        """As everywhere in Python, one class stands for a tuple of one."""
        with pytest.raises(Missing), telemetry.endpoint("/search", expected=Missing):
            raise Missing
        assert outcomes(metrics) == {"rejected": 1}

    def test_what_an_endpoint_expects_holds_inside_it_alone(self, metrics: Metrics) -> None:
        """The next request is not touched; an endpoint around it takes its word."""

        @telemetry.endpoint("/inner", expected=Missing)
        def inner() -> None:
            raise Missing

        @telemetry.endpoint("/outer")
        def outer() -> None:
            inner()

        with pytest.raises(Missing):
            outer()
        with pytest.raises(Missing), telemetry.endpoint("/outer"):
            raise Missing
        assert outcomes(metrics) == {"rejected": 2, "error": 1}

    def test_a_process_expects_classes_of_its_own(self, metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
        """`configure(expected_errors=…)` holds for every endpoint; a 429 that is expected is not an error any more."""
        monkeypatch.setattr(outcome._Process, "expected", (Missing, fastapi.HTTPException))
        run(Missing())
        run(fastapi.HTTPException(429))
        assert outcomes(metrics) == {"rejected": 2}

    @pytest.mark.parametrize("wrong", ["LookupError", [404], LookupError("x")])
    def test_what_is_not_a_class_is_refused(self, wrong: Any) -> None:
        """At once, with what to write instead, by the decorator and by `configure`."""
        with pytest.raises(telemetry.TelemetryError, match=r"not an exception class\nwrite \(LookupError,\)"):
            telemetry.endpoint("/search", expected=wrong)
        with pytest.raises(telemetry.ConfigurationError, match=r"expected_errors=.*; write \(LookupError,\)"):
            telemetry.configure("shop", expected_errors=wrong)


def test_a_mistake_that_is_handled_inside_is_not_counted(spans: Spans, metrics: Metrics) -> None:
    """The endpoint decides by what leaves it: an upstream's 404 becomes an answer, or does not."""

    @telemetry.endpoint("/search")
    def search(again: Callable[[], Exception]) -> None:
        try:
            raise Upstream
        except Upstream as exc:
            raise again() from exc

    for again in (lambda: fastapi.HTTPException(404), lambda: fastapi.HTTPException(502)):
        with pytest.raises(fastapi.HTTPException):
            search(again)
    assert outcomes(metrics) == {"rejected": 1, "error": 1}


def test_a_generator_that_is_closed_early_was_cancelled(spans: Spans, metrics: Metrics) -> None:
    """Its caller wanted no more; one read to its end is fine."""

    @telemetry.endpoint("/search")
    def search() -> Generator[int]:
        yield from range(3)

    first = search()
    next(first)
    first.close()
    assert list(search()) == [0, 1, 2]
    assert spans.tree(status=True, attributes=["search.outcome"]) == "/search search.outcome=cancelled\n/search"
    assert outcomes(metrics) == {"cancelled": 1, "ok": 1}


class TestFrameworks:
    """The real frameworks, as users write their services."""

    def test_fastapi(self, metrics: Metrics) -> None:
        """What the caller did wrong is rejected, whatever sees it: the endpoint, or a function it calls."""
        app = fastapi.FastAPI()

        @app.get("/search")
        @telemetry.endpoint("/search")
        async def search(q: str, status: int) -> str:
            if status == 500:
                raise ValueError(q)
            if status != 200:
                raise fastapi.HTTPException(status, q)
            return q

        self.ask(app, [200, 404, 422, 429, 500])
        assert outcomes(metrics) == {"ok": 1, "rejected": 2, "error": 2}

    @staticmethod
    def ask(app: fastapi.FastAPI, statuses: Sequence[int]) -> None:
        async def asked() -> list[int]:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
                return [
                    (await client.get("/search", params={"q": "coat", "status": status})).status_code
                    for status in statuses
                ]

        assert asyncio.run(asked()) == list(statuses)

    def test_flask(self, metrics: Metrics) -> None:
        """`abort` with a number and with a response."""
        app = flask.Flask("shop")

        @app.get("/search/<int:status>")
        @telemetry.endpoint("/search")
        def search(status: int) -> str:
            if status != 200:
                flask.abort(status)
            return "coat"

        with app.test_client() as client:
            for status in (200, 404, 429, 503):
                assert client.get(f"/search/{status}").status_code == status
        assert outcomes(metrics) == {"ok": 1, "rejected": 1, "error": 2}

    def test_none_of_them_is_imported(self) -> None:
        """A service pays for no framework but its own."""
        from tests.unit.own_process import python

        ended = python(
            """
telemetry.configure("shop")
try:
    with telemetry.endpoint("/search"):
        raise ValueError
except ValueError:
    pass
show(sorted({name.partition(".")[0] for name in sys.modules} & {"starlette", "fastapi", "werkzeug", "django"}))
            """,
            OTEL_TRACES_EXPORTER="none",
            OTEL_METRICS_EXPORTER="none",
        )
        assert ended.shown == [[]], ended.err
