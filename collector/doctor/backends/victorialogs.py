"""VictoriaLogs, by its HTTP API."""

from typing import Any, Final

from collector.doctor.finding import Cause, Finding
from collector.doctor.network.api import Api, TroubleError
from collector.doctor.samples import Marked
from telemetry import conventions as c
from telemetry.conventions import Signal

_AROUND_NS: Final = 3600 * 10**9
"""The query covers an hour before and after: clocks may differ."""
_OURS: Final = f'{{service.name="{c.DOCTOR_SERVICE}"}}'


class VictoriaLogs:
    """Stores logs."""

    name = "victorialogs"
    holds: tuple[Signal, ...] = ("logs",)

    def identify(self, api: Api) -> None:
        """By a count of records, which requires permission to read."""
        found = _hits(api, query=_OURS, start="5m")
        if not isinstance(found, dict) or "hits" not in found:
            raise TroubleError(Cause("foreign", f"{api.base} is not VictoriaLogs", f"correct {api.place.named}"))

    def find(self, api: Api, signal: Signal, marked: Marked) -> str | None:  # noqa: ARG002 (a Backend's)
        """By service and trace id."""
        query = f'{_OURS} trace_id:="{marked.trace_id}"'
        found = _hits(api, query=query, start=marked.start_ns - _AROUND_NS, end=marked.start_ns + _AROUND_NS)
        return "is found by its trace" if found["hits"] else None

    def missing(self, api: Api, signal: Signal) -> Cause:  # noqa: ARG002 (a Backend's)
        """It returns 200 for records that it then drops: older than its retention, or days ahead."""
        return Cause(
            "not_arrived",
            "was accepted by the endpoint, and is not in VictoriaLogs",
            "see the Collector's log for its exporter otlp_http/logs; is the layer logs loaded, does LOGS_OTLP end in "
            "/insert/opentelemetry, and is service.name a field of the stream (VL-Stream-Fields)?",
        )

    def more(self, api: Api, *, arrived: bool) -> list[Finding]:  # noqa: ARG002 (a Backend's)
        """None."""
        return []


def _hits(api: Api, **parameters: Any) -> Any:
    """How many records match a query; unlike a query for records, the response is a single JSON object."""
    return api.get("/select/logsql/hits", step="1d", **parameters)
