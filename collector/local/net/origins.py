"""Which web pages may send telemetry: those of this machine, and those that the person who runs the collector names.

In: the `Origin` of requests. Out: CORS' headers on the OTLP port, by which a browser lets a page send, or does not.
Owns which origins are allowed. The query API has none of this: no page of another origin reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from collector.local.errors import ForbiddenError, SettingsError
from collector.local.net.complaints import Complaints
from telemetry.otlp.target import is_loopback

ANY = "*"
PREFLIGHT_KEPT_S = 7_200
"""How long a browser need not ask again: the longest that Chromium takes."""
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@*]+")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins of pages that may send, besides the loopback's."""

    named: frozenset[str] = frozenset()

    @classmethod
    def of(cls, origins: Iterable[str]) -> Origins:
        """Origins as a person writes them.

        Raises:
            SettingsError: one is not an origin.
        """
        return cls(frozenset(map(_as_browsers_write_it, origins)))

    def allow(self, origin: str) -> bool:
        """Whether a page of `origin` may send."""
        return origin in self.named or ANY in self.named or is_loopback_origin(origin)

    def check(self, origin: str) -> None:
        """Raise `ForbiddenError` where a page of `origin` may not send."""
        if not self.allow(origin):
            raise ForbiddenError(f"a web page of {origin[:100]!r} may not send", hint(origin))


class Cors(CORSMiddleware):
    """Answers a browser's question whether a page may send, and marks what the page may read."""

    def __init__(self, app: ASGIApp, origins: Origins, complaints: Complaints) -> None:
        super().__init__(
            app,
            allow_methods=["POST"],
            allow_headers=["*"],  # whatever a page's exporter sets: a token, an encoding, what a tracer adds
            allow_credentials=True,  # `navigator.sendBeacon` always sends them; this port has no use for them
            allow_private_network=True,  # a page that is named may be one of the Internet
            expose_headers=["Retry-After"],
            max_age=PREFLIGHT_KEPT_S,
        )
        self._origins = origins
        self._complaints = complaints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Services send no `Origin`: nothing is done for them."""
        if any(name == b"origin" for name, _ in scope.get("headers", ())):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether a page of `origin` may send, and read the answer."""
        return self._origins.allow(origin)

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a browser's question; the person who runs the collector is told of a page that may not."""
        origin = request_headers["origin"]
        if not self._origins.allow(origin):
            self._complaints.tell("origin", f"a web page of {origin[:100]!r} may not send; hint: {hint(origin)}")
        return super().preflight_response(request_headers)


def hint(origin: str) -> str:
    """How a page may send that may not yet."""
    return f"telemetry collect --allow-origin {origin[:100]}"


def is_loopback_origin(origin: str) -> bool:
    """Whether a page comes from this machine."""
    return origin.partition("://")[0] in _DEFAULT_PORTS and is_loopback(origin)


def _as_browsers_write_it(origin: str) -> str:
    """In small letters, without the port that the scheme has anyway."""
    written = origin.strip().rstrip("/").lower()
    if written in {ANY, "null"}:
        return written
    if not _ORIGIN.fullmatch(written):
        raise SettingsError(
            f"--allow-origin {origin} is not the origin of a page",
            "write its scheme, host and port, as in https://shop.example or http://10.0.0.5:3000; '*' is every page",
        )
    return written.removesuffix(_DEFAULT_PORTS.get(written.partition(":")[0], " "))
