"""Sends OTLP over HTTP/1.1, as binary protobuf.

Only a 2xx status means that a request was delivered. Redirects are not followed, since requests and their credentials
are meant for the configured collector only. Python's `http.client` parses responses; it reads from our connection,
which keeps the deadline and continues to send, because a server may respond before it has read the whole request.
"""

import dataclasses
import gzip
import io
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from telemetry.config.settings import ExporterSettings
from telemetry.config.version import own_version
from telemetry.otlp.caller import Caller
from telemetry.otlp.connection import Connection
from telemetry.otlp.outcome import MAX_RESPONSE_BYTES, CallError, ClosedError, Outcome, decompressed
from telemetry.otlp.status import message_of
from telemetry.otlp.target import authorization_of, http_proxy_for, http_target

_CHUNK: Final = 65536  # bytes read at once
_RETRYABLE: Final = {429, 502, 503, 504}
"""As the OTLP specification lists them."""
_RESERVED_HEADERS: Final = {
    "content-type", "content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive",
    "proxy-connection", "upgrade", "te", "trailer", "expect",
}  # fmt: skip
"""Headers that describe how a request is sent: ignored among the user's headers."""
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The authorities that `requests` and curl trust: used if no certificate is set; a PEM file, or a folder of them."""
_SAFE: Final = "!#$%&'()*+,/:;=?@[]~"  # not quoted in a path, which is sent as it is written
_MAX_REASON: Final = 300  # characters


@dataclass(frozen=True, slots=True)
class Response:
    """The response to one request."""

    status: int
    reason: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class Http1:
    """HTTP/1.1 on a connection that is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._usable = True
        self._unused = True

    def is_usable(self) -> bool:
        """Return whether the connection takes another request: it is open, and nothing has arrived unasked."""
        try:
            return self._usable and not self._connection.receive()
        except (CallError, OSError):
            return False

    def call(self, head: bytes, body: bytes) -> Response:
        """Send a request and return its response. Raises `CallError`, `HTTPException`, `OSError`."""
        first, self._unused, self._usable = self._unused, False, False
        self._connection.put(head + body)
        received = _Received(self._connection)
        try:
            return self._response(received)
        except (HTTPException, ClosedError) as error:
            if not received.any and not first:  # the server had closed an idle connection
                raise CallError("the connection was closed", unprocessed=True) from None
            if isinstance(error, RemoteDisconnected):  # without a byte; the connection has the reason
                why = received.closed_why
                tls = self._connection.is_tls
                raise ClosedError(f"connection closed after the TLS handshake ({why})" if tls else why) from None
            raise

    def _response(self, received: "_Received") -> Response:
        source: Any = _Source(received)
        interim: list[HTTPResponse] = []  # kept until the end: a response closes its file when it is garbage-collected
        while True:
            response = HTTPResponse(source, method="POST")
            response.begin()
            if not 101 < response.status < 200:
                break
            interim.append(response)
        body = bytearray()
        while len(body) <= MAX_RESPONSE_BYTES and (chunk := response.read(_CHUNK)):
            body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            if response.status < 300:
                raise CallError("its response is longer than 4 MiB")
        elif response.length:
            raise ClosedError(f"connection closed in the middle of the response ({received.closed_why})")
        else:
            self._usable = not response.will_close and not self._connection.unsent
        return Response(
            response.status,
            response.reason,
            {name.lower(): value for name, value in response.headers.items()},
            bytes(body),
        )


