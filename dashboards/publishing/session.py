"""HTTP for publishing: what `requests` does, with a time limit for the whole answer and no redirects.

In: requests. Out: answers whose body is JSON, or an error that a person can act on. State: connections.

`grafana-api` gets this session in place of its own. It fails on an answer without a body (204), on an error that is a
list or a page of HTML, and its time-out starts anew with every byte; a redirect would turn its POST into a GET.
"""

import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import requests
from requests.auth import AuthBase
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import RequestException, SSLError, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from telemetry.errors import TelemetryError

SECONDS: Final = 15.0
"""The time in which an answer has to be complete."""
MOST_BYTES: Final = 32 * 1024 * 1024
_PIECE: Final = 64 * 1024


class PublishError(TelemetryError):
    """Publishing failed. What was published before stays; publishing again goes on from there."""


class RefusedError(PublishError):
    """The other side answered, and refused; `status` is HTTP's."""

    def __init__(self, message: str, hint: str, status: int) -> None:
        super().__init__(message, hint)
        self.status = status


class Token(AuthBase):
    """Puts a token into each request. A header alone would give way to a user's `.netrc`."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Session(requests.Session):
    """Connections to one address. Every answer that it returns has a body of JSON."""

    def __init__(self, seconds: float = SECONDS) -> None:
        super().__init__()
        self._seconds = seconds

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request; return the answer once it is complete.

        Raises:
            RequestException: it was not answered, not in time, or by a redirect.
        """
        ends = time.monotonic() + self._seconds
        kwargs |= {"stream": True, "allow_redirects": False, "timeout": self._seconds}
        with super().send(request, **kwargs) as answer:
            if answer.is_redirect:
                raise requests.TooManyRedirects(f"it redirects to {answer.headers['location']}", response=answer)
            return _with_json(answer, b"".join(_pieces(answer, ends)))


def _pieces(answer: requests.Response, ends: float) -> Iterator[bytes]:
    """Read the body as it comes, until it is complete or time is up."""
    size = 0
    while piece := _piece(answer):
        size += len(piece)
        if time.monotonic() > ends:
            raise Timeout("the answer is too slow", response=answer)
        if size > MOST_BYTES:
            raise RequestException("the answer is too large", response=answer)
        yield piece


def _piece(answer: requests.Response) -> bytes:
    """Read what has come, or wait for more; errors are those of `requests`, as if it had read the body."""
    try:
        piece: bytes = answer.raw.read1(_PIECE, decode_content=True)
        return piece
    except ReadTimeoutError as error:
        raise Timeout(error, response=answer) from error
    except HTTPError as error:
        raise RequestException(f"its answer ended early ({error})", response=answer) from error


def _with_json(answer: requests.Response, body: bytes) -> requests.Response:
    """Return the answer with JSON as its body: an object for an error, and `{}` where there is no body."""
    whole = requests.Response()
    whole.status_code, whole.headers, whole.url, whole.reason = (
        answer.status_code, answer.headers, answer.url, answer.reason,
    )  # fmt: skip
    text = body.decode(errors="replace").strip()
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        if answer.status_code < 400:
            raise requests.exceptions.InvalidJSONError("it answers no JSON", response=answer) from None
        value = {}
    if answer.status_code >= 400 and not (isinstance(value, dict) and "message" in value):
        value = {"message": _reason(value) or answer.reason or "no reason given"}
    whole.encoding, whole.raw = "utf-8", io.BytesIO(json.dumps(value).encode())
    return whole


def _reason(value: Any) -> str:
    """Return what a refusal says, in any of the forms that Sentry and Grafana have for it."""
    if isinstance(value, dict):
        return "; ".join(
            reason if key in {"detail", "message", "error"} else f"{key}: {reason}"
            for key, each in value.items()
            if (reason := _reason(each))
        )
    if isinstance(value, list):
        return "; ".join(filter(None, map(_reason, value)))
    return "" if value is None else str(value)


def address(url: str, option: str, example: str, *, with_user: bool = False) -> SplitResult:
    """Return the parts of an address that a user gave; `with_user` allows a user and a password in it.

    Raises:
        TelemetryError: it is not an address, or has a password, which the error does not repeat.
    """
    try:
        split = urlsplit(url)
        usable = split.scheme in {"http", "https"} and split.hostname and not split.query and split.port != 0
    except ValueError:
        usable = False
    if not usable:
        shown = "" if "@" in url else f" {url!r}"
        raise TelemetryError(f"{option}:{shown} is not an address.", f"Write it like {example}.")
    if split.username is not None and not with_user:
        raise TelemetryError(f"{option} has a user in it.", f"Write it like {example}; the token is a variable.")
    return split


@contextmanager
def explained(name: str, url: str, option: str, seconds: float = SECONDS) -> Iterator[None]:
    """Turn what `requests` raises in the block into a `PublishError`.

    Args:
        name: of the product.
        url: its address.
        option: what names the address.
        seconds: the session's limit.
    """
    try:
        yield
    except Timeout as error:
        message = f"{name} at {url} did not answer within {seconds:g} seconds."
        raise PublishError(message, "Try again; what was published stays.") from error
    except SSLError as error:
        message = f"The certificate of {name} at {url} is not trusted: {_innermost(error)}"
        raise PublishError(message, "Name the file of its authority in REQUESTS_CA_BUNDLE.") from error
    except NoConnection as error:
        message = f"{name} at {url} cannot be reached: {_innermost(error)}"
        raise PublishError(message, f"Start it, or correct {option}.") from error
    except RequestException as error:
        raise PublishError(f"{url} does not answer as {name} does: {error}.", f"Correct {option}.") from error


def _innermost(error: BaseException) -> str:
    """Return the reason at the bottom of an error of `requests`, as a sentence."""
    inner = error
    while deeper := getattr(inner, "reason", None) or inner.__cause__ or inner.__context__ or _argument(inner):
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    text = str(getattr(inner, "verify_message", "") or getattr(inner, "strerror", "") or inner).strip()
    return text if text.endswith(".") else f"{text}."


def _argument(error: BaseException) -> BaseException | None:
    return next((each for each in error.args if isinstance(each, BaseException)), None)
