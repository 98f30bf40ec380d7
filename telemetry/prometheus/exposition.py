"""Answers a scrape, also as an app in the user's own server.

In: a registry, and a request with its `Accept` and `Accept-Encoding`, by WSGI or ASGI. Out: a status, headers and a
body: OpenMetrics where it is asked for, else the plain text format, compressed where that is accepted, as
prometheus_client does it. State: how many scrapes are on their way.
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
_AT_ONCE: Final = 4  # scrapes; a registry with slow collectors must not hold all threads of a server

Answer = tuple[str, list[tuple[str, str]], bytes]
"""Status line, headers, body."""


class Exposition:
    """One registry, ready to be scraped from any server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._app = make_wsgi_app(registry)
        self._warned = False
        self._slots = threading.BoundedSemaphore(_AT_ONCE)

    def answer(self, environ: Mapping[str, Any]) -> Answer:
        """Return the answer to one request, given as WSGI gives it. Never raises."""
        if not self._slots.acquire(blocking=False):
            return refusal("503 Service Unavailable", "too many scrapes at once; try again")
        try:
            return self._bake(environ)
        except Exception as error:  # noqa: BLE001  a collector of the user's, in a registry that we share
            if not self._warned:
                self._warned = True
                _log.warning("a collector in the Prometheus registry failed (logged once)", exc_info=error)
            return refusal("500 Internal Server Error", f"a collector in this registry failed: {type(error).__name__}")
        finally:
            self._slots.release()

    def _bake(self, environ: Mapping[str, Any]) -> Answer:
        told: list[tuple[str, list[tuple[str, str]]]] = []
        body = b"".join(self._app(environ, lambda status, headers: told.append((status, headers))))
        ((status, headers),) = told
        return status, headers, body


def refusal(status: str, text: str) -> Answer:
    """Return an answer that says in one line why there are no metrics."""
    return status, [("Content-Type", "text/plain; charset=utf-8")], f"# {text}\n".encode()


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
