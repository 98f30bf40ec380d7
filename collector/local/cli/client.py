"""The sources of the reading commands: the API of a running collector, or a store without one.

Both return the same JSON objects. A reader owns its connection until it is closed. Each question is one request; the
first one also shows whether a collector runs at the default address.
"""

from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote

import httpx
import platformdirs

from collector.local.api import answers as api_answers
from collector.local.cli.calling import base_url, client, is_tls_trouble, unreachable
from collector.local.errors import CollectorError
from collector.local.net.access import TOKEN, TOKEN_FILE, token_to_send
from collector.local.store.store import Store

DEFAULT_API = "127.0.0.1:4319"
_READ_S = 90.0


def default_store() -> Path:
    """The default store of `telemetry collect`, in the user's data directory."""
    return platformdirs.user_data_path("search-telemetry") / "telemetry.duckdb"


class Reader(Protocol):
    """Answers the questions of `api_answers.QUESTIONS`."""

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer. A parameter that is None is left out; a list is sent as repeated parameters."""

    @property
    def problem(self) -> str:
        """Why the store could not write at the time of the last answer; empty if it could."""

    @property
    def is_live(self) -> bool:
        """Whether a collector runs there; known after the first answer."""

    def close(self) -> None:
        """Close the connection or the file."""


def open_reader(api: str | None, store: Path | None) -> Reader:
    """The reader for a command's options.

    Without options: the collector at the default address if one responds, else the default store.

    Args:
        api: `HOST:PORT` of a running collector.
        store: a file that no other process uses.

    Raises:
        CollectorError: both are given, or the store cannot be opened.
    """
    if api and store:
        raise CollectorError("--api and --store are both given.", "Use one of them.")
    if api:
        return HttpReader(api)
    return StoreReader(store) if store else DefaultReader()


class NoCollectorError(CollectorError):
    """No collector responds at an address."""


_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol)


class HttpReader:
    """Reads from a running collector."""

    is_live = True

    def __init__(self, address: str) -> None:
        self.problem = ""
        self._base = base_url(address)
        self._token = token_to_send()
        self._client = client(_READ_S)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The collector's answer; its error as a `CollectorError`."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            response = self._client.get(f"{self._base}{quote(path)}", params=_pairs(parameters), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            is_nobody = isinstance(error, _NO_CONNECTION) and not is_tls_trouble(error)
            problem = unreachable(self._base, error)
            raise (NoCollectorError if is_nobody else CollectorError)(problem.message, problem.hint) from error
        answer = _json_object(response)
        if response.is_success and answer is not None:
            self.problem = unquote(response.headers.get(api_answers.PROBLEM_HEADER, ""))
            return answer
        raise self._refusal(response.status_code, (answer or {}).get("error"))

    def _refusal(self, status: int, error: Any) -> CollectorError:
        if status == 401:
            return CollectorError(
                f"The collector at {self._base} {'does not accept the token' if self._token else 'requires a token'}.",
                f"Set {TOKEN} to it, or {TOKEN_FILE} to a file that has it.",
            )
        if isinstance(error, dict):
            return CollectorError(str(error.get("message", "")), str(error.get("hint", "")))
        # 400: TLS, or a collector that cannot parse the request
        kind = CollectorError if status == 400 else NoCollectorError
        return kind(
            f"The server at {self._base} is not a collector's API: HTTP status {status}.",
            "Start one: telemetry collect. Or give its address: --api HOST:PORT.",
        )

    def close(self) -> None:
        """Close it."""
        self._client.close()


class StoreReader:
    """Reads a store, as the API does."""

    problem = ""
    is_live = False

    def __init__(self, path: Path) -> None:
        self._store = Store.open(path, read_only=True)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer from the store."""
        connection = self._store.reader()
        try:
            return api_answers.answer(connection, path, _pairs(parameters))
        finally:
            connection.close()

    def close(self) -> None:
        """Close it."""
        self._store.close()


class DefaultReader:
    """Reads from the collector at the default address; if none responds, from the default store."""

    def __init__(self) -> None:
        self._reader: HttpReader | StoreReader = HttpReader(DEFAULT_API)
        self._is_known = False

    @property
    def problem(self) -> str:
        """The problem of the reader in use."""
        return self._reader.problem

    @property
    def is_live(self) -> bool:
        """Whether the reader in use is live."""
        return self._reader.is_live

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer of the collector or the store."""
        try:
            answer = self._reader.get(path, **parameters)
        except NoCollectorError as error:
            if self._is_known:
                raise
            self._reader.close()
            if not default_store().exists():
                raise CollectorError(
                    f"No collector runs at {DEFAULT_API}, and there is no store at {default_store()}.",
                    "Start one: telemetry collect. Or give a store: --store PATH.",
                ) from error
            self._reader = StoreReader(default_store())
            answer = self._reader.get(path, **parameters)
        self._is_known = True
        return answer

    def close(self) -> None:
        """Close it."""
        self._reader.close()


def _json_object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        answer = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _pairs(parameters: dict[str, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in parameters.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        pairs += [(name, str(item)) for item in values]
    return pairs
