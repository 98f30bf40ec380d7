"""Apps that serve the metrics in the user's own server.

In: scrapes, by WSGI or ASGI. Out: what the process's exposition answers. State: none.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from telemetry.pipeline.worker import start_worker
from telemetry.prometheus.exposition import Answer

Answerer = Callable[[Mapping[str, Any]], Answer]
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Message = MutableMapping[str, Any]
AsgiApp = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


def wsgi(answer: Answerer) -> WsgiApp:
    """Return an app for a WSGI server."""

    def metrics_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, headers, body = answer(environ)
        start_response(status, headers)
        return [body]

    return metrics_app


def asgi(answer: Answerer) -> AsgiApp:
    """Return an app for an ASGI server. It collects on a thread of its own: requests on the loop go on meanwhile."""

    async def metrics_app(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            status, headers, body = await _on_a_thread(answer, _environ(scope))
            encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
            await send({"type": "http.response.start", "status": int(status[:3]), "headers": encoded})
            await send({"type": "http.response.body", "body": body})
        else:
            await send({"type": "websocket.close"})

    return metrics_app


async def _live(receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    """Begin and end with the server, where the app is the whole of it."""
    for moment in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{moment}.complete"})


def _environ(scope: Message) -> dict[str, Any]:
    """Return a request as WSGI gives it, as far as a scrape needs it."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"],
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "HTTP_ACCEPT": headers.get("accept", ""),
        "HTTP_ACCEPT_ENCODING": headers.get("accept-encoding", ""),
    }


async def _on_a_thread(answer: Answerer, environ: dict[str, Any]) -> Answer:
    """Answer on a daemon thread: one of the loop's own would keep the process from ending, should a callback hang."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[Answer] = loop.create_future()

    def tell(result: Answer) -> None:
        if not answered.done():  # the scraper may have gone
            answered.set_result(result)

    def run() -> None:
        result = answer(environ)
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(tell, result)

    start_worker("scrape", run)
    return await answered
