"""Sends OTLP by gRPC.

In: encoded requests. Out: outcomes. State: one connection, opened at the first request, owned by the sender.

A gRPC call with one request and one answer is HTTP/2 and five bytes. That is done here, on a socket, by the thread that
calls, rather than by gRPC's own library: its threads would live in every process of our users, and where one of them
is busy at a fork, the child's gRPC hangs or aborts, the user's own included (docs/decisions/0009-own-grpc-sender.md).
"""

import base64
import gzip
import threading
import time

from telemetry.pipeline.grpc_answer import failed, outcome_of
from telemetry.pipeline.http2 import Answer, Headers, Http2
from telemetry.pipeline.sending import CallError, Outcome
from telemetry.pipeline.target import proxy_before, target_of
from telemetry.pipeline.wire import Wire
from telemetry.resource import own_version
from telemetry.settings import ExporterSettings

_NOT_THEIRS = {
    "te", "content-type", "user-agent", "host", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding",
    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "content-length",
}  # fmt: skip
"""Headers that are ours to say, or that HTTP/2 does not have: among the user's they are passed over, as by gRPC."""
_LONGEST_TIMEOUT = 99_999_999  # milliseconds: gRPC has eight digits


class GrpcSender:
    """Sends requests of one signal to one collector."""

    def __init__(self, settings: ExporterSettings, method: str) -> None:
        self._settings = settings
        self._target = target_of(settings)
        self._headers = _headers(settings, method, self._target.tls, self._target.authority)
        self._wire: Wire | None = None
        self._http2: Http2 | None = None
        self._unfit = [name for name, value in self._headers if not _is_fit(value)]
        self._closed = False
        self._calling = threading.Lock()  # guards the connection, but for its breaking off

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Send and return within about `timeout` seconds. Never raises."""
        with self._calling:
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

    def _hang_up(self) -> None:
        """Close the connection, unless somebody uses it, who does so afterwards."""
        if self._calling.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._calling.release()

    def _outcome(self, request: bytes, deadline: float) -> Outcome:
        if self._closed:
            return Outcome(problem="the sender is closed")
        if self._unfit:
            return failed("INTERNAL", f"gRPC's headers are ASCII, {self._unfit[0]} is not: use {self._unfit[0]}-bin")
        try:
            return outcome_of(self._answer(_body(request, self._settings.compression), deadline))
        except CallError as error:
            return failed(error.code, str(error))
        except OSError as error:  # OpenSSL's among them; a certificate may be renewed
            return failed("UNAVAILABLE", f"{self._target.name}: {error}")
        except Exception as error:  # noqa: BLE001  nothing here may reach the thread
            return Outcome(problem=f"{type(error).__name__}: {error}", retry=True)

    def _answer(self, body: bytes, deadline: float) -> Answer:
        """Call, and once more on a new connection where the server has not begun to look at the request."""
        try:
            return self._call(body, deadline)
        except CallError as error:
            if not error.unprocessed:
                raise
        return self._call(body, deadline)

    def _call(self, body: bytes, deadline: float) -> Answer:
        done = False
        try:
            http2 = self._connected(deadline)
            left = min(max(1, int((deadline - time.monotonic()) * 1000)), _LONGEST_TIMEOUT)
            answer = http2.call([*self._headers, ("grpc-timeout", f"{left}m")], body)
            done = not http2.ending
            return answer
        finally:
            if not done:  # whatever is still on its way belongs to a call that is over
                self._drop()

    def _connected(self, deadline: float) -> Http2:
        if self._wire is not None and self._http2 is not None:
            self._wire.deadline = deadline
            if self._http2.is_usable():
                return self._http2
            self._drop()
        self._wire = wire = Wire()
        if self._closed:  # since nobody saw this wire to break it off
            wire.break_off()
        wire.deadline = deadline
        wire.open(self._target, proxy_before(self._target), self._settings)
        wire.awaited = f"HTTP/2 from {self._target.name}"
        http2 = Http2(wire)
        http2.greet()
        wire.awaited = f"an answer from {self._target.name}"
        self._http2 = http2
        return http2

    def _drop(self) -> None:
        wire, self._wire, self._http2 = self._wire, None, None
        if wire is not None:
            wire.close()


def _headers(settings: ExporterSettings, method: str, tls: bool, authority: str) -> Headers:
    encoding = [("grpc-encoding", "gzip")] if settings.compression == "gzip" else []
    theirs = [(name, _value(name, value)) for name, value in settings.headers if name not in _NOT_THEIRS]
    return [
        (":method", "POST"),
        (":scheme", "https" if tls else "http"),
        (":path", method),
        (":authority", authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", f"search-telemetry/{own_version()}"),
        *encoding,
        ("grpc-accept-encoding", "identity,gzip"),
        *theirs,
    ]


def _value(name: str, value: str) -> str:
    """Return a header's value as gRPC has it: of bytes in base64, else as it is."""
    return base64.b64encode(value.encode()).decode().rstrip("=") if name.endswith("-bin") else value


def _is_fit(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _body(request: bytes, compression: str) -> bytes:
    packed = compression == "gzip"
    message = gzip.compress(request) if packed else request
    return bytes((packed,)) + len(message).to_bytes(4, "big") + message
