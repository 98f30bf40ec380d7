"""What senders by gRPC and by HTTP have in common: one call after the other on one connection.

In: encoded requests. Out: outcomes. State: one connection, opened at the first request, owned by the sender.

One deadline holds for a whole call: for the connection, TLS, the request and the last byte of the answer.
"""

import threading
import time
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.connection import Wire
from telemetry.otlp.outcome import CallError, Outcome


class Spoken(Protocol):
    """What is spoken on a connection."""

    def is_usable(self) -> bool:
        """Say whether the connection takes another request."""
        ...


S = TypeVar("S", bound=Spoken)
A = TypeVar("A")


class Caller(ABC, Generic[S, A]):
    """Sends requests of one signal to one collector."""

    def __init__(self, settings: ExporterSettings) -> None:
        self._settings = settings
        self._wire: Wire | None = None
        self._spoken: S | None = None
        self._closed = False
        self._calling = threading.Lock()  # guards the connection, but for its breaking off

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Send and return within about `timeout` seconds. Never raises."""
        with self._calling:
            if self._closed:
                return Outcome(problem="the sender is closed")
            outcome = self._outcome(request, time.monotonic() + timeout)
        if self._closed:
            self._hang_up()
        return outcome

    def close(self) -> None:
        """Break off what is being sent, from any thread. Nothing is sent afterwards."""
        self._closed = True
        wire = self._wire
        if wire is not None:
            wire.break_off()
        self._hang_up()

    @abstractmethod
    def _outcome(self, request: bytes, deadline: float) -> Outcome:
        """Send one request and say what became of it. Never raises."""

    def _answer(self, body: bytes, deadline: float) -> A:
        """Call, and once more on a new connection where the server has not begun to look at the request."""
        try:
            return self._call(body, deadline)
        except CallError as error:
            if not error.unprocessed:
                raise
        return self._call(body, deadline)

    @abstractmethod
    def _call(self, body: bytes, deadline: float) -> A:
        """Call once. Raises `CallError`, `OSError`."""

    @abstractmethod
    def _begun(self, wire: Wire) -> S:
        """Open a connection and begin to speak on it. Raises `CallError`, `OSError`."""

    def _connected(self, deadline: float) -> S:
        """Return the connection, a new one where there is none that can be used."""
        if self._wire is not None and self._spoken is not None:
            self._wire.deadline = deadline
            if self._spoken.is_usable():
                return self._spoken
            self._drop()
        self._wire = wire = Wire()
        if self._closed:  # since nobody saw this wire to break it off
            wire.break_off()
        wire.deadline = deadline
        self._spoken = spoken = self._begun(wire)
        return spoken

    def _drop(self) -> None:
        wire, self._wire, self._spoken = self._wire, None, None
        if wire is not None:
            wire.close()

    def _hang_up(self) -> None:
        """Close the connection, unless somebody uses it, who does so afterwards."""
        if self._calling.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._calling.release()
