"""Refuses requests that a page of another site makes through a reader's browser.

In: the head of a request. Out: why it is refused, if it is. State: none.

A browser that resolves a foreign name to this machine (DNS rebinding) sends that name as `Host`. Other sites' pages can
make a browser send requests, though not read the answers: those are refused too, other than following a link.
"""

from __future__ import annotations

from starlette.requests import Request

from collector.local.errors import ForbiddenError
from collector.local.net.access import Access
from telemetry.otlp.target import is_loopback

_OTHERS = {"cross-site", "same-site"}


def check_caller(request: Request, access: Access, *, is_data: bool = False, is_health: bool = False) -> None:
    """Check who made the browser send a request.

    Args:
        request: its head.
        access: who may read.
        is_data: it asks for an answer of the API, to which no link of another site leads, and which no frame shows.
        is_health: it asks whether something answers here, which a page that has links to the desk may know.

    Raises:
        ForbiddenError: the request names another host, or a page of another site makes it.
    """
    host = request.headers.get("host", "")
    if access.tokens is None and _is_misnamed(request, host):
        raise ForbiddenError("the request names another host", "use 127.0.0.1")
    origin = request.headers.get("origin")
    if origin is not None and not is_health and origin.partition("://")[2] != host:
        raise ForbiddenError("a page of another site may not ask", "open the desk at its own address")
    is_link = not is_data and request.headers.get("sec-fetch-mode") == "navigate" and request.method == "GET"
    if request.headers.get("sec-fetch-site") in _OTHERS and not is_link and not is_health:
        raise ForbiddenError("a page of another site may not ask", "open the desk at its own address")


def _is_misnamed(request: Request, host: str) -> bool:
    address, _ = request.scope.get("server") or ("", 0)
    return is_loopback(address) and not is_loopback(host)
