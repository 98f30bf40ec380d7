"""Jaeger, by the HTTP API of its query service.

In: an API. Out: whether the trace can be read there. State: none.
"""

from typing import Final

from collector.doctor.asking import Api, TroubleError
from collector.doctor.finding import Cause, Finding
from collector.doctor.marked import Marked
from telemetry.conventions import Signal

_MOVED_S: Final = 1.0
"""Seconds that a stored span may begin away from where it did, before somebody has moved it."""


class Jaeger:
    """Keeps traces."""

    name = "jaeger"
    holds: tuple[Signal, ...] = ("traces",)

    def greet(self, api: Api) -> None:
        """Its list of services has a form of its own."""
        services = api.get("/api/services")
        if not isinstance(services, dict) or "data" not in services:
            raise TroubleError(Cause("foreign", f"{api.base} is no Jaeger", f"correct {api.place.named}"))

    def find(self, api: Api, signal: Signal, marked: Marked) -> str | None:  # noqa: ARG002 (a Backend's)
        """By trace id."""
        found = api.poll(f"/api/traces/{marked.trace_id}")
        spans = [span for trace in (found or {}).get("data") or () for span in trace["spans"]]
        if not spans:
            return None
        moved = spans[0]["startTime"] / 1e6 - marked.start_ns / 1e9
        if abs(moved) > _MOVED_S:
            detail = f"the trace arrived, and its span begins {moved:+.1f} s from when it did"
            hint = "see who moves it: Jaeger's clock skew adjustment, or a processor of the Collector"
            raise TroubleError(Cause("clock_skew", detail, hint))
        return "can be read"

    def missing(self, api: Api, signal: Signal) -> Cause:  # noqa: ARG002 (a Backend's)
        """Between a Collector that took it and Jaeger there are a tail decision, a queue and an exporter."""
        return Cause(
            "not_arrived",
            "was taken at the endpoint, and is not in Jaeger",
            "see the Collector's log for its exporter to Jaeger; is the layer jaeger loaded? Where it samples, the "
            "policy `marked` of collector/otelcol/gateway.yaml keeps what carries search.doctor: does yours?",
        )

    def more(self, api: Api, *, arrived: bool) -> list[Finding]:  # noqa: ARG002 (a Backend's)
        """Nothing more."""
        return []
