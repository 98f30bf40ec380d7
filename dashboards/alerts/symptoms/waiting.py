"""Requests wait: for a batch to start, or for a thread of a pool.

In: a `Scale`. Out: a group: the share of each pool that is in use, and alerts. State: none.
"""

from typing import Final

from dashboards.alerts.counting import JOB, increase
from dashboards.alerts.rule import OF_SERVICE, Alert, Group, Record, labelled
from dashboards.alerts.windows import Scale
from dashboards.promql import quantile, series
from telemetry import conventions as c

LONG_WAIT: Final = 0.25
"""Seconds, a bound of the histogram: half of what a search may take."""
LEAST: Final = 20
"""Waits, without which a percentile says nothing."""
FULL: Final = 0.8
"""Share of a pool's threads in use over five minutes, at which tasks begin to wait."""

POOL: Final = "search_pool:used:ratio"

_WINDOW, _FOR, _EVALUATED = "5m", "2m", "15s"
_BY: Final = (JOB, c.SEARCH_STAGE)
_VARIABLES: Final = {**OF_SERVICE, "stage": labelled("search_stage")}


def group(scale: Scale) -> Group:
    """Return the rules."""
    active, limit = (series(metric, flow="") for metric in (c.STAGE_ACTIVE, c.STAGE_LIMIT))
    used = f"max by (job, search_stage) ({active} / ({limit} > 0))"
    return Group("search_waiting", scale(_EVALUATED), (Record(POOL, used), _pool(scale), _queue(scale)))


def _pool(scale: Scale) -> Alert:
    return Alert(
        "SearchPoolSaturated",
        f"avg_over_time({POOL}[{scale(_WINDOW)}]) > {FULL}",
        "ticket",
        scale(_FOR),
        f"{labelled(JOB)}, pool {labelled('search_stage')}: {{{{ $value | humanizePercentage }}}} of the threads are "
        "busy",
        f"Mean of the last {_WINDOW}, in the process where it is highest. New tasks wait for a thread.",
        "search-stage",
        _VARIABLES,
    )


def _queue(scale: Scale) -> Alert:
    window = scale(_WINDOW)
    waits = increase(c.QUEUE_WAIT_DURATION, _BY, {}, window, part="count")
    return Alert(
        "SearchQueueWait",
        f"{quantile(0.95, c.QUEUE_WAIT_DURATION, _BY, window=window, flow='')} > {LONG_WAIT} and {waits} >= {LEAST}",
        "ticket",
        scale(_FOR),
        f"Queue of {labelled('search_stage')} in {labelled(JOB)}: one of twenty calls waits "
        "{{ $value | humanizeDuration }} or longer",
        f"95th percentile of the last {_WINDOW}. More calls arrive than the stage can process.",
        "search-stage",
        _VARIABLES,
    )
