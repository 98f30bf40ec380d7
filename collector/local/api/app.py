"""The local collector's JSON API: read-only, over HTTP.

In: GET requests. Out: JSON; all errors have the shape `{"error": {"code", "message", "hint"}}`. Queries run in threads,
so that a long one does not block others, nor the collector's ingest. The page, where one is installed, is served beside
it, from `collector.local.page`.
"""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import anyio
import duckdb
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.local.api import answers as api_answers
from collector.local.api.as_json import dumps, plain
from collector.local.api.bounds import small
from collector.local.api.parameters import Parameters
from collector.local.api.question import Question, Rows
from collector.local.api.wait import await_rows, await_trace
from collector.local.errors import (
    CollectorError,
    ForbiddenError,
    RefusedError,
    StoppingError,
    UnauthorizedError,
    sentence,
)
from collector.local.net.access import OPEN, Access
from collector.local.page.guard import check_caller
from collector.local.page.login import check_reader
from collector.local.page.routes import page_routes
from collector.local.query import QueryError, store_stats
from collector.local.query.waterfall import ShapeCache
from collector.local.stats import CollectorStats
from collector.local.store.damage import is_damage
from collector.local.store.store import Store

_STORE_FAILED = (duckdb.ConnectionException, duckdb.IOException, duckdb.FatalException)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_QUERIES_AT_ONCE, _WAITS_AT_ONCE = 4, 64
_log = logging.getLogger(__name__)


class Collector(Protocol):
    """What the API reads: a store, and the collector's statistics."""

    @property
    def store(self) -> Store:
        """The open store."""

    @property
    def problem(self) -> str:
        """Why the store cannot write now; empty when it can."""

    def stats(self) -> CollectorStats:
        """The collector's statistics."""

    def receives(self) -> tuple[str, str]:
        """The addresses of OTLP over gRPC and HTTP, `HOST:PORT`; empty where it does not listen."""

    def suspect(self) -> None:
        """Something in the store cannot be read: let the writer check it."""


def create_app(
    collector: Collector, access: Access = OPEN, page: Path | None = None, source: str = "collector"
) -> Starlette:
    """The API as an ASGI application, with the page.

    Args:
        collector: whose store is read.
        access: who may read; `/api/health` is open to all, and has no data.
        page: the folder of the page; None: there is none.
        source: what the page says that it reads: `collector`, or `store` where none runs.
    """
    api = _Api(collector, access)
    routes = [Route("/api/health", api.serve(api.health, is_health=True)), Route("/api/stats", api.serve(api.stats))]
    for question in api_answers.QUESTIONS:
        path = question.path.replace("}", ":path}")
        handler = api.trace if question.path == "/api/traces/{trace_id}" else api.answer
        routes.append(Route(path, api.serve(partial(handler, question), question)))
    if page is not None:
        routes += page_routes(page, access, source, collector.receives)
    app = Starlette(routes=routes, exception_handlers={HTTPException: _http_error, RefusedError: _refused})
    app.router.redirect_slashes = False
    return app


