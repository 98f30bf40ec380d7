"""Jaeger, by the HTTP API of its query service."""

from typing import Final

from collector.doctor.finding import Cause, Finding
from collector.doctor.network.api import Api, TroubleError
from collector.doctor.samples import Marked
from telemetry.conventions import Signal

_MOVED_S: Final = 1.0
"""Seconds by which the start of a stored span may differ."""


class Jaeger:
    """Stores traces."""

    name = "jaeger"
    holds: tuple[Signal, ...] = ("traces",)

    def identify(self, api: Api) -> None:
        """By the form of its list of services."""
        services = api.get("/api/services")
        if not isinstance(services, dict) or "data" not in services:
            raise TroubleError(Cause("foreign", f"{api.base} is not Jaeger", f"correct {api.place.named}"))

    def find(self, api: Api, signal: Signal, marked: Marked) -> str | None:  # noqa: ARG002 (a Backend's)
        """By trace id."""
        found = api.poll(f"/api/traces/{marked.trace_id}")
        spans = [span for trace in (found or {}).get("data") or () for span in trace["spans"]]
        if not spans:
            return None
        moved = spans[0]["startTime"] / 1e6 - marked.start_ns / 1e9
        if abs(moved) > _MOVED_S:
            detail = f"the trace arrived, and the start of its span was moved by {moved:+.1f} s"
            hint = "check Jaeger's clock skew adjustment, and the processors of the Collector"
            raise TroubleError(Cause("clock_skew", detail, hint))
        return "can be read"

    def missing(self, api: Api, signal: Signal) -> Cause:  # noqa: ARG002 (a Backend's)
        """Tail sampling, a queue and an exporter are between the endpoint and Jaeger."""
        return Cause(
            "not_arrived",
            "was accepted by the endpoint, and is not in Jaeger",
            "see the Collector's log for its exporter to Jaeger; is the layer jaeger loaded? Where it samples, the "
            "policy `marked` of collector/otelcol/gateway.yaml keeps what carries search.doctor: does yours?",
        )

    def more(self, api: Api, *, arrived: bool) -> list[Finding]:  # noqa: ARG002 (a Backend's)
        """None."""
        return []
