"""Asks a backend's HTTP API.

In: a base URL, a path. Out: JSON, or a `TroubleError` with its cause. State: the connection, owned by one `Api`; and
how far the backend's clock is ahead, as its answers tell.

Every question is bounded, in time, however slowly the answer drips, and in size.
"""

import json
import ssl
import time
from collections.abc import Mapping
from typing import Any, Final, Self

import httpx

from collector.doctor import explain, probe
from collector.doctor.finding import Cause, Code
from collector.doctor.place import Place
from telemetry.otlp.target import is_loopback

_LONGEST: Final = 32 << 20
"""Bytes of an answer: Prometheus's list of targets may be long."""
_PATIENCE: Final = 3.0
"""Seconds for one answer, wherever the deadline is: what was asked just before it is still heard."""
_AGAIN: Final = 0.25
"""Seconds between two questions for the same thing."""


class TroubleError(Exception):
    """A backend that does not answer as it should; `listens` says whether there is anything at all."""

    def __init__(self, cause: Cause, *, listens: bool = True, status: int = 0) -> None:
        super().__init__(cause.detail)
        self.cause = cause
        self.listens = listens
        self.status = status


class Api:
    """One backend's API, for one run.

    Arguments: `base` URL; `place`, the same for the explanations; `headers` of every question; `deadline` of
    `time.monotonic`, after which nothing is asked again; `client`, where it is not the usual one.
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
        """Seconds that the backend's clock is ahead of ours, and how exact that is."""
        self._headers = dict(headers)
        self._understood = False  # whether any question was
        self._client = client or client_for(base, place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **parameters: Any) -> Any:
        """Return the JSON that answers. Raises `TroubleError`."""
        body = self.read(path, **parameters)
        try:
            return json.loads(body)
        except ValueError:
            raise self._foreign() from None

    def read(self, path: str, **parameters: Any) -> bytes:
        """Return the bytes that answer. Raises `TroubleError`."""
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
        """As `get`; None where the answer is 404, as Jaeger's to a trace that is not there."""
        try:
            return self.get(path, **parameters)
        except TroubleError as trouble:
            if trouble.status == 404:
                return None
            raise

    def rest(self) -> bool:
        """Wait a moment before the same question; say whether there is time for it."""
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
                raise TroubleError(Cause("no_answer", f"the answer of {self.place.address} does not end", _SEE_LOG))
        return bytes(body)

    def _unreachable(self, error: Exception) -> TroubleError:
        seen = probe.look(self.place)
        if cause := explain.connection(self.place, seen):
            return TroubleError(cause, listens=seen.reach in {"answers", "silent"})
        if isinstance(error, httpx.TimeoutException):
            detail = f"{self.place.address} takes questions and gives no answer"
            return TroubleError(Cause("no_answer", detail, _SEE_LOG))
        return TroubleError(Cause("unreachable", f"{self.place.address}: {error}", f"correct {self.place.named}"))

    def _refused(self, status: int, body: bytes) -> TroubleError:
        if status == 400 and not self._understood:  # plain text at a port of TLS may be answered by a complaint
            cause = explain.connection(self.place, probe.look(self.place))
            if cause is not None:
                return TroubleError(cause)
        said = _said(body)
        words = f"{self.place.address} answers HTTP {status}{f': {said}' if said else ''}"
        if status in {401, 403}:
            code: Code = "unauthorized" if status == 401 else "forbidden"
            hint = "give a header that lets you in: --header BACKEND:authorization='Bearer TOKEN'"
            return TroubleError(Cause(code, words, hint), status=status)
        if 300 <= status < 400:
            hint = f"name the final address in {self.place.named}"
            return TroubleError(Cause("redirected", words, hint), status=status)
        return TroubleError(Cause("error_answer", words, f"correct {self.place.named}, or see its log"), status=status)

    def _foreign(self) -> TroubleError:
        detail = f"{self.place.address} answers, and not with JSON: something else listens there"
        return TroubleError(Cause("foreign", detail, f"correct {self.place.named}"))


def _said(body: bytes) -> str:
    """The words of an error: out of the forms of JSON in use here, else as they are."""
    try:
        told = json.loads(body)
        told = told.get("error") or told.get("detail") or told
        words = str(told["message"] if isinstance(told, dict) else told)
    except (ValueError, AttributeError, KeyError):
        words = body[:1000].decode("utf-8", "replace")
    return " ".join(words.split())[:200]


_SEE_LOG: Final = "see its log"


def client_for(base: str, place: Place) -> httpx.Client:
    """No proxy stands between us and this machine; certificates are checked by the system's authorities and `--ca`."""
    context = ssl.create_default_context()
    if place.authority is not None:
        context.load_verify_locations(place.authority)
    timeout = httpx.Timeout(_PATIENCE, connect=probe.PATIENCE)
    return httpx.Client(timeout=timeout, trust_env=not is_loopback(base), verify=context)
