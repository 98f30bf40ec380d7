"""Sends OTLP by HTTP/1.1, as binary protobuf.

In: encoded requests. Out: outcomes. State: one connection, and whether it may be used again.

Only a status of the 200s is a delivery. A redirect is not followed: what we send, credentials among it, is for the
collector that was named. Answers are read by Python's own `http.client`; every byte comes through the connection, which
knows the deadline, and goes on sending meanwhile: a server may answer before it has heard everything.
"""

import dataclasses
import gzip
import io
import json
import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no types are published

from telemetry.config.settings import ExporterSettings
from telemetry.config.version import own_version
from telemetry.otlp.caller import Caller
from telemetry.otlp.connection import Wire
from telemetry.otlp.outcome import LONGEST_ANSWER, CallError, HungUpError, Outcome, unpacked
from telemetry.otlp.target import credentials_in, http_proxy_before, http_target_of

_PIECE = 65536  # bytes read at once


@dataclass(frozen=True, slots=True)
class Answer:
    """What came for one request."""

    status: int
    reason: str
    headers: Mapping[str, str]  # by their names in small letters
    body: bytes


class Http1:
    """A connection over `wire`, which is open."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._usable = True
        self._fresh = True

    def is_usable(self) -> bool:
        """Say whether the connection takes another request: nobody has said anything since the last one."""
        try:
            return self._usable and not self._wire.arrived()
        except (CallError, OSError):
            return False

    def call(self, head: bytes, body: bytes) -> Answer:
        """Send a request and return its answer. Raises `CallError`, `HTTPException`, `OSError`."""
        fresh, self._fresh, self._usable = self._fresh, False, False
        self._wire.put(head + body)
        came = _Incoming(self._wire)
        try:
            return self._answer(came)
        except (HTTPException, HungUpError) as error:
            if not came.any and not fresh:  # as a server does that has no patience with an idle connection
                raise CallError("the connection was closed", unprocessed=True) from None
            if isinstance(error, RemoteDisconnected):  # nothing came; the wire knows why
                after = "it hung up after the TLS handshake" if self._wire.speaks_tls else "it hung up"
                raise HungUpError(f"{after} ({came.hung_up})") from None
            raise

    def _answer(self, came: "_Incoming") -> Answer:
        source: Any = _Source(came)
        interim: list[HTTPResponse] = []  # kept until the end: one that is collected closes what is read from
        while True:
            response = HTTPResponse(source, method="POST")
            response.begin()
            if not 101 < response.status < 200:
                break
            interim.append(response)
        body = bytearray()
        while len(body) <= LONGEST_ANSWER and (piece := response.read(_PIECE)):
            body += piece
        if len(body) > LONGEST_ANSWER:
            if response.status < 300:
                raise CallError("its answer is endless")
        elif response.length:
            raise HungUpError(f"it hung up amid its answer ({came.hung_up})")
        else:
            self._usable = not response.will_close and not self._wire.backlog
        return Answer(
            response.status,
            response.reason,
            {name.lower(): value for name, value in response.headers.items()},
            bytes(body),
        )


class _Incoming(io.RawIOBase):
    """What comes on a wire, as a file."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._rest = b""
        self.any = False
        self.hung_up = ""

    def readable(self) -> bool:
        """Say that this is a file for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait until something comes; return how much of it there is, 0 at the end."""
        while not self._rest:
            try:
                self._rest = self._wire.exchange()
            except HungUpError as error:
                self.hung_up = str(error)
                return 0
        self.any = True
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


class _Source:
    """What `http.client` takes for a socket."""

    def __init__(self, came: _Incoming) -> None:
        self._file = io.BufferedReader(came, _PIECE)

    def makefile(self, mode: str) -> Any:  # noqa: ARG002  the socket's own signature
        """Return the same file for every answer."""
        return self._file


