"""What the senders over gRPC and HTTP share: one connection, and one call at a time on it.

The connection is opened by the first request. One deadline covers a whole call: connecting, TLS, the request and the
last byte of the response.
"""

import threading
import time
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.connection import Connection
from telemetry.otlp.outcome import CallError, Outcome


class HttpConnection(Protocol):
    """A connection that speaks HTTP/1.1 or HTTP/2."""

    def is_usable(self) -> bool:
        """Return whether the connection takes another request."""
        ...


H = TypeVar("H", bound=HttpConnection)
R = TypeVar("R")


class Caller(ABC, Generic[H, R]):
    """Sends requests of one signal to one collector."""

    def __init__(self, settings: ExporterSettings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self._http: H | None = None
        self._closed = False
        self._calling = threading.Lock()  # guards the connection; only `cancel` works without it

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Send and return within about `timeout` seconds. Never raises."""
        with self._calling:
            if self._closed:
                return Outcome(problem="the sender is closed")
            outcome = self._outcome(request, time.monotonic() + timeout)
        if self._closed:
            self._close_if_idle()
        return outcome

    def close(self) -> None:
        """Cancel the request that is being sent, from any thread. Nothing is sent afterwards."""
        self._closed = True
        connection = self._connection
        if connection is not None:
            connection.cancel()
        self._close_if_idle()

    @abstractmethod
    def _outcome(self, request: bytes, deadline: float) -> Outcome:
        """Send one request and return its outcome. Never raises."""

    def _call_twice(self, body: bytes, deadline: float) -> R:
        """Call; if the server has not processed the request, call once more on a new connection."""
        try:
            return self._call(body, deadline)
        except CallError as error:
            if not error.unprocessed:
                raise
        return self._call(body, deadline)

    @abstractmethod
    def _call(self, body: bytes, deadline: float) -> R:
        """Call once. Raises `CallError`, `OSError`."""

    @abstractmethod
    def _open(self, connection: Connection) -> H:
        """Open a connection and start HTTP on it. Raises `CallError`, `OSError`."""

    def _connected(self, deadline: float) -> H:
        """Return the connection; a new one if there is none that can be used."""
        if self._connection is not None and self._http is not None:
            self._connection.deadline = deadline
            if self._http.is_usable():
                return self._http
            self._drop()
        self._connection = connection = Connection()
        if self._closed:  # `close` ran before it could see this connection
            connection.cancel()
        connection.deadline = deadline
        self._http = http = self._open(connection)
        return http

    def _drop(self) -> None:
        connection, self._connection, self._http = self._connection, None, None
        if connection is not None:
            connection.close()

    def _close_if_idle(self) -> None:
        """Close the connection, unless a call is using it; `send` then closes it afterwards."""
        if self._calling.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._calling.release()
