"""The HTTP client of a backend's API.

An `Api` owns its connection, and measures how far the backend's clock is ahead. The time and the size of each response
are limited, also if it arrives slowly.
"""

import json
import ssl
import time
from collections.abc import Mapping
from typing import Any, Final, Self

import httpx

from collector.doctor.finding import Cause, Code
from collector.doctor.network import explain, probe
from collector.doctor.network.place import Place
from telemetry.otlp.target import is_loopback

_LONGEST: Final = 32 << 20
"""Bytes of a response: Prometheus's list of targets may be long."""
_PATIENCE: Final = 3.0
"""Seconds for one response, also if it was requested just before the deadline."""
_AGAIN: Final = 0.25
"""Seconds between two requests for the same item."""


class TroubleError(Exception):
    """A backend that does not respond as expected; `listens`: whether anything listens."""

    def __init__(self, cause: Cause, *, listens: bool = True, status: int = 0) -> None:
        super().__init__(cause.detail)
        self.cause = cause
        self.listens = listens
        self.status = status


class Api:
    """One backend's API, for one run.

    Arguments: `base` URL; `place`, the same for explanations; `headers` of every request; `deadline` of
    `time.monotonic`, after which nothing is requested again; `client`, if it is not the default one.
    """

    def __init__(
        self,
        base: str,
        place: Place,
        headers: Mapping[str, str],
        deadline: float,
        client: httpx.Client | None = None,
    ) -> None:
        self.base = base
        self.place = place
        self.deadline = deadline
        self.clock: tuple[float, float] | None = None
        """Seconds that the backend's clock is ahead of ours, and the precision."""
        self._headers = dict(headers)
        self._understood = False  # whether any request was
        self._client = client or client_for(base, place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **parameters: Any) -> Any:
        """Return the JSON of the response. Raises `TroubleError`."""
        body = self.read(path, **parameters)
        try:
            return json.loads(body)
        except ValueError:
            raise self._foreign() from None

    def read(self, path: str, **parameters: Any) -> bytes:
        """Return the body of the response. Raises `TroubleError`."""
        began = time.time()
        until = time.monotonic() + _PATIENCE
        try:
            with self._client.stream("GET", f"{self.base}{path}", params=parameters, headers=self._headers) as answer:
                self._keep_time(answer.headers.get("date", ""), began)
                body = self._read(answer, until)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error
        if answer.status_code >= 300:
            raise self._refused(answer.status_code, body)
        self._understood = True
        return body

    def poll(self, path: str, **parameters: Any) -> Any:
        """As `get`; None for 404, as Jaeger returns for a trace that it does not have."""
        try:
            return self.get(path, **parameters)
        except TroubleError as trouble:
            if trouble.status == 404:
                return None
            raise

    def rest(self) -> bool:
        """Wait a moment before the same request; return whether there is time for it."""
        left = self.deadline - time.monotonic()
        time.sleep(max(0.0, min(_AGAIN, left)))
        return left > _AGAIN

    def _keep_time(self, date: str, began: float) -> None:
        ahead, within = probe.offset(date, began, time.time())
        if ahead is not None and (self.clock is None or within < self.clock[1]):
            self.clock = (ahead, within)

    def _read(self, answer: httpx.Response, until: float) -> bytes:
        body = bytearray()
        for part in answer.iter_bytes():
            body += part
            if time.monotonic() > until or len(body) > _LONGEST:
                raise TroubleError(Cause("no_answer", f"the response of {self.place.address} does not end", _SEE_LOG))
        return bytes(body)

    def _unreachable(self, error: Exception) -> TroubleError:
        seen = probe.look(self.place)
        if cause := explain.connection(self.place, seen):
            return TroubleError(cause, listens=seen.reach in {"answers", "silent"})
        if isinstance(error, httpx.TimeoutException):
            detail = f"{self.place.address} accepts requests and does not respond"
            return TroubleError(Cause("no_answer", detail, _SEE_LOG))
        return TroubleError(Cause("unreachable", f"{self.place.address}: {error}", f"correct {self.place.named}"))

    def _refused(self, status: int, body: bytes) -> TroubleError:
        if status == 400 and not self._understood:  # a TLS port may respond to plain text with an error
            cause = explain.connection(self.place, probe.look(self.place))
            if cause is not None:
                return TroubleError(cause)
        message = _message(body)
        words = f"{self.place.address} returns HTTP {status}{f': {message}' if message else ''}"
        if status in {401, 403}:
            code: Code = "unauthorized" if status == 401 else "forbidden"
            hint = "give a token: --header BACKEND:authorization='Bearer TOKEN'"
            return TroubleError(Cause(code, words, hint), status=status)
        if 300 <= status < 400:
            hint = f"use the final address in {self.place.named}"
            return TroubleError(Cause("redirected", words, hint), status=status)
        return TroubleError(Cause("error_answer", words, f"correct {self.place.named}, or see its log"), status=status)

    def _foreign(self) -> TroubleError:
        detail = f"the response of {self.place.address} is not JSON: another program listens there"
        return TroubleError(Cause("foreign", detail, f"correct {self.place.named}"))


def _message(body: bytes) -> str:
    """The message of an error: from JSON of a known form, else the text."""
    try:
        found = json.loads(body)
        found = found.get("error") or found.get("detail") or found
        words = str(found["message"] if isinstance(found, dict) else found)
    except (ValueError, AttributeError, KeyError):
        words = body[:1000].decode("utf-8", "replace")
    return " ".join(words.split())[:200]


_SEE_LOG: Final = "see its log"


def client_for(base: str, place: Place) -> httpx.Client:
    """A client without a proxy for this machine; it trusts the system's authorities and `--ca`."""
    context = ssl.create_default_context()
    if place.authority is not None:
        context.load_verify_locations(place.authority)
    timeout = httpx.Timeout(_PATIENCE, connect=probe.PATIENCE)
    return httpx.Client(timeout=timeout, trust_env=not is_loopback(base), verify=context)