_RETRYABLE: Final = {429, 502, 503, 504}
"""As the OTLP specification lists them."""
_NOT_THEIRS: Final = {
    "content-type", "content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive",
    "proxy-connection", "upgrade", "te", "trailer", "expect",
}  # fmt: skip
"""Headers that say how a request is sent: among the user's they are passed over."""
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Who is trusted where no certificate is set, as elsewhere in Python: a PEM file, or a folder of them."""
_SAFE: Final = "!#$%&'()*+,/:;=?@[]~"  # in a path that was written as it should be sent
_LONGEST_WORDS: Final = 300


class HttpSender(Caller[Http1, Answer]):
    """Sends requests of one signal to one collector."""

    def __init__(self, settings: ExporterSettings) -> None:
        super().__init__(_with_bundle(settings))
        parts = urlsplit(settings.endpoint)
        self._target = http_target_of(settings.endpoint)
        self._path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SAFE)
        self._headers = _headers(settings, self._target.authority, credentials_in(parts))
        self._line = b""  # the first of each request, and the proxy's headers

    def _outcome(self, request: bytes, deadline: float) -> Outcome:
        try:
            body = gzip.compress(request) if self._settings.compression == "gzip" else request
            return _outcome_of(self._answer(body, deadline))
        except ssl.SSLError as error:
            return Outcome(problem=f"TLS: {error}", retry=True)  # a certificate may be renewed
        except (HungUpError, HTTPException) as error:
            return Outcome(problem=self._broken_off(error), retry=True)
        except CallError as error:
            late = "Timeout: " if error.code == "DEADLINE_EXCEEDED" else ""
            return Outcome(problem=f"{late}{error}", retry=True)
        except OSError as error:
            return Outcome(problem=f"{self._target.name}: {error}", retry=True)
        except Exception as error:  # noqa: BLE001  nothing here may reach the thread
            return Outcome(problem=f"{type(error).__name__}: {error}")

    def _call(self, body: bytes, deadline: float) -> Answer:
        done = False
        try:
            http1 = self._connected(deadline)
            head = b"%sContent-Length: %d\r\n%s\r\n" % (self._line, len(body), self._headers)
            answer = http1.call(head, body)
            done = True
            return answer
        finally:
            if not done:  # whatever is still on its way belongs to a call that is over
                self._drop()

    def _begun(self, wire: Wire) -> Http1:
        proxy = http_proxy_before(self._target)
        wire.open(self._target, proxy, self._settings)
        wire.awaited = f"an answer from {self._target.name}"
        forwards = proxy is not None and not proxy.tunnels
        address = f"http://{self._target.authority}{self._path}" if forwards else self._path
        known = f"Proxy-Authorization: {proxy.credentials}\r\n" if forwards and proxy and proxy.credentials else ""
        self._line = f"POST {address} HTTP/1.1\r\n{known}".encode()
        return Http1(wire)

    def _broken_off(self, error: Exception) -> str:
        """Return what went wrong, and whether plain HTTP was sent to whoever broke off: it may speak TLS."""
        said = str(error) if isinstance(error, HungUpError) else repr(error)
        return said if self._target.tls else f"it broke off plain HTTP ({said})"


def _with_bundle(settings: ExporterSettings) -> ExporterSettings:
    """Return the settings with the authorities that `requests` and `curl` would trust, unless a certificate is set."""
    bundle = next((value for name in _BUNDLES if (value := os.environ.get(name))), None)
    if settings.certificate is not None or bundle is None:
        return settings
    return dataclasses.replace(settings, certificate=Path(bundle))


def _headers(settings: ExporterSettings, authority: str, credentials: str) -> bytes:
    headers = {"host": authority, "user-agent": f"search-telemetry/{own_version()}", "accept-encoding": "gzip"}
    if credentials:
        headers["authorization"] = credentials
    headers |= {name: value for name, value in settings.headers if name not in _NOT_THEIRS}
    headers["content-type"] = "application/x-protobuf"
    if settings.compression == "gzip":
        headers["content-encoding"] = "gzip"
    return b"".join(f"{name.title()}: ".encode() + _bytes(value) + b"\r\n" for name, value in headers.items())


def _bytes(value: str) -> bytes:
    """Return a header's value as Python's HTTP clients spell it, and in UTF-8 where they cannot."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _outcome_of(answer: Answer) -> Outcome:
    """Return what the collector made of a request."""
    body = unpacked(answer.body) if answer.headers.get("content-encoding") in {"gzip", "deflate"} else answer.body
    if 200 <= answer.status < 300:
        return Outcome(body)
    return Outcome(
        problem=f"HTTP {answer.status} {_line(answer.reason)}{_elsewhere(answer)}{_said(answer, body)}",
        retry=answer.status in _RETRYABLE,
        wait=_asked_wait(answer.headers.get("retry-after")),
    )


def _elsewhere(answer: Answer) -> str:
    """Return where a redirect leads, without what may be a secret in it."""
    if not 300 <= answer.status < 400:
        return ""
    try:
        parts = urlsplit(answer.headers.get("location") or "")
        where = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    except ValueError:
        where = ""
    return f" to {_line(where) or 'nowhere'}: a redirect is not followed"


def _said(answer: Answer, body: bytes) -> str:
    """Return the collector's own words: OTLP's errors are a `google.rpc.Status`, in protobuf or JSON."""
    try:
        kind = answer.headers.get("content-type", "")
        if kind.startswith("application/json"):
            message = str(json.loads(body)["message"])
        elif kind.startswith("text/plain") or not kind:  # Go answers plain text to a TLS port without one
            message = body.decode("utf-8", "replace").strip()
        else:
            message = str(Status.FromString(body).message)
    except Exception:  # noqa: BLE001  whatever else stands there, such as a proxy's page
        return ""
    return f": {_line(message)}" if message.isprintable() and message else ""


def _line(words: str) -> str:
    return words[:_LONGEST_WORDS] if words.isprintable() else ""


def _asked_wait(header: str | None) -> float | None:
    """Return the seconds in a `Retry-After` header: a number, or a date; None for anything else."""
    try:
        return max(0.0, float(header or ""))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header or "").timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, OSError):
        return None
