"""Grafana's HTTP API, as far as publishing needs it.

No other module knows `grafana-api`: another client would change this one alone.
In: bodies of the API. Out: what Grafana holds, or an error with a hint. State: the session's connections.
Written from the documentation of Grafana 13.0 (HTTP API: folder, data source, dashboard, health), which calls these
paths legacy and keeps them; 11 and 12 have no others for all of it.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult

from grafana_api.grafana_api import GrafanaException
from grafana_api.grafana_face import GrafanaFace

from dashboards.publishing.session import SECONDS, RefusedError, Session, address, explained

Json = Mapping[str, Any]
OPTION: Final = "--grafana URL"
_HINTS: Final[Mapping[int, str]] = {
    401: "GRAFANA_TOKEN must be the token of a service account that has not expired.",
    403: "Give the token's service account the role Admin, or Editor if you publish no data sources.",
    404: f"Is this Grafana's address, with the path that it is served under? Correct {OPTION}.",
    409: "Rename or remove that one in Grafana, or leave it: then unset the variable that names the address.",
    412: "Somebody saved it meanwhile: publish again, and look at what differs.",
}


@dataclass(frozen=True, slots=True)
class SavedBoard:
    """A board as Grafana holds it.

    Attributes:
        board: its JSON, with the `id` and the `version` that Grafana gave it.
        folder: uid of the folder that it is in.
        provisioned: read from files: it cannot be saved over the API.
    """

    board: Json
    folder: str
    provisioned: bool


class Grafana:
    """One Grafana, with a token for it.

    Args:
        url: with its path prefix, if it has one.
        token: of a service account.
        seconds: in which an answer has to be complete.

    Raises:
        TelemetryError: the URL is not one.
    """

    def __init__(self, url: str, token: str, seconds: float = SECONDS) -> None:
        split = address(url, OPTION, "http://127.0.0.1:3000")
        self.url, self._seconds = url.rstrip("/"), seconds
        self._face = GrafanaFace(token, timeout=seconds, **_parts(split))
        self._face.api.s = Session(seconds)

    def version(self) -> str:
        """Return Grafana's version, which needs no token."""
        health = self._ask("tell its version", lambda: self._face.api.GET("/health"))
        return str(health.get("version", "of an unknown version"))

    def folder(self, uid: str) -> Json | None:
        """Return a folder; None: there is not one."""
        found: Json | None = self._find(f"show the folder {uid}", lambda: self._face.folder.get_folder(uid))
        return found

    def create_folder(self, uid: str, title: str) -> None:
        """Create a folder."""
        self._ask(f"create the folder {title}", lambda: self._face.folder.create_folder(title, uid))

    def data_source(self, uid: str) -> Json | None:
        """Return a data source; None: there is not one."""
        path = f"/datasources/uid/{uid}"
        found: Json | None = self._find(f"show the data source {uid}", lambda: self._face.api.GET(path))
        return found

    def create_data_source(self, body: Json) -> None:
        """Create a data source."""
        self._ask(f"create the data source {body['name']}", lambda: self._face.datasource.create_datasource(body))

    def update_data_source(self, body: Json) -> None:
        """Replace a data source; by its uid, for the way by its id, `grafana-api`'s, is deprecated since Grafana 9."""
        path = f"/datasources/uid/{body['uid']}"
        self._ask(f"update the data source {body['name']}", lambda: self._face.api.PUT(path, json=body))

    def board(self, uid: str) -> SavedBoard | None:
        """Return a board; None: there is not one."""
        found = self._find(f"show the board {uid}", lambda: self._face.dashboard.get_dashboard(uid))
        if found is None:
            return None
        meta = found.get("meta", {})
        return SavedBoard(found["dashboard"], meta.get("folderUid", ""), bool(meta.get("provisioned")))

    def save_board(self, board: Json, folder: str, message: str) -> None:
        """Create a board, or replace the version of it that it names; a later one is not overwritten."""
        body = {"dashboard": board, "folderUid": folder, "message": message, "overwrite": False}
        self._ask(f"save the board {board['title']}", lambda: self._face.dashboard.update_dashboard(body))

    def _ask(self, what: str, call: Callable[[], Any]) -> Any:
        """Return an answer; `what` is asked of Grafana, for the error."""
        with self._explained():
            try:
                return call()
            except GrafanaException as error:
                status = error.status_code
                message = f"{self.url} refuses to {what} ({status}): {error.response['message']}"
                hint = _HINTS.get(status, "Its log says more." if status >= 500 else "")
                raise RefusedError(message, hint, status) from error

    def _find(self, what: str, call: Callable[[], Any]) -> Any:
        """Return an answer; None if there is nothing of that name."""
        try:
            return self._ask(what, call)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def _explained(self) -> AbstractContextManager[None]:
        return explained("Grafana", self.url, OPTION, self._seconds)


def _parts(split: SplitResult) -> dict[str, Any]:
    """Return an address as the arguments that `grafana-api` makes one of."""
    host = f"[{split.hostname}]" if ":" in (split.hostname or "") else split.hostname
    prefix = f"{split.path.strip('/')}/".lstrip("/")
    return {"protocol": split.scheme, "host": host, "port": split.port, "url_path_prefix": prefix}