class _Api:
    """The handlers. Each runs in a thread and returns plain values."""

    def __init__(self, collector: Collector, access: Access) -> None:
        self._collector = collector
        self._access = access
        self._shapes = ShapeCache()

    def health(self, request: Request) -> dict[str, Any]:
        Parameters(_pairs(request), ())
        if self._collector.problem:  # `/api/stats` has the reason, for those who may read it
            return {"status": "degraded", "problem": "The store cannot write now. Reading still works."}
        return {"status": "ok"}

    def stats(self, request: Request) -> dict[str, Any]:
        Parameters(_pairs(request), ())
        with closing(self._collector.store.reader()) as connection:
            held = store_stats(connection)
        figures = plain(self._collector.stats())
        return {**figures.pop("signals"), **figures, "held": plain(held)}

    def answer(self, question: Question, request: Request) -> dict[str, Any]:
        name = next(iter(request.path_params.values()), None)
        if name == "":  # Starlette's pattern for the rest of a path matches no text, too
            raise api_answers.no_path(request.scope["path"])
        pairs = _pairs(request)

        def ask(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
            asked = Parameters(pairs, question.parameters, time.time_ns(), self._shapes, connection)
            return api_answers.ask(connection, question, name or "", asked)

        wait_s = Parameters(pairs, question.parameters).wait_s()
        if wait_s:
            return await_rows(self._collector.store, ask, wait_s)
        with closing(self._collector.store.reader()) as connection:
            return ask(connection)

    def trace(self, question: Question, request: Request) -> dict[str, Any]:
        limit_s = Parameters(_pairs(request), question.parameters).wait_s()
        if limit_s is None:
            return self.answer(question, request)
        return api_answers.trace_answer(*await_trace(self._collector.store, request.path_params["trace_id"], limit_s))

    def serve(
        self, handler: Callable[[Request], dict[str, Any]], question: Question | None = None, *, is_health: bool = False
    ) -> Callable[[Request], Any]:
        """An endpoint that runs `handler` in a thread, turns its exceptions into JSON, and keeps the answer small.

        Args:
            handler: makes the answer.
            question: what it answers, if it is of the store.
            is_health: it has no data. Anybody may ask, and a page of another port learns that something answers.
        """
        made = partial(_encoded, question)
        queries, waits = anyio.CapacityLimiter(_QUERIES_AT_ONCE), anyio.CapacityLimiter(_WAITS_AT_ONCE)

        async def endpoint(request: Request) -> Response:
            check_caller(request, self._access, is_data=not is_health, is_health=is_health)
            if not is_health:
                check_reader(request, self._access)
            limiter = waits if "wait" in request.query_params else queries
            response = await anyio.to_thread.run_sync(self._respond, handler, made, request, limiter=limiter)
            return self._marked(response, is_health=is_health)

        return endpoint

    def _is_stopping(self) -> bool:
        try:
            return self._collector.store.changed.closed
        except CollectorError:  # it has stopped
            return True

    def _marked(self, response: Response, *, is_health: bool) -> Response:
        """With the headers that depend on what was asked."""
        if is_health:
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        elif problem := self._collector.problem:
            response.headers[api_answers.PROBLEM_HEADER] = quote(problem)
        return response

    def _respond(
        self, handler: Callable[[Request], dict[str, Any]], made: Callable[[dict[str, Any]], bytes], request: Request
    ) -> Response:
        try:
            return _respond(handler, made, request, self._is_stopping)
        except duckdb.Error as error:
            self._collector.suspect()
            _log.warning("The store is damaged: %s", error)
            hint = "The collector renames it and starts a new one; see its log for the name."
            return _error(503, "store_damaged", "The store is damaged.", hint)


def _encoded(question: Question | None, answer: dict[str, Any]) -> bytes:
    if question is None or question.is_whole:
        return dumps(answer).encode()
    return small(answer, question.returns.name if isinstance(question.returns, Rows) else "")


def _respond(
    handler: Callable[[Request], dict[str, Any]],
    made: Callable[[dict[str, Any]], bytes],
    request: Request,
    is_stopping: Callable[[], bool],
) -> Response:
    """The answer, or the error's JSON; raises `duckdb.Error` if the store is damaged."""
    try:
        return _json(200, made(handler(request)))
    except QueryError as error:
        return _error(error.http_status, error.code, error.message, error.hint)
    except (CollectorError, duckdb.Error) as error:
        if is_damage(str(error)):
            raise
        if not isinstance(error, (CollectorError, *_STORE_FAILED)):
            return _internal(request)
        if isinstance(error, StoppingError) or is_stopping():
            ending = StoppingError()
            return _error(503, "stopping", ending.message, ending.hint)
        _log.warning("The store cannot be read: %s", error)
        hint = "Try again in a moment: the collector reopens its store."
        return _error(503, "store_unavailable", "The store cannot be read now.", hint)
    except Exception:  # noqa: BLE001 (the last guard before the server: logged, and returned as an error)
        return _internal(request)


def _internal(request: Request) -> Response:
    """The response to an unexpected exception; call it in the exception's handler."""
    _log.exception("%s failed", request.scope["path"])
    return _error(500, "internal", "The query failed.", "See the collector's log.")


def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (for the type checker; Starlette's signature is wider)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return _error(405, "method_not_allowed", "The API is read-only.", "Use GET.", error.headers)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return _error(404, "not_found", "There is no such path.", f"Paths are {', '.join(api_answers.PATHS)}.")
    return _error(error.status_code, "http_error", error.detail, "Fix the request.", error.headers)


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, (ForbiddenError, UnauthorizedError))  # noqa: S101 (as above)
    code = "forbidden" if isinstance(error, ForbiddenError) else "unauthorized"
    return _error(error.http_status, code, sentence(error.message), sentence(error.hint), error.headers)


def _pairs(request: Request) -> list[tuple[str, str]]:
    return request.query_params.multi_items()


def _json(status: int, text: bytes | str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(text, status, {**_HEADERS, **(headers or {})}, media_type="application/json")


def _error(status: int, code: str, message: str, hint: str, headers: Mapping[str, str] | None = None) -> Response:
    return _json(status, dumps(error_json(status, code, message, hint)), headers)


def error_json(_: int, code: str, message: str, hint: str) -> dict[str, Any]:
    """The JSON of an error."""
    return {"error": {"code": code, "message": message, "hint": hint}}
