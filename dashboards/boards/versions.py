"""Sixth row of the Search overview: is one version worse than the other?"""

from typing import Final

from dashboards import links
from dashboards.boards import entry
from dashboards.boards.steps import FAILED
from dashboards.model import Draw, Panel, Query, Row, Unit
from dashboards.promql import NOW, label, quantile, rate, ratio
from telemetry import conventions as c

_BY: Final = (c.SERVICE_NAME, c.SERVICE_VERSION)
_NAMED: Final = f"{{{{{label(c.SERVICE_NAME)}}}}} {{{{{label(c.SERVICE_VERSION)}}}}}"
_LINKS: Final = (
    links.traces(
        {c.SERVICE_VERSION: links.of(c.SERVICE_VERSION)}, service=links.of(c.SERVICE_NAME),
        title="Traces of this version in Jaeger",
    ),
    links.logs(service=links.of(c.SERVICE_NAME), title="Logs of this service"),
    links.board(
        "search-stage", "Stages of this version",
        service=links.of(c.SERVICE_NAME), version=links.of(c.SERVICE_VERSION),
    ),
    links.sentry({"release": links.of(c.SERVICE_VERSION)}),
)  # fmt: skip


def _calls(*, window: str, failed: bool = False) -> str:
    where = {**entry.SEARCHED, **({c.SEARCH_OUTCOME: '="error"'} if failed else {})}
    return rate(c.REQUEST_DURATION, _BY, where, part="count", window=window)


def compared() -> Panel:
    """Return the versions of each service, a row each."""
    p50, p95 = (quantile(share, c.REQUEST_DURATION, _BY, entry.SEARCHED, window=NOW) for share in (0.5, 0.95))
    failing = ratio(_calls(window=NOW, failed=True), _calls(window=NOW), _BY)
    return Panel(
        "Versions side by side",
        "Every version of each service, over the last 5 minutes of the time shown, with its calls from clients and from"
        " other services. Compare the rows of one service: roll back a new version that is slower or fails more.",
        Draw.TABLE,
        (
            Query(_calls(window=NOW), title="Calls", unit=Unit.REQUESTS_PER_SECOND),
            Query(p50, title="Median", unit=Unit.SECONDS),
            Query(p95, title="p95", unit=Unit.SECONDS, steps=entry.SERVER_STEPS),
            Query(failing, title="Failed", unit=Unit.SHARE, steps=FAILED),
        ),
        Unit.SECONDS, width=12,
        labels=((label(c.SERVICE_NAME), "Service"), (label(c.SERVICE_VERSION), "Version")),
        sort="Service", links=_LINKS,
    )  # fmt: skip


def over_time() -> Panel:
    """Return each version's 95th percentile over time."""
    return Panel(
        "How long does each version take? (p95)",
        "95 % of the calls of each version took at most this long. A green line marks when a version began to serve.",
        Draw.LINES,
        (Query(quantile(0.95, c.REQUEST_DURATION, _BY, entry.SEARCHED), _NAMED),),
        Unit.SECONDS, width=12, least=0, links=_LINKS,
    )  # fmt: skip


def row() -> Row:
    """Return the row."""
    return Row("Versions", (compared(), over_time()))
