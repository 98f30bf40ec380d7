"""Loki, by its HTTP API."""

from typing import Final

from collector.doctor.finding import Cause, Finding
from collector.doctor.network.api import Api, TroubleError
from collector.doctor.samples import Marked
from telemetry import conventions as c
from telemetry.conventions import Signal

_AROUND_NS: Final = 3600 * 10**9
"""The query covers an hour before and after: clocks may differ."""


class Loki:
    """Stores logs."""

    name = "loki"
    holds: tuple[Signal, ...] = ("logs",)

    def identify(self, api: Api) -> None:
        """By the version of its build; listing labels may require a tenant."""
        build = api.get("/loki/api/v1/status/buildinfo")
        if not isinstance(build, dict) or "version" not in build:
            raise TroubleError(Cause("foreign", f"{api.base} is not Loki", f"correct {api.place.named}"))
        try:
            api.get("/loki/api/v1/labels")
        except TroubleError as trouble:
            if trouble.status != 401:
                raise
            hint = "give a tenant: --header loki:X-Scope-OrgID=TENANT, or a token: --header loki:authorization=…"
            raise TroubleError(Cause(trouble.cause.code, trouble.cause.detail, hint), status=401) from None

    def find(self, api: Api, signal: Signal, marked: Marked) -> str | None:  # noqa: ARG002 (a Backend's)
        """By service and trace id."""
        query = f'{{service_name="{c.DOCTOR_SERVICE}"}} | trace_id="{marked.trace_id}"'
        span = {"start": marked.start_ns - _AROUND_NS, "end": marked.start_ns + _AROUND_NS}
        found = api.get("/loki/api/v1/query_range", query=query, limit=1, **span)
        return "is found by its trace" if found["data"]["result"] else None

    def missing(self, api: Api, signal: Signal) -> Cause:  # noqa: ARG002 (a Backend's)
        """It refuses records that are too old or in the future, and structured metadata unless it is allowed."""
        return Cause(
            "not_arrived",
            "was accepted by the endpoint, and is not in Loki",
            "see the Collector's log for its exporter otlp_http/logs; is the layer logs loaded, does Loki take "
            "structured metadata (allow_structured_metadata), and is service.name a label?",
        )

    def more(self, api: Api, *, arrived: bool) -> list[Finding]:  # noqa: ARG002 (a Backend's)
        """None."""
        return []
