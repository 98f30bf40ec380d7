"""How the Search overview selects requests: at the entry, by what is chosen above the board; and its links."""

from typing import Final

from dashboards import links, promql
from dashboards.alerts.objectives import OBJECTIVES, Slo
from dashboards.boards import shared_links
from dashboards.model import Link, Step, Tone
from dashboards.promql import By, Where, quantile, rate
from telemetry import conventions as c

WHO: Final = (c.CLIENT_PLATFORM, c.CLIENT_REGION)
ASKED: Final[Where] = {
    c.SEARCH_OPERATION: '=~"$operation"',
    c.CLIENT_PLATFORM: '=~"$platform"',
    c.CLIENT_REGION: '=~"$region"',
}
"""Requests where they are sent, or on the way."""
RECEIVED: Final[Where] = {c.SEARCH_ENTRY: '="true"', **ASKED}
"""Requests where they enter the flow: inner endpoints, which a request passes later, would count it again."""
SEARCHED: Final[Where] = {c.SEARCH_OPERATION: '=~"$operation"'}
"""What is recorded behind the entry, where nobody knows the platform."""


def promised(slo: Slo) -> tuple[Step, ...]:
    """Return the steps of a duration: longer than promised for nearly all searches, and far longer.

    What is shorter is not good: beside it may stand that it is far above the median, or longer than before.
    """
    (within,) = {each.within for each in OBJECTIVES if (each.slo, each.operation) == (slo, "search") and each.within}
    return (Step(None, Tone.PLAIN), Step(within, Tone.WARNING), Step(2 * within, Tone.BAD))


SERVER_STEPS: Final = promised(Slo.LATENCY_SERVER)
CLIENT_STEPS: Final = promised(Slo.LATENCY_CLIENT)
SHARE_STEPS: Final = (Step(None, Tone.PLAIN), Step(0.05, Tone.WARNING), Step(0.2, Tone.BAD))
"""A share that is usual, until it is large."""


def requests(by: By = (), outcome: str = "", *, window: str = promql.INTERVAL, ago: str = "") -> str:
    """Return the requests a second at the entry; `outcome` selects, such as `="error"`."""
    where = {**RECEIVED, **({c.SEARCH_OUTCOME: outcome} if outcome else {})}
    return rate(c.REQUEST_DURATION, by, where, part="count", window=window, ago=ago)


def at_server(share: float, by: By = (), *, window: str = promql.INTERVAL, ago: str = "") -> str:
    """Return a percentile of the duration at the entry."""
    return quantile(share, c.REQUEST_DURATION, by, RECEIVED, window=window, ago=ago)


def at_client(share: float, by: By = (), *, window: str = promql.INTERVAL, ago: str = "") -> str:
    """Return a percentile of the duration where requests are sent: clients have versions of their own."""
    return quantile(share, c.CLIENT_DURATION, by, ASKED, window=window, flow=promql.NAMESPACE, ago=ago)


def on_the_way(share: float, by: By = (), *, window: str = promql.INTERVAL) -> str:
    """Return a percentile of the time on the way, which the collector measures for all flows."""
    return quantile(share, c.TRANSIT_DURATION, by, ASKED, window=window, flow=promql.ALL)


FAILED_TRACES: Final = links.traces({"error": "true"}, title="Failed traces in Jaeger")
ERROR_LOGS: Final = links.logs(match='| severity_text = "ERROR"', title="Logs of errors")
FAILED_IN_SENTRY: Final = links.sentry({"has": c.ERROR_TYPE.name})


def of_operation() -> tuple[Link, ...]:
    """Return the links of a series of one operation."""
    tags: links.Tags = {c.SEARCH_OPERATION: links.of(c.SEARCH_OPERATION)}
    return (links.traces(tags), links.logs(), shared_links.STAGE, links.sentry(tags))
