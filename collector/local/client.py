"""Where the reading commands read: the running collector's API, or a store that nobody runs on.

In: a path of the API with its parameters; token and certificates from the environment. Out: the JSON object that
answers, the same from both. A reader owns its connection until it is closed.
"""

from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import httpx
import platformdirs

from collector.local import api_answers
from collector.local.auth import TOKEN, TOKEN_FILE, token_to_send
from collector.local.calling import base_url, client, is_tls_trouble, unreachable
from collector.local.errors import CollectorError
from collector.local.store import Store

DEFAULT_API = "127.0.0.1:4319"
_CONNECT_S, _READ_S = 2.0, 90.0


def default_store() -> Path:
    """The store of `telemetry collect` when none is named: in the user's data directory."""
    return platformdirs.user_data_path("search-telemetry") / "telemetry.duckdb"


class Reader(Protocol):
    """Answers the questions of `api_answers.QUESTIONS`."""

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer. A parameter that is None is left out; a list is sent once for each item."""

    def problem(self) -> str:
        """Why nothing new can be stored there now; empty when it can."""

    def close(self) -> None:
        """Let go of the connection or the file."""


def open_reader(api: str | None, store: Path | None) -> Reader:
    """The reader that a command's options mean.

    Args:
        api: `HOST:PORT` of a running collector, which must answer.
        store: a file, which must be free.

    With neither: the collector at the default address if one answers, else the default store.

    Raises:
        CollectorError: there is nothing to read, or two things.
    """
    if api and store:
        raise CollectorError("--api and --store both say where to read.", "Name one of them.")
    if api:
        return HttpReader(api)
    if store is None and answers(DEFAULT_API):
        return HttpReader(DEFAULT_API)
    if store is None and not default_store().exists():
        raise CollectorError(
            f"No collector runs at {DEFAULT_API}, and there is no store at {default_store()}.",
            "Start one: telemetry collect. Or name a store: --store PATH.",
        )
    return StoreReader(store or default_store())


def answers(address: str) -> bool:
    """Whether somebody answers there, if only that it has to be called in another way."""
    try:
        with client(_CONNECT_S) as asking:
            response = asking.get(f"{base_url(address)}/api/health")
    except httpx.HTTPError as error:
        return is_tls_trouble(error)
    return response.status_code in {200, 400}


class HttpReader:
    """Asks a running collector."""

    def __init__(self, address: str) -> None:
        self._base = base_url(address)
        self._token = token_to_send()
        self._client = client(_READ_S)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer of the collector; its error as ours."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            response = self._client.get(f"{self._base}{quote(path)}", params=_pairs(parameters), headers=headers)
            answer = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise unreachable(self._base, error) from error
        if response.is_success and isinstance(answer, dict):
            return answer
        told = answer.get("error", {}) if isinstance(answer, dict) else {}
        if response.status_code == 401:
            raise CollectorError(
                f"The collector at {self._base} {'does not know the token' if self._token else 'wants a token'}.",
                f"Put it into {TOKEN}, or name a file that holds it in {TOKEN_FILE}.",
            )
        raise CollectorError(told.get("message", f"HTTP status {response.status_code}."), told.get("mend", ""))

    def problem(self) -> str:
        """What the collector says of itself."""
        if self.get("/api/health").get("status") != "degraded":
            return ""
        return str(self.get("/api/stats").get("store_problem", ""))

    def close(self) -> None:
        """Let go of it."""
        self._client.close()


class StoreReader:
    """Reads a store itself, as the API would."""

    def __init__(self, path: Path) -> None:
        self._store = Store.open(path, read_only=True)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer from the file."""
        connection = self._store.reader()
        try:
            return api_answers.answer(connection, path, _pairs(parameters))
        finally:
            connection.close()

    def problem(self) -> str:
        """Nobody stores there."""
        return ""

    def close(self) -> None:
        """Let go of it."""
        self._store.close()


def _pairs(parameters: dict[str, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in parameters.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        pairs += [(name, str(item)) for item in values]
    return pairs
