"""The paths of the page: every view answers with the same file, and the script shows what the path names.

In: GET requests for the page and its files, POST requests that log in and out. Out: responses. State: the files.
"""

from __future__ import annotations

import json
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
_MOST_BYTES: Final = 8_192


def page_routes(folder: Path, access: Access, source: str) -> list[Route]:
    """The routes of a page.

    Args:
        folder: of the page.
        access: who may read. The page itself has no data, and is open to all.
        source: what the page reads: `collector`, or `store` where none runs.
    """
    files = Files(folder, source)

    async def index(request: Request) -> Response:
        check_caller(request, access)
        return files.index(request)

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
    ]


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
