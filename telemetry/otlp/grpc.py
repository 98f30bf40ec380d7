"""Sends OTLP by gRPC.

In: encoded requests. Out: outcomes. State: one connection, of `calling`.

A gRPC call with one request and one answer is HTTP/2 and five bytes. That is done here, on a socket, by the thread that
calls, rather than by gRPC's own library: its threads would live in every process of our users, and where one of them
is busy at a fork, the child's gRPC hangs or aborts, the user's own included (docs/decisions/0009-own-grpc-sender.md).
"""

import base64
import gzip
import time

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.caller import Caller
from telemetry.otlp.connection import Wire
from telemetry.otlp.grpc_answer import failed, outcome_of
from telemetry.otlp.http2 import Answer, Headers, Http2
from telemetry.otlp.outcome import CallError, Outcome
from telemetry.otlp.target import proxy_before, target_of
from telemetry.setup.resource import own_version

_NOT_THEIRS = {
    "te", "content-type", "user-agent", "host", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding",
    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "content-length",
}  # fmt: skip
"""Headers that are ours to say, or that HTTP/2 does not have: among the user's they are passed over, as by gRPC."""
_LONGEST_TIMEOUT = 99_999_999  # milliseconds: gRPC has eight digits


class GrpcSender(Caller[Http2, Answer]):
    """Sends requests of one signal to one collector."""

    def __init__(self, settings: ExporterSettings, method: str) -> None:
        super().__init__(settings)
        self._target = target_of(settings)
        self._headers = _headers(settings, method, self._target.tls, self._target.authority)
        self._unfit = [name for name, value in self._headers if not _is_fit(value)]

    def _outcome(self, request: bytes, deadline: float) -> Outcome:
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

    def _begun(self, wire: Wire) -> Http2:
        wire.open(self._target, proxy_before(self._target), self._settings)
        wire.awaited = f"HTTP/2 from {self._target.name}"
        http2 = Http2(wire)
        http2.greet()
        wire.awaited = f"an answer from {self._target.name}"
        return http2


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
