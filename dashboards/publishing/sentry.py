"""Sentry's web API, as far as publishing needs it.

In: bodies of the API. Out: what Sentry holds, or an error with a hint. State: the session's connections.
Written from the types of `@sentry/api` 0.1.0. A board has no name that stays but its title, and neither have monitors
and alerts: they are found by it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from dashboards.publishing.session import SECONDS, PublishError, RefusedError, Session, Token, address, explained

Json = Mapping[str, Any]
OPTION: Final = "SENTRY_URL"
_PAGE: Final = "100"
_HINTS: Final[Mapping[int, str]] = {
    401: "SENTRY_AUTH_TOKEN must be a token of this Sentry that was not revoked.",
    403: "The token needs the scopes org:read and org:write; for alerts also alerts:write and project:read.",
    404: "Is that the slug of your organization, as in the address of its pages?",
    409: "Another one has this title: rename it in Sentry.",
}


class Sentry:
    """One organization in one Sentry, with a token for it.

    Args:
        url: of Sentry.
        organization: its slug.
        token: of a user or an integration.
        seconds: in which an answer has to be complete.

    Raises:
        TelemetryError: the URL is not one.
    """

    def __init__(self, url: str, organization: str, token: str, seconds: float = SECONDS) -> None:
        address(url, OPTION, "https://sentry.io")
        self.url, self._seconds = url.rstrip("/"), seconds
        self._base = f"{self.url}/api/0/organizations/{quote(organization, safe='')}"
        self._session = Session(seconds)
        self._session.auth = Token(token)

    def boards(self) -> dict[str, str]:
        """Return the ids of all boards, by title."""
        return {board["title"]: board["id"] for board in self._all("dashboards/", "list the boards")}

    def board(self, number: str) -> Json:
        """Return one board, with its widgets."""
        found: Json = self._ask("GET", f"dashboards/{number}/", f"show the board {number}")
        return found

    def create_board(self, body: Json) -> None:
        """Create a board."""
        self._ask("POST", "dashboards/", f"create the board {body['title']}", body)

    def update_board(self, number: str, body: Json) -> None:
        """Replace a board; widgets without their id are new ones."""
        self._ask("PUT", f"dashboards/{number}/", f"update the board {body['title']}", body)

    def project_id(self, slug: str) -> str:
        """Return the id of a project.

        Raises:
            PublishError: the organization has no such project, or the token may not see it.
        """
        ids = {str(project["slug"]): str(project["id"]) for project in self._all("projects/", "list the projects")}
        if slug not in ids:
            hint = f"The token sees {', '.join(sorted(ids)) or 'no project'}."
            raise PublishError(f"{self.url} has no project {slug}.", hint)
        return ids[slug]

    def monitors(self, project: str) -> list[Json]:
        """Return the monitors of a project, by its id."""
        return list(self._all("detectors/", "list the monitors", project=project))

    def create_monitor(self, project: str, body: Json) -> Json:
        """Create a monitor in a project, by its slug."""
        path = f"projects/{quote(project, safe='')}/detectors/"
        made: Json = self._ask("POST", path, f"create the monitor {body['name']}", body)
        return made

    def update_monitor(self, number: str, body: Json) -> None:
        """Replace a monitor."""
        self._ask("PUT", f"detectors/{number}/", f"update the monitor {body['name']}", body)

    def alerts(self, project: str) -> list[Json]:
        """Return the alerts of a project, by its id."""
        return list(self._all("workflows/", "list the alerts", project=project))

    def create_alert(self, body: Json) -> None:
        """Create an alert."""
        self._ask("POST", "workflows/", f"create the alert {body['name']}", body)

    def update_alert(self, number: str, body: Json) -> None:
        """Replace an alert."""
        self._ask("PUT", f"workflows/{number}/", f"update the alert {body['name']}", body)

    def _all(self, path: str, what: str, **query: str) -> Iterator[Json]:
        """Return all rows of a list, page by page."""
        cursor: dict[str, str] = {}
        while True:
            answer = self._answer("GET", path, what, None, {"per_page": _PAGE, **query, **cursor})
            yield from answer.json()
            following = answer.links.get("next", {})
            if following.get("results") != "true":
                return
            cursor = {"cursor": following["cursor"]}

    def _ask(self, method: str, path: str, what: str, body: Json | None = None) -> Any:
        return self._answer(method, path, what, body, {}).json()

    def _answer(self, method: str, path: str, what: str, body: Json | None, query: Mapping[str, str]) -> Any:
        with explained("Sentry", self.url, OPTION, self._seconds):
            answer = self._session.request(method, f"{self._base}/{path}", json=body, params=query)
        if answer.status_code >= 400:
            status = answer.status_code
            message = f"{self.url} refuses to {what} ({status}): {answer.json()['message']}"
            raise RefusedError(message, _HINTS.get(status, ""), status)
        return answer
