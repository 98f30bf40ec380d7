"""VictoriaLogs, by its HTTP API.

In: an API. Out: whether the log record can be found by its trace. State: none.
"""

from typing import Any, Final

from collector.doctor.asking import Api, TroubleError
from collector.doctor.finding import Cause, Finding
from collector.doctor.marked import Marked
from telemetry import conventions as c
from telemetry.conventions import Signal

_AROUND_NS: Final = 3600 * 10**9
"""Looked for from an hour before to an hour after: clocks may differ."""
_OURS: Final = f'{{service.name="{c.DOCTOR_SERVICE}"}}'


class VictoriaLogs:
    """Keeps logs."""

    name = "victorialogs"
    holds: tuple[Signal, ...] = ("logs",)

    def greet(self, api: Api) -> None:
        """It counts records; whoever may not read is refused here."""
        found = _hits(api, query=_OURS, start="5m")
        if not isinstance(found, dict) or "hits" not in found:
            raise TroubleError(Cause("foreign", f"{api.base} is not VictoriaLogs", f"correct {api.place.named}"))

    def find(self, api: Api, signal: Signal, marked: Marked) -> str | None:  # noqa: ARG002 (a Backend's)
        """By service and trace, as a person would."""
        query = f'{_OURS} trace_id:="{marked.trace_id}"'
        found = _hits(api, query=query, start=marked.start_ns - _AROUND_NS, end=marked.start_ns + _AROUND_NS)
        return "is found by its trace" if found["hits"] else None

    def missing(self, api: Api, signal: Signal) -> Cause:  # noqa: ARG002 (a Backend's)
        """It answers 200 to records that it then drops: those older than its retention, or days ahead."""
        return Cause(
            "not_arrived",
            "was taken at the endpoint, and is not in VictoriaLogs",
            "see the Collector's log for its exporter otlp_http/logs; is the layer logs loaded, does LOGS_OTLP end in "
            "/insert/opentelemetry, and is service.name a field of the stream (VL-Stream-Fields)?",
        )

    def more(self, api: Api, *, arrived: bool) -> list[Finding]:  # noqa: ARG002 (a Backend's)
        """Nothing more."""
        return []


def _hits(api: Api, **parameters: Any) -> Any:
    """How many records a query finds; unlike a query for the records themselves, this is answered by one JSON."""
    return api.get("/select/logsql/hits", step="1d", **parameters)
