"""Sentry, by its web API; of sentry.io, or self-hosted.

Source: https://docs.sentry.io/api/ ("Retrieve a Project", "Query Explore Events in Table Format"); the data set of logs
is `ourlogs` in requests, as Sentry's own MCP server sends it. Metrics never go to Sentry.
"""

from typing import Final
from urllib.parse import quote

from collector.doctor.finding import Cause, Finding
from collector.doctor.network.api import Api, TroubleError
from collector.doctor.samples import Marked
from telemetry.conventions import Signal

URL: Final = "https://sentry.io"
_SETS: Final[dict[Signal, str]] = {"traces": "spans", "logs": "ourlogs"}


class Sentry:
    """Stores traces and logs. Arguments: slugs of organization and project."""

    name = "sentry"
    holds: tuple[Signal, ...] = ("traces", "logs")

    def __init__(self, organization: str, project: str) -> None:
        self._organization = organization
        self._project = project
        self._number = ""  # the project's id for queries of events, from `identify`

    def identify(self, api: Api) -> None:
        """By the project, if it exists and the token has access."""
        try:
            found = api.get(f"/api/0/projects/{quote(self._organization)}/{quote(self._project)}/")
        except TroubleError as trouble:
            raise self._explained(trouble) from None
        if not isinstance(found, dict) or "id" not in found:
            raise TroubleError(Cause("foreign", f"{api.base} is not Sentry", "correct SENTRY_URL"))
        self._number = str(found["id"])

    def find(self, api: Api, signal: Signal, marked: Marked) -> str | None:
        """By trace id."""
        try:
            found = api.get(
                f"/api/0/organizations/{quote(self._organization)}/events/",
                dataset=_SETS[signal],
                field=["id", "trace"],
                query=f"trace:{marked.trace_id}",
                project=self._number,
                statsPeriod="1h",
                per_page=1,
            )
        except TroubleError as trouble:
            raise self._explained(trouble) from None
        return "can be found" if found["data"] else None

    def missing(self, api: Api, signal: Signal) -> Cause:  # noqa: ARG002 (a Backend's)
        """Its ingest takes up to a minute."""
        return Cause(
            "not_arrived",
            "was accepted by the endpoint, and is not in Sentry",
            "try again with --timeout 90: Sentry may take a minute; else see the Collector's log for its exporter to "
            "Sentry: are SENTRY_OTLP_ENDPOINT and SENTRY_PUBLIC_KEY (telemetry sentry DSN) of this project?",
        )

    def more(self, api: Api, *, arrived: bool) -> list[Finding]:  # noqa: ARG002 (a Backend's)
        """None."""
        return []

    def _explained(self, trouble: TroubleError) -> TroubleError:
        hints = {
            401: "SENTRY_AUTH_TOKEN is wrong: create one in Settings, Auth Tokens",
            403: "give the token of SENTRY_AUTH_TOKEN the scopes org:read and project:read",
            404: f"there is no project {self._organization}/{self._project}: correct SENTRY_ORG and SENTRY_PROJECT",
        }
        hint = hints.get(trouble.status, trouble.cause.hint)
        code = "no_project" if trouble.status == 404 else trouble.cause.code
        cause = Cause(code, trouble.cause.detail, hint)
        return TroubleError(cause, listens=trouble.listens, status=trouble.status)
