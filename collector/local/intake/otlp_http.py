"""OTLP over HTTP: `POST /v1/traces`, `/v1/metrics`, `/v1/logs`, protobuf or JSON, plain or compressed.

Replies have the request's own content type; errors are a `google.rpc.Status`
(https://opentelemetry.io/docs/specs/otlp/#otlphttp-response).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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

from collector.local.decode.signals import ALL, Signal
from collector.local.errors import MalformedError, QueueFullError, RefusedError
from collector.local.intake.payload import JSON, PROTOBUF, content_type_of, encoding_of, too_large
from collector.local.intake.receiver import Receiver
from collector.local.intake.receiving import Hold, Receiving
from collector.local.net.log_limiter import LogLimiter
from collector.local.net.origins import Cors, Origins
from collector.local.settings import CollectorSettings

PATHS = "POST " + ", ".join(signal.path for signal in ALL)


def http_app(
    receiver: Receiver, settings: CollectorSettings, receiving: Receiving, origins: Origins, limiter: LogLimiter
) -> Starlette:
    """The ASGI application of the OTLP/HTTP port.

    Args:
        receiver: stores the exports.
        settings: limits.
        receiving: limits how many bodies arrive at once.
        origins: of the web pages that may send; with a token, any page may.
        limiter: logs pages that may not send.
    """

    def export_of(signal: Signal) -> Callable[[Request], Awaitable[Response]]:
        async def export(request: Request) -> Response:
            answer_in = JSON
            headers = request.headers
            try:
                export = receiver.admit(signal, headers.get("authorization"), headers.get("origin"))
                with export.arriving():
                    answer_in = export.content_type = content_type_of(headers.get("content-type", ""))
                    export.encoding = encoding_of(headers.get("content-encoding", ""))
                    export.body = await _body(request, export.hold, settings, receiving)
                reply = await receiver.store(export)
            except RefusedError as refusal:
                return _refused(refusal.without_traceback(), answer_in)
            return _response(200, signal.reply(reply.rejected, reply.problem), answer_in)

        return export

    return Starlette(
        routes=[Route(signal.path, export_of(signal), methods=["POST"]) for signal in ALL],
        exception_handlers={404: _not_here, 405: _not_here, Exception: _failed},
        middleware=[Middleware(Cors, origins, limiter)],
    )


def status_json(status: int, _: str, message: str, hint: str) -> dict[str, Any]:
    """The JSON of a `google.rpc.Status`, for a connection whose request cannot be parsed."""
    return {"code": 4 if status == 408 else 3, "message": f"{message}; {hint}"}


async def _body(request: Request, hold: Hold, settings: CollectorSettings, receiving: Receiving) -> bytes:
    """The body as it was sent, reserved in the budget part by part, within limits of size and time.

    If it is refused before its end, the server reads and discards the rest: a sender that is cut off while it sends
    sees a reset connection, not the refusal.
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
        raise MalformedError("the sender left before the body was whole") from None
    return b"".join(body)


def _refused(refusal: RefusedError, answer_in: str) -> Response:
    headers = dict(refusal.headers)
    if refusal.retry_after_s is not None:
        headers["Retry-After"] = str(ceil(refusal.retry_after_s))
    return _response(refusal.http_status, Status(code=refusal.grpc_code, message=str(refusal)), answer_in, headers)


def _response(status: int, message: Message, answer_in: str, headers: dict[str, str] | None = None) -> Response:
    if answer_in == PROTOBUF:
        content = message.SerializeToString()
    else:
        content = json_format.MessageToJson(message, indent=None).encode()
    return Response(content, status, headers, answer_in)


async def _not_here(request: Request, error: Exception) -> Response:
    """The response to an unknown path or method; it lists the known ones."""
    refused = cast("HTTPException", error)
    text = f"{request.method} {request.url.path} is not supported; this port accepts {PATHS} (OTLP/HTTP)"
    status = Status(code=12 if refused.status_code == 405 else 5, message=text)
    return _response(refused.status_code, status, JSON, dict(refused.headers or {}))


async def _failed(_: Request, error: Exception) -> Response:
    """The response to an unexpected error; the server logs it."""
    status = Status(code=13, message=f"the collector failed: {type(error).__name__}; see its log")
    return _response(500, status, JSON)
