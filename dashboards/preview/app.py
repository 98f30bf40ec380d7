"""The preview as an application: the page, the boards, and the queries.

In: the folder of the built page, Prometheus. Out: an ASGI application. State: the connections to Prometheus, while it
runs.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from dashboards.boards import BOARDS
from dashboards.model import Board
from dashboards.preview.hosts import OwnPagesOnly
from dashboards.preview.jaeger import page_of
from dashboards.preview.panels import OWN
from dashboards.preview.proxy import PREFIX, Prometheus
from dashboards.rendering.perses import dashboard

HEADERS: Final = {
    # The page's own script; styles of its components are written by it, fonts and marks are in it.
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def create_app(
    page: Path, prometheus: Prometheus, names: Collection[str] = (), jaeger: httpx.URL | None = None
) -> Starlette:
    """Return the application.

    Args:
        page: the folder of the built page.
        prometheus: what answers its queries; closed when the application ends.
        names: host names by which it may be opened, beside `localhost` and addresses.
        jaeger: where links to traces lead; None: the boards have none.
    """

    async def index(_: Request) -> Response:
        return FileResponse(page / "index.html", headers=HEADERS)

    async def about(_: Request) -> Response:
        return JSONResponse({"prometheus": prometheus.shown, "problem": await prometheus.problem()})

    async def board(request: Request) -> Response:
        """A board with the page's own panels, or, by `?plain`, as Perses gets it."""
        found = next((each for each in BOARDS if each.uid == request.path_params["uid"]), None)
        if found is None:
            return JSONResponse({"error": "There is no such board."}, 404)
        shown = _with_jaeger(found, await page_of(jaeger))
        return JSONResponse(dashboard(shown, None if "plain" in request.query_params else OWN))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await prometheus.close()

    return Starlette(
        routes=[
            Route("/", index),
            Route("/d/{uid}", index),  # as in Grafana, so that the links of alerts and boards lead here too
            Route("/api/boards", _boards),
            Route("/api/boards/{uid}", board),
            Route("/api/about", about),
            Route(PREFIX + "/{path:path}", prometheus.ask, methods=["GET", "POST"]),
            Mount("/assets", StaticFiles(directory=page / "assets")),
        ],
        middleware=[Middleware(OwnPagesOnly, names)],
        lifespan=lifespan,
    )


def _boards(_: Request) -> Response:
    return JSONResponse([{"uid": each.uid, "title": each.title, "question": each.question} for each in BOARDS])


def _with_jaeger(board: Board, url: str) -> Board:
    texts = (replace(each, value=url) if each.name == "jaeger" else each for each in board.texts)
    return replace(board, texts=tuple(texts))
