"""Search overview: are users served?"""

from typing import Final

from dashboards import variables
from dashboards.model import Board, Draw, Panel, Query, Row, Step, Tone, Unit
from dashboards.promql import quantile, rate, ratio
from telemetry import conventions as c

_ENTRY: Final = {
    c.SEARCH_ENTRY: '="true"',
    c.CLIENT_PLATFORM: '=~"$platform"',
    c.CLIENT_REGION: '=~"$region"',
}


def failed() -> Panel:
    """Return the share of requests that fail."""
    errors = rate(c.REQUEST_DURATION, (), {**_ENTRY, c.SEARCH_OUTCOME: '="error"'}, part="count")
    return Panel(
        "Failed",
        "Share of requests that ended with an error of ours.",
        Draw.STAT,
        (Query(ratio(errors, rate(c.REQUEST_DURATION, (), _ENTRY, part="count"))),),
        Unit.SHARE,
        (Step(None, Tone.GOOD), Step(0.001, Tone.WARNING), Step(0.01, Tone.BAD)),
        width=4, height=4,
    )  # fmt: skip


def duration() -> Panel:
    """Return the 95th percentile of the duration by operation."""
    p95 = quantile(0.95, c.REQUEST_DURATION, (c.SEARCH_OPERATION,), _ENTRY)
    return Panel(
        "How long do requests take?",
        "95th percentile of the duration at the entry, by operation.",
        Draw.LINES,
        (Query(p95, "{{search_operation}}", exemplars=True),),
        Unit.SECONDS,
    )  # fmt: skip


OVERVIEW: Final = Board(
    "search-overview",
    "Search overview",
    "Are users served?",
    (*variables.FLOW, variables.PLATFORM, variables.REGION),
    (Row("Now", (failed(),)), Row("Over time", (duration(),))),
    variables.MARKS,
    variables.ADDRESSES,
)
