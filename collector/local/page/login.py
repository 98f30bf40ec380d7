"""The login of a reader: a valid token becomes a cookie, which the page sends with each of its requests.

In: tokens, cookies. Out: cookies. State: none: a cookie is the time until which it is valid, signed with the token. It
is valid for as long as the collector has that token, also after a restart.
"""

from __future__ import annotations

import time
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from collector.local.errors import UnauthorizedError
from collector.local.net.access import Access, Tokens

KEPT_S: Final = 30 * 86_400
"""How long a cookie is valid."""
_PURPOSE: Final = "search-telemetry desk until"


def check_reader(request: Request, access: Access) -> None:
    """Check that a request comes from a reader who may read: by its token, or by the cookie of a login.

    Raises:
        UnauthorizedError: it has neither, or a wrong one.
    """
    if access.tokens is not None and _is_logged_in(request, access.tokens):
        return
    access.check(request.headers.get("authorization"))


def log_in(request: Request, tokens: Tokens, token: str) -> Response:
    """Answer with the cookie of a valid token.

    Raises:
        UnauthorizedError: it is not valid.
    """
    tokens.check(f"Bearer {token}")
    until = str(int(time.time()) + KEPT_S)
    response = Response(None, 204, {"Cache-Control": "no-store"})
    response.set_cookie(
        _name(request),
        f"{until}.{tokens.sign(token, _PURPOSE + until)}",
        max_age=KEPT_S,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


def log_out(request: Request) -> Response:
    """Answer with the cookie removed."""
    response = Response(None, 204, {"Cache-Control": "no-store"})
    response.delete_cookie(_name(request), path="/", httponly=True, samesite="strict")
    return response


def wrong_token() -> UnauthorizedError:
    """The error for a login that is not a token."""
    return UnauthorizedError("the token is wrong", "use a token that the collector was started with")


def _is_logged_in(request: Request, tokens: Tokens) -> bool:
    until, _, signature = request.cookies.get(_name(request), "").partition(".")
    if not (until.isascii() and until.isdigit() and len(until) < 20) or int(until) < time.time():
        return False
    return tokens.has_signed(_PURPOSE + until, signature)


def _name(request: Request) -> str:
    """The cookie's name: browsers do not tell ports of one host apart, and a collector has tokens of its own."""
    _, port = request.scope.get("server") or ("", 0)
    return f"search-telemetry-desk-{port}"
