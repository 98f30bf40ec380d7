"""The shop over HTTP: its page, the pictures of the goods, its search.

In: requests of browsers. Out: files, pictures, JSON. State: the files of the page, read once.

Every answer has a policy by which the browser runs and shows nothing but what comes from here; names of goods reach the
page as JSON, and the page writes them as text.
"""

import hashlib
import mimetypes
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from demo_flow.serving.dispatch import Dispatcher
from demo_flow.shop import people
from demo_flow.shop.callers import Callers
from demo_flow.shop.pictures import Pictures
from demo_flow.shop.queries import MAX_PICTURE, MAX_TEXT, PICTURES
from demo_flow.shop.search import PATH, Search
from demo_flow.shop.settings import Settings

STATIC: Final = Path(__file__).parent / "static"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
_TEXT: Final = ("text/", "image/svg")
_PICTURE_AGE: Final = "public, max-age=3600"


def create_app(dispatcher: Dispatcher, settings: Settings, pictures: Pictures) -> Starlette:
    """Return the application that serves the page of one gateway."""
    shop = _Shop(pictures, settings)
    routes = [
        Route("/", shop.page),
        Route("/static/{path:path}", shop.file),
        Route("/pictures/{good:path}", shop.picture),
        Route("/api/shop", shop.described),
        Route(PATH, Search(dispatcher, pictures).__call__, methods=["POST"]),
    ]
    headers = Middleware(_Headers, policy=policy(settings.origins))
    callers = Middleware(Callers, names=settings.names)
    return Starlette(routes=routes, middleware=[headers, callers], exception_handlers={404: _refused, 405: _refused})


def policy(origins: tuple[str, ...]) -> str:
    """Return the content security policy: nothing but this origin, and calls to those that the settings name."""
    return "; ".join((
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob:",
        " ".join(("connect-src 'self'", *origins)),
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
    ))  # fmt: skip


class _Shop:
    """The answers that are the same for all who ask."""

    def __init__(self, pictures: Pictures, settings: Settings) -> None:
        self._pictures = pictures
        self._files = {path.relative_to(STATIC).as_posix(): path.read_bytes() for path in _files()}
        self._about: Mapping[str, object] = {
            **people.described(),
            "traces": settings.traces,
            "otlp": settings.otlp,
            "version": settings.version,
            "text": {"most": MAX_TEXT},
            "picture": {"most_bytes": MAX_PICTURE, "types": PICTURES},
        }

    async def page(self, request: Request) -> Response:
        """Answer with the page."""
        return _sent(request, self._files["index.html"], "text/html", "no-cache")

    async def file(self, request: Request) -> Response:
        """Answer with a file of the page."""
        name = request.path_params["path"]
        if name not in self._files:
            return _missing()
        kind = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "text/plain"
        return _sent(request, self._files[name], kind, "no-cache")

    async def picture(self, request: Request) -> Response:
        """Answer with the picture of a good."""
        picture = await self._pictures.get(request.path_params["good"])
        if picture is None:
            return _missing()
        return _sent(request, picture.data, picture.media_type, _PICTURE_AGE)

    async def described(self, request: Request) -> Response:  # noqa: ARG002 (Starlette's form)
        """Answer with what the page needs to know."""
        return JSONResponse(self._about, headers={"Cache-Control": "no-cache"})


class _Headers:
    """Adds what every answer has."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def added(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        await self._app(scope, receive, added)


def _files() -> list[Path]:
    return [path for path in STATIC.rglob("*") if path.is_file()]


def _sent(request: Request, data: bytes, kind: str, cached: str) -> Response:
    """Answer with bytes, or that the browser's own copy is current."""
    tag = f'"{hashlib.sha256(data).hexdigest()[:20]}"'
    headers = {"Cache-Control": cached, "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    charset = "; charset=utf-8" if kind.startswith(_TEXT) else ""
    return Response(data, headers={**headers, "Content-Type": f"{kind}{charset}"})


async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001 (Starlette's form)
    return _missing(getattr(error, "status_code", 404))


def _missing(status: int = 404) -> Response:
    """Answer that there is nothing there."""
    error = {"code": "NOT_FOUND", "message": "Nothing is there.", "hint": "The shop is at /."}
    return JSONResponse({"error": error}, status)
