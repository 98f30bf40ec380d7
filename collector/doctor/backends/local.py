"""The local collector, by its API."""

from typing import Any

from collector.doctor.finding import Cause, Finding
from collector.doctor.network.api import Api, TroubleError
from collector.doctor.samples import Marked
from collector.local.net.access import TOKEN, TOKEN_FILE
from telemetry import conventions as c
from telemetry.conventions import Signal


class Local:
    """`telemetry collect`."""

    name = "local collector"
    holds: tuple[Signal, ...] = ("traces", "metrics", "logs")

    def identify(self, api: Api) -> None:
        """By its health; listing services requires the token."""
        if "status" not in api.get("/api/health"):
            raise TroubleError(Cause("foreign", f"{api.base} is not a local collector", f"correct {api.place.named}"))
        try:
            api.get("/api/services", limit=1)
        except TroubleError as trouble:
            if trouble.status != 401:
                raise
            hint = f"set {TOKEN} to the collector's token, or {TOKEN_FILE} to a file that has it"
            raise TroubleError(Cause(trouble.cause.code, trouble.cause.detail, hint), status=401) from None

    def find(self, api: Api, signal: Signal, marked: Marked) -> str | None:
        """By trace id; the metric by its mark."""
        if signal == "traces":
            found = api.poll(f"/api/traces/{marked.trace_id}")
            return None if found is None else "is stored"
        if signal == "logs":
            return "is stored" if api.get("/api/logs", trace_id=marked.trace_id)["logs"] else None
        metric = api.poll(f"/api/metrics/{c.DOCTOR_RUNS.name}", latest="true")
        series = [] if metric is None else metric["series"]
        return "is stored" if any(_is_ours(one, marked) for one in series) else None

    def missing(self, api: Api, signal: Signal) -> Cause:  # noqa: ARG002 (a Backend's)
        """Its store cannot write, or another collector received it."""
        if problem := api.get("/api/stats").get("store_problem", ""):
            return Cause("store", f"its store cannot write: {problem}", "free some space, or use another --store")
        detail = "was accepted by the endpoint, and this collector does not have it"
        hint = "are endpoint and --api of the same collector? telemetry collect prints both"
        return Cause("not_arrived", detail, hint)

    def more(self, api: Api, *, arrived: bool) -> list[Finding]:  # noqa: ARG002 (a Backend's)
        """None."""
        return []


def _is_ours(series: dict[str, Any], marked: Marked) -> bool:
    return bool(series["attributes"].get(c.SEARCH_DOCTOR.name) == marked.mark)
