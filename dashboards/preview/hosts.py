"""Refuses requests that a page of another site makes through a reader's browser.

A browser that resolves a foreign name to this machine sends that name as `Host`: only addresses, `localhost` and the
name that the preview listens on are answered. Another site's page may not ask either, though it could not read.
"""

import ipaddress
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class OwnPagesOnly:
    """ASGI middleware: answers 403 to other hosts' names, and to other sites' pages.

    Args:
        app: what is protected.
        names: host names that are ours, beside `localhost` and all addresses.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and (why := self._refusal(Headers(scope=scope))):
            await PlainTextResponse(why, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, headers: Headers) -> str:
        host = headers.get("host", "")
        if not self._is_ours(host):
            return f"This preview does not answer for the host {host!r}: open it by its address.\n"
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return "A page of another site may not ask this preview.\n"
        return ""

    def _is_ours(self, host: str) -> bool:
        name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.lower() in self._names
        return True
