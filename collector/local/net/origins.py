"""Which web pages may send telemetry: those of this machine, and those of `--allow-origin`.

The OTLP port answers with CORS headers, by which a browser allows a page to send. The query API has no CORS headers:
no page of another origin can read it.
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
from collector.local.net.log_limiter import LogLimiter
from telemetry.otlp.target import is_loopback

ANY = "*"
PREFLIGHT_MAX_AGE_S = 7_200
"""How long a browser may cache the answer: the most that Chromium accepts."""
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@*]+")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins of pages that may send, in addition to the loopback."""

    named: frozenset[str] = frozenset()

    @classmethod
    def of(cls, origins: Iterable[str]) -> Origins:
        """Parse origins.

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
    """Answers the preflight requests of browsers, and sets the headers of CORS."""

    def __init__(self, app: ASGIApp, origins: Origins, limiter: LogLimiter) -> None:
        super().__init__(
            app,
            allow_methods=["POST"],
            allow_headers=["*"],  # whatever a page's exporter sets: a token, an encoding, trace context
            allow_credentials=True,  # `navigator.sendBeacon` always sends them; this port ignores them
            allow_private_network=True,  # an allowed page may be on the Internet
            expose_headers=["Retry-After"],
            max_age=PREFLIGHT_MAX_AGE_S,
        )
        self._origins = origins
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Requests without `Origin` are not from browsers, and need nothing."""
        if any(name == b"origin" for name, _ in scope.get("headers", ())):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether a page of `origin` may send, and read the response."""
        return self._origins.allow(origin)

    def preflight_response(self, request_headers: Headers) -> Response:
        """The response to a preflight request; a page that may not send is logged."""
        origin = request_headers["origin"]
        if not self._origins.allow(origin):
            self._limiter.warn("origin", f"a web page of {origin[:100]!r} may not send; hint: {hint(origin)}")
        return super().preflight_response(request_headers)


def hint(origin: str) -> str:
    """How to allow a page."""
    return f"telemetry collect --allow-origin {origin[:100]}"


def is_loopback_origin(origin: str) -> bool:
    """Whether a page comes from this machine."""
    return origin.partition("://")[0] in _DEFAULT_PORTS and is_loopback(origin)


def _as_browsers_write_it(origin: str) -> str:
    """In lower case, without the scheme's default port."""
    written = origin.strip().rstrip("/").lower()
    if written in {ANY, "null"}:
        return written
    if not _ORIGIN.fullmatch(written):
        raise SettingsError(
            f"--allow-origin {origin} is not the origin of a page",
            "write scheme, host and port, such as https://shop.example or http://10.0.0.5:3000; '*' allows every page",
        )
    return written.removesuffix(_DEFAULT_PORTS.get(written.partition(":")[0], " "))
