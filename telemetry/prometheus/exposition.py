"""Responds to scrapes: the exposition of a registry, and WSGI and ASGI apps around it.

prometheus_client chooses the format and the compression from `Accept` and `Accept-Encoding`.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Final

from prometheus_client import CollectorRegistry, make_wsgi_app

from telemetry.pipeline.worker import start_worker

_log = logging.getLogger("search_telemetry")
_MAX_SCRAPES: Final = 4  # at once; a registry with slow collectors must not occupy all threads of a server

Response = tuple[str, list[tuple[str, str]], bytes]
"""Status line, headers, body."""
Responder = Callable[[Mapping[str, Any]], Response]
"""Takes a request as a WSGI environment."""
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Message = MutableMapping[str, Any]
AsgiApp = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Exposition:
    """The metrics of one registry, as responses to scrapes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._app = make_wsgi_app(registry)
        self._warned = False
        self._slots = threading.BoundedSemaphore(_MAX_SCRAPES)

    def respond(self, environ: Mapping[str, Any]) -> Response:
        """Return the response to one request. Never raises."""
        if not self._slots.acquire(blocking=False):
            return error_response("503 Service Unavailable", "too many scrapes at once; try again")
        try:
            return self._render(environ)
        except Exception as error:  # noqa: BLE001  a collector of the user's, in a shared registry
            if not self._warned:
                self._warned = True
                _log.warning("a collector in the Prometheus registry failed (logged once)", exc_info=error)
            return error_response(
                "500 Internal Server Error", f"a collector in this registry failed: {type(error).__name__}"
            )
        finally:
            self._slots.release()

    def _render(self, environ: Mapping[str, Any]) -> Response:
        started: list[tuple[str, list[tuple[str, str]]]] = []
        body = b"".join(self._app(environ, lambda status, headers: started.append((status, headers))))
        ((status, headers),) = started
        return status, headers, body


def error_response(status: str, text: str) -> Response:
    """Return a response with one line of text in place of metrics."""
    return status, [("Content-Type", "text/plain; charset=utf-8")], f"# {text}\n".encode()


def wsgi(respond: Responder) -> WsgiApp:
    """Return a WSGI app."""

    def metrics_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, headers, body = respond(environ)
        start_response(status, headers)
        return [body]

    return metrics_app


def asgi(respond: Responder) -> AsgiApp:
    """Return an ASGI app. It collects on a thread, so that it does not block the event loop."""

    async def metrics_app(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            status, headers, body = await _in_thread(respond, _environ(scope))
            encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
            await send({"type": "http.response.start", "status": int(status[:3]), "headers": encoded})
            await send({"type": "http.response.body", "body": body})
        else:
            await send({"type": "websocket.close"})

    return metrics_app


async def _lifespan(receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    """Handle the startup and shutdown of a server that runs this app alone."""
    for moment in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{moment}.complete"})


def _environ(scope: Message) -> dict[str, Any]:
    """Return the parts of a WSGI environment that a scrape needs."""
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


async def _in_thread(respond: Responder, environ: dict[str, Any]) -> Response:
    """Respond on a daemon thread: if a callback hangs, a thread of the loop's pool would keep the process alive."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Response] = loop.create_future()

    def set_result(result: Response) -> None:
        if not future.done():  # the client may have disconnected
            future.set_result(result)

    def run() -> None:
        result = respond(environ)
        with suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(set_result, result)

    start_worker("scrape", run)
    return await future
