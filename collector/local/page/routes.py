"""The paths of the page: every view answers with the same file, and the script shows what the path names.

A browser that asks for a path that nobody has gets the page, too, which says so; programs get the API's error.

In: GET requests for the page and its files, POST requests that log in and out. Out: responses. State: the files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.local.net.access import Access
from collector.local.page.files import Files
from collector.local.page.guard import check_caller
from collector.local.page.login import check_reader, log_in, log_out, wrong_token

VIEWS: Final = (
    "/", "/performance", "/summary", "/traces", "/traces/{trace_id}", "/compare", "/dashboard", "/dashboard/{uid}",
    "/map", "/logs",
)  # fmt: skip
_POSTED: Final = ("/login", "/logout")
_MOST_BYTES: Final = 8_192


def page_routes(folder: Path, access: Access, source: str, receives: Callable[[], tuple[str, str]]) -> list[Route]:
    """The routes of a page. The last of them has all paths: it belongs behind the others.

    Args:
        folder: of the page.
        access: who may read. The page itself has no data, and is open to all.
        source: what the page reads: `collector`, or `store` where none runs.
        receives: the addresses of OTLP over gRPC and HTTP, empty where there is none.
    """
    files = Files(folder)

    def page(request: Request, status: int = 200) -> Response:
        grpc, http = receives()
        login = "" if access.tokens is None else "token"
        return files.index(request, {"source": source, "grpc": grpc, "http": http, "login": login}, status)

    async def index(request: Request) -> Response:
        check_caller(request, access)
        return page(request)

    async def unknown(request: Request) -> Response:
        check_caller(request, access)
        _check_asks_for_a_page(request)
        return page(request, 404)

    async def file(request: Request) -> Response:
        check_caller(request, access)
        found = files.file(request, request.path_params["version"], request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return found

    async def login(request: Request) -> Response:
        check_caller(request, access)
        token = await _token_of(request)
        if access.tokens is None:
            return Response(None, 204)
        return log_in(request, access.tokens, token)

    async def logout(request: Request) -> Response:
        check_caller(request, access)
        check_reader(request, access)
        return log_out(request)

    return [
        *(Route(path, index) for path in VIEWS),
        Route("/static/{version}/{name:path}", file),
        Route("/login", login, methods=["POST"]),
        Route("/logout", logout, methods=["POST"]),
        Route("/{path:path}", unknown),
    ]


def _check_asks_for_a_page(request: Request) -> None:
    """Check that whoever asks for an unknown path would read a page that says so: a person with a browser."""
    path = request.url.path
    if path in _POSTED:
        raise HTTPException(405, headers={"Allow": "POST"})
    if path.startswith(("/api/", "/static/")) or "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)


async def _token_of(request: Request) -> str:
    """The token in a request's JSON: `{"token": "…"}`."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise wrong_token()
    try:
        token = json.loads(body)["token"]
    except (ValueError, TypeError, KeyError):
        raise wrong_token() from None
    if not isinstance(token, str):
        raise wrong_token()
    return token.strip()
