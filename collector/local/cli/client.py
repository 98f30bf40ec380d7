"""Where the reading commands read: the running collector's API, or a store that nobody runs on.

In: a path of the API with its parameters; token and certificates from the environment. Out: the JSON object that
answers, the same from both. A reader owns its connection until it is closed.

Each question is one request. Whether a collector runs at the default address is learnt from the question itself.
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
    """The store of `telemetry collect` when none is named: in the user's data directory."""
    return platformdirs.user_data_path("search-telemetry") / "telemetry.duckdb"


class Reader(Protocol):
    """Answers the questions of `api_answers.QUESTIONS`."""

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer. A parameter that is None is left out; a list is sent once for each item."""

    @property
    def problem(self) -> str:
        """Why nothing new could be stored there at the last answer; empty when it could."""

    @property
    def is_live(self) -> bool:
        """Whether something may arrive there; known after the first answer."""

    def close(self) -> None:
        """Let go of the connection or the file."""


def open_reader(api: str | None, store: Path | None) -> Reader:
    """The reader that a command's options mean.

    Args:
        api: `HOST:PORT` of a running collector, which must answer.
        store: a file, which must be free.

    With neither: the collector at the default address if one answers, else the default store.

    Raises:
        CollectorError: there are two things to read, or the store cannot be.
    """
    if api and store:
        raise CollectorError("--api and --store both say where to read.", "Name one of them.")
    if api:
        return HttpReader(api)
    return StoreReader(store) if store else DefaultReader()


class NobodyError(CollectorError):
    """No collector answers at an address."""


_NOBODY = (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol)


class HttpReader:
    """Asks a running collector."""

    is_live = True

    def __init__(self, address: str) -> None:
        self.problem = ""
        self._base = base_url(address)
        self._token = token_to_send()
        self._client = client(_READ_S)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer of the collector; its error as ours."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            response = self._client.get(f"{self._base}{quote(path)}", params=_pairs(parameters), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            kind = NobodyError if isinstance(error, _NOBODY) and not is_tls_trouble(error) else CollectorError
            told = unreachable(self._base, error)
            raise kind(told.message, told.hint) from error
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
            return CollectorError(str(error.get("message", "")), str(error.get("hint")))
        kind = CollectorError if status == 400 else NobodyError  # 400: TLS, or a collector that cannot read the request
        return kind(
            f"What answers at {self._base} is not a collector's API: HTTP status {status}.",
            "Start one: telemetry collect. Or name its --api.",
        )

    def close(self) -> None:
        """Let go of it."""
        self._client.close()


class StoreReader:
    """Reads a store itself, as the API would."""

    problem = ""
    is_live = False

    def __init__(self, path: Path) -> None:
        self._store = Store.open(path, read_only=True)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer from the file."""
        connection = self._store.reader()
        try:
            return api_answers.answer(connection, path, _pairs(parameters))
        finally:
            connection.close()

    def close(self) -> None:
        """Let go of it."""
        self._store.close()


class DefaultReader:
    """Asks the collector at the default address; where none answers, reads the default store."""

    def __init__(self) -> None:
        self._reader: HttpReader | StoreReader = HttpReader(DEFAULT_API)
        self._is_known = False

    @property
    def problem(self) -> str:
        """As the one that answered has it."""
        return self._reader.problem

    @property
    def is_live(self) -> bool:
        """As the one that answered has it."""
        return self._reader.is_live

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer of whichever there is."""
        try:
            answer = self._reader.get(path, **parameters)
        except NobodyError as error:
            if self._is_known:
                raise
            self._reader.close()
            if not default_store().exists():
                raise CollectorError(
                    f"No collector runs at {DEFAULT_API}, and there is no store at {default_store()}.",
                    "Start one: telemetry collect. Or name a store: --store PATH.",
                ) from error
            self._reader = StoreReader(default_store())
            answer = self._reader.get(path, **parameters)
        self._is_known = True
        return answer

    def close(self) -> None:
        """Let go of it."""
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