class _Received(io.RawIOBase):
    """The bytes received on a connection, as a file."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rest = b""
        self.any = False
        self.closed_why = ""

    def readable(self) -> bool:
        """Return True: this file can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for bytes; return how many were read, 0 at the end."""
        while not self._rest:
            try:
                self._rest = self._connection.exchange()
            except ClosedError as error:
                self.closed_why = str(error)
                return 0
        self.any = True
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


class _Source:
    """Stands in for the socket that `http.client` reads from."""

    def __init__(self, received: _Received) -> None:
        self._file = io.BufferedReader(received, _CHUNK)

    def makefile(self, mode: str) -> Any:  # noqa: ARG002  the signature of `socket.makefile`
        """Return the same file for every response."""
        return self._file


class HttpSender(Caller[Http1, Response]):
    """Sends requests of one signal to one collector."""

    def __init__(self, settings: ExporterSettings) -> None:
        super().__init__(_with_bundle(settings))
        parts = urlsplit(settings.endpoint)
        self._target = http_target(settings.endpoint)
        self._path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SAFE)
        self._headers = _headers(settings, self._target.authority, authorization_of(parts))
        self._request_line = b""  # the request line, and the proxy's header

    def _outcome(self, request: bytes, deadline: float) -> Outcome:
        try:
            body = gzip.compress(request) if self._settings.compression == "gzip" else request
            return _outcome_of(self._call_twice(body, deadline))
        except (ClosedError, HTTPException) as error:
            return Outcome(problem=self._closed_by_peer(error), error=type(error).__name__, retry=True)
        except CallError as error:
            timeout = "Timeout: " if error.code == "DEADLINE_EXCEEDED" else ""
            return Outcome(problem=f"{timeout}{error}", error=error.code, retry=True)
        except OSError as error:
            if isinstance(error, getattr(sys.modules.get("ssl"), "SSLError", ())):
                return Outcome(problem=f"TLS: {error}", error="SSLError", retry=True)  # as a certificate may be renewed
            return Outcome(problem=f"{self._target.name}: {error}", error=type(error).__name__, retry=True)
        except Exception as error:  # noqa: BLE001  an error must not end the thread
            return Outcome(problem=f"{type(error).__name__}: {error}", error=type(error).__name__)

    def _call(self, body: bytes, deadline: float) -> Response:
        done = False
        try:
            http1 = self._connected(deadline)
            head = b"%sContent-Length: %d\r\n%s\r\n" % (self._request_line, len(body), self._headers)
            response = http1.call(head, body)
            done = True
            return response
        finally:
            if not done:  # bytes that still arrive belong to this call, not to the next
                self._drop()

    def _open(self, connection: Connection) -> Http1:
        proxy = http_proxy_for(self._target)
        connection.open(self._target, proxy, self._settings)
        connection.phase = f"response from {self._target.name}"
        forwards = proxy is not None and not proxy.tunnels
        address = f"http://{self._target.authority}{self._path}" if forwards else self._path
        login = f"Proxy-Authorization: {proxy.credentials}\r\n" if forwards and proxy and proxy.credentials else ""
        self._request_line = f"POST {address} HTTP/1.1\r\n{login}".encode()
        return Http1(connection)

    def _closed_by_peer(self, error: Exception) -> str:
        """Return the problem, and whether the connection was plain HTTP: the port may expect TLS."""
        problem = str(error) if isinstance(error, ClosedError) else repr(error)
        return problem if self._target.tls else f"it closed a plain HTTP connection ({problem})"


def _with_bundle(settings: ExporterSettings) -> ExporterSettings:
    """Return the settings, with the authorities that `requests` and curl trust if no certificate is set."""
    bundle = next((value for name in _BUNDLES if (value := os.environ.get(name))), None)
    if settings.certificate is not None or bundle is None:
        return settings
    return dataclasses.replace(settings, certificate=Path(bundle))


def _headers(settings: ExporterSettings, authority: str, credentials: str) -> bytes:
    headers = {"host": authority, "user-agent": f"search-telemetry/{own_version()}", "accept-encoding": "gzip"}
    if credentials:
        headers["authorization"] = credentials
    headers |= {name: value for name, value in settings.headers if name not in _RESERVED_HEADERS}
    headers["content-type"] = "application/x-protobuf"
    if settings.compression == "gzip":
        headers["content-encoding"] = "gzip"
    return b"".join(f"{name.title()}: ".encode() + _bytes(value) + b"\r\n" for name, value in headers.items())


def _bytes(value: str) -> bytes:
    """Encode a header's value in Latin-1, as Python's HTTP clients do; in UTF-8 if that is not possible."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _outcome_of(response: Response) -> Outcome:
    """Return the outcome of a call from its response."""
    compressed = response.headers.get("content-encoding") in {"gzip", "deflate"}
    body = decompressed(response.body) if compressed else response.body
    if 200 <= response.status < 300:
        return Outcome(body)
    reason = f"{_one_line(response.reason)}{_redirected_to(response)}{_error_message(response, body)}"
    return Outcome(
        problem=f"HTTP {response.status} {reason}",
        error=str(response.status),
        retry=response.status in _RETRYABLE,
        wait=_retry_delay(response.headers.get("retry-after")),
    )


def _redirected_to(response: Response) -> str:
    """Return where a redirect leads, without the parts of the URL that may hold a secret."""
    if not 300 <= response.status < 400:
        return ""
    try:
        parts = urlsplit(response.headers.get("location") or "")
        where = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    except ValueError:
        where = ""
    return f" to {_one_line(where) or 'nowhere'}: a redirect is not followed"


def _error_message(response: Response, body: bytes) -> str:
    """Return the collector's error message: in OTLP the body is a `google.rpc.Status`, in protobuf or JSON."""
    try:
        kind = response.headers.get("content-type", "")
        if kind.startswith("application/json"):
            message = str(json.loads(body)["message"])
        elif kind.startswith("text/plain") or not kind:  # Go's response to plain HTTP on a TLS port has no type
            message = body.decode("utf-8", "replace").strip()
        else:
            message = message_of(body)
    except Exception:  # noqa: BLE001  another body, such as a proxy's error page
        return ""
    return f": {_one_line(message)}" if message.isprintable() and message else ""


def _one_line(text: str) -> str:
    return text[:_MAX_REASON] if text.isprintable() else ""


def _retry_delay(header: str | None) -> float | None:
    """Return the seconds in a `Retry-After` header: a number, or a date; None for anything else."""
    try:
        return max(0.0, float(header or ""))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header or "").timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, OSError):
        return None
