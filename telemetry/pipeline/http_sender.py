"""Sends OTLP by HTTP, as binary protobuf.

In: encoded requests. Out: outcomes. State: one `requests` session, opened at the first request, owned by the sender.
"""

import gzip
import time
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no types are published

from telemetry.pipeline.sending import Outcome, is_here
from telemetry.settings import ExporterSettings

_RETRYABLE = {429, 502, 503, 504}
"""As the OTLP specification lists them."""
_BROKEN_OFF = (
    "ConnectionResetError", "ConnectionAbortedError", "BrokenPipeError", "RemoteDisconnected", "BadStatusLine",
    "ChunkedEncodingError",
)  # fmt: skip
"""What `requests` tells of by turns where a port of TLS refuses plain HTTP: its words race with its hanging up."""


class HttpSender:
    """Sends requests of one signal to one collector."""

    def __init__(self, settings: ExporterSettings) -> None:
        self._settings = settings
        self._session: requests.Session | None = None

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Send and return within about `timeout` seconds. Never raises."""
        if self._session is None:
            self._session = _session(self._settings)
        body = gzip.compress(request) if self._settings.compression == "gzip" else request
        try:
            answer = self._session.post(self._settings.endpoint, data=body, timeout=timeout, allow_redirects=False)
        except requests.exceptions.SSLError as error:
            return Outcome(problem=f"TLS: {_reason(error)}", retry=True)  # a certificate may be renewed
        except requests.exceptions.RequestException as error:
            return Outcome(problem=_unanswered(error, self._settings.endpoint), retry=True)
        except Exception as error:  # noqa: BLE001  nothing here may reach the thread
            return Outcome(problem=f"{type(error).__name__}: {error}")
        if answer.ok:
            return Outcome(answer.content)
        return Outcome(
            problem=f"HTTP {answer.status_code} {answer.reason}{_said(answer)}",
            retry=answer.status_code in _RETRYABLE,
            wait=_asked_wait(answer.headers.get("Retry-After")),
        )

    def close(self) -> None:
        """Break off what is being sent, from any thread. Nothing is sent afterwards."""
        if self._session is not None:
            self._session.close()


def _session(settings: ExporterSettings) -> requests.Session:
    session = requests.Session()
    session.trust_env = not is_here(settings.endpoint)  # no proxy stands between us and this machine
    session.headers.update({"Content-Type": "application/x-protobuf", "User-Agent": "search-telemetry"})
    if settings.compression == "gzip":
        session.headers["Content-Encoding"] = "gzip"
    session.headers.update(dict(settings.headers))
    if settings.certificate is not None:
        session.verify = str(settings.certificate)
    if settings.client_certificate is not None:
        session.cert = (str(settings.client_certificate), str(settings.client_key))
    return session


def _reason(error: requests.exceptions.SSLError) -> object:
    """Return what OpenSSL said, without what was made of it on the way up."""
    pool_error = error.args[0] if error.args else error
    return getattr(pool_error, "reason", pool_error)


def _unanswered(error: requests.exceptions.RequestException, endpoint: str) -> str:
    """Return what went wrong, and whether plain HTTP was sent to whoever broke off: it may speak TLS."""
    said = f"{type(error).__name__}: {error}"
    broken_off = any(name in said for name in _BROKEN_OFF)
    return f"it broke off plain HTTP ({said})" if broken_off and endpoint.lower().startswith("http://") else said


def _said(answer: requests.Response) -> str:
    """Return the collector's own words: OTLP's errors are a `google.rpc.Status`, in protobuf or JSON."""
    try:
        kind = answer.headers.get("Content-Type", "")
        if kind.startswith("application/json"):
            message = str(answer.json()["message"])
        elif kind.startswith("text/plain") or not kind:  # Go answers plain text to a TLS port without one
            message = answer.text.strip()
        else:
            message = str(Status.FromString(answer.content).message)
    except Exception:  # noqa: BLE001  whatever else stands there, such as a proxy's page
        return ""
    return f": {message[:300]}" if message.isprintable() and message else ""


def _asked_wait(header: Any) -> float | None:
    """Return the seconds in a `Retry-After` header: a number, or a date."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None
