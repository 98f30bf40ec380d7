"""OTLP over HTTP: `POST /v1/traces`, `/v1/metrics`, `/v1/logs`, protobuf or JSON, plain or compressed.

In: requests on port 4318. Out: what the receiver says, in the request's own content type; errors as `google.rpc.Status`
(https://opentelemetry.io/docs/specs/otlp/#otlphttp-response). No state beyond the request.
"""

from __future__ import annotations

from math import ceil
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no types are published
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from collector.local.decode.signals import ALL, BY_PATH
from collector.local.errors import (
    ForbiddenError,
    MalformedError,
    QueueFullError,
    RefusedError,
    StoreUnavailableError,
    TooLargeError,
    TooSlowError,
    UnauthorizedError,
    UnsupportedError,
)
from collector.local.intake.payload import JSON, PROTOBUF, content_type_of, encoding_of, too_large
from collector.local.intake.receiver import Receiver
from collector.local.intake.receiving import Hold, Receiving
from collector.local.net.access import CHALLENGE, Access
from collector.local.net.complaints import Complaints
from collector.local.net.origins import Cors, Origins, hint
from collector.local.settings import CollectorSettings

STATUSES: dict[type[RefusedError], tuple[int, int]] = {  # HTTP status, code in google.rpc.Status
    MalformedError: (400, 3),
    UnauthorizedError: (401, 16),
    ForbiddenError: (403, 7),
    TooSlowError: (408, 4),
    TooLargeError: (413, 8),
    UnsupportedError: (415, 3),
    QueueFullError: (429, 8),
    StoreUnavailableError: (503, 14),
}
PATHS = "POST " + ", ".join(signal.path for signal in ALL)


def http_app(
    receiver: Receiver, settings: CollectorSettings, receiving: Receiving, access: Access, complaints: Complaints
) -> Starlette:
    """The ASGI application of the OTLP/HTTP port.

    Args:
        receiver: takes what arrives.
        settings: limits.
        receiving: the places for bodies.
        access: which web pages may send; where a token is asked for, every page that has it may.
        complaints: about pages that may not.
    """

    async def export(request: Request) -> Response:
        signal = BY_PATH[request.url.path]
        answer_in = JSON
        try:
            hold = receiver.admit(signal, request.headers.get("authorization"))
            try:
                if access.tokens is None:
                    _refuse_pages(request, access.origins)
                answer_in = content_type_of(request.headers.get("content-type", ""))
                encoding = encoding_of(request.headers.get("content-encoding", ""))
                body = await _body(request, hold, settings, receiving)
            except BaseException:
                hold.release()
                raise
        except RefusedError as refusal:
            receiver.count_refusal(signal, refusal)
            return _refused(refusal, answer_in)
        try:
            reply = await receiver.export(signal, body, hold, answer_in, encoding)
        except RefusedError as refusal:
            return _refused(refusal, answer_in)
        return _response(200, signal.reply(reply.rejected, reply.problem), answer_in)

    return Starlette(
        routes=[Route(signal.path, export, methods=["POST"]) for signal in ALL],
        exception_handlers={404: _not_here, 405: _not_here, Exception: _failed},
        middleware=[Middleware(Cors, access.origins, complaints)],
    )


def status_json(status: int, _: str, message: str, hint: str) -> dict[str, Any]:
    """An error to whom no request could be read, as the JSON of a `google.rpc.Status`."""
    return {"code": 4 if status == 408 else 3, "message": f"{message}; {hint}"}


def _refuse_pages(request: Request, origins: Origins) -> None:
    """Of all callers only browsers send `Origin`: any page could write to a port that asks for no token."""
    origin = request.headers.get("origin")
    if origin is not None and not origins.allow(origin):
        raise ForbiddenError(f"a web page of {origin[:100]!r} may not send", hint(origin))


async def _body(request: Request, hold: Hold, settings: CollectorSettings, receiving: Receiving) -> bytes:
    """The body as it came, held by the budget part by part, within limits of size and time.

    When it is refused in the middle, the server reads the rest and forgets it: a sender cut off while it sends sees a
    reset connection, not the refusal.
    """
    limit = settings.max_request_bytes
    body: list[bytes] = []
    try:
        async with receiving.place():
            async for part in request.stream():
                if hold.size + len(part) > limit:
                    raise too_large(limit)
                hold.grow(len(part))
                body.append(part)
    except QueueFullError:
        receiving.give_way()
        raise
    except ClientDisconnect:
        raise MalformedError("the sender left before the body was whole", "") from None
    return b"".join(body)


def _refused(refusal: RefusedError, answer_in: str) -> Response:
    status, code = STATUSES[type(refusal)]
    headers = {}
    if isinstance(refusal, QueueFullError | StoreUnavailableError):
        headers["Retry-After"] = str(ceil(refusal.retry_after_s))
    if isinstance(refusal, UnauthorizedError):
        headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(refusal, TooSlowError):
        headers["Connection"] = "close"  # the rest of the body is not read
    return _response(status, Status(code=code, message=str(refusal)), answer_in, headers)


def _response(status: int, message: Message, answer_in: str, headers: dict[str, str] | None = None) -> Response:
    if answer_in == PROTOBUF:
        content = message.SerializeToString()
    else:
        content = json_format.MessageToJson(message, indent=None).encode()
    return Response(content, status, headers, answer_in)


async def _not_here(request: Request, error: Exception) -> Response:
    """An unknown path or method: say what there is."""
    refused = cast("HTTPException", error)
    text = f"{request.method} {request.url.path} is not served here; this port takes {PATHS} (OTLP/HTTP)"
    status = Status(code=12 if refused.status_code == 405 else 5, message=text)
    return _response(refused.status_code, status, JSON, dict(refused.headers or {}))


async def _failed(_: Request, error: Exception) -> Response:
    """Something that we did not foresee; the server logs it."""
    status = Status(code=13, message=f"the collector failed: {type(error).__name__}; its log says more")
    return _response(500, status, JSON)
