"""Refuses what a page of another site makes a visitor's browser ask, or a foreign name that leads to this machine.

In: the heads of requests. Out: why one is refused, if it is. State: the names that the settings allow.

The shop has no login, and may be published (a container's port, `--shop 0.0.0.0:8081`): so it answers to every address
in digits, which no other site can pretend to be, to `localhost` and to this machine's name. A name of the DNS may be
anybody's, and lead here by its owner's choice (DNS rebinding): it has to be allowed.
"""

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

ANY: Final = "*"
"""The name that stands for all."""
_OTHERS: Final = ("cross-site", "same-site")
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered, and what helps."""

    message: str
    hint: str


class Callers:
    """Answers 403 in place of an application. Arguments: the application; the names that are allowed besides."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        refused = refusal(Headers(scope=scope), scope["method"], self._names) if scope["type"] == "http" else None
        if refused is None:
            return await self._app(scope, receive, send)
        error = {"code": "PERMISSION_DENIED", "message": refused.message, "hint": refused.hint}
        return await JSONResponse({"error": error}, 403)(scope, receive, send)


def refusal(headers: Headers, method: str, names: Collection[str]) -> Refusal | None:
    """Return why a request is refused; None where it is answered.

    Args:
        headers: of the request.
        method: its method: a link of another site may lead to the page.
        names: allowed besides addresses and the names of this machine; `*`: every name.
    """
    host = headers.get("host", "")
    if not _is_known(_name(host), names):
        shown = host[:_LONGEST]
        return Refusal(
            f"The shop is not called {shown}.", "Open it by its address, or allow the name: --shop-names NAME."
        )
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    is_link = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    is_foreign = origin is not None and origin.partition("://")[2] != host and _name(origin) not in names
    if is_foreign or (site in _OTHERS and not is_link):
        return Refusal("A page of another site may not ask the shop.", "Open the shop at its own address.")
    return None


def _is_known(name: str, names: Collection[str]) -> bool:
    if name in names or ANY in names or name == "localhost" or name.endswith(".localhost"):
        return True
    own = socket.gethostname().lower()
    return name in {own, f"{own}.local"} or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _name(given: str) -> str:
    """The host of an origin, or of `HOST:PORT`, in lower case; empty where there is none."""
    try:
        return (urlsplit(given if "://" in given else f"//{given}").hostname or "").rstrip(".")
    except ValueError:
        return ""
