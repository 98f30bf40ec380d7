"""The alerts in Sentry: a new error, and a slow search. What Prometheus counts exactly is alerted on there."""

from typing import Final

from dashboards.alerts.objectives import OBJECTIVES, Slo
from dashboards.sentry.fields import ENTRY, P95, operation
from dashboards.sentry.model import Monitor, SentryAlert

_WITHIN: Final = next(
    made.within for made in OBJECTIVES if made.slo is Slo.LATENCY_SERVER and made.operation == "search" and made.within
)
NEW_ERROR: Final = SentryAlert("new-error", "Search telemetry: a new error", trigger="first_seen_event", minutes=30)
SLOW_SEARCH: Final = SentryAlert(
    "slow-search",
    "Search telemetry: /search is slow",
    trigger="first_seen_event",
    minutes=30,
    monitor=Monitor(
        P95,
        f"{ENTRY} {operation('search')}",
        window_s=300,
        above=_WITHIN * 1000,
        description=(
            "The 95th percentile of kept traces of /search is above the latency objective, over 5 minutes. Sampling"
            " keeps slow traces first, so it is above that of all requests: before you act, look at Grafana's board"
            " Search overview."
        ),
    ),
)
ALERTS: Final = (NEW_ERROR, SLOW_SEARCH)
