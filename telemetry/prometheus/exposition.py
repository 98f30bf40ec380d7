"""Answers a scrape.

In: a registry, and a request with its `Accept` and `Accept-Encoding`. Out: a status, headers and a body: OpenMetrics
where it is asked for, else the plain text format, compressed where that is accepted, as prometheus_client does it.
State: how many scrapes are on their way.
"""

import logging
import threading
from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, make_wsgi_app

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
                _log.warning("a collector in the Prometheus registry failed (said once)", exc_info=error)
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
