"""Requests without documents, requests that are too large, searches without results.

In: a `Scale`. Out: a group of alerts. State: none.
"""

from typing import Final

from dashboards.alerts.counting import JOB, count_above, count_up_to, increase
from dashboards.alerts.rule import OF_FLOW, Alert, Group, labelled
from dashboards.alerts.windows import Scale
from telemetry import conventions as c

LEAST: Final = 10
"""Requests at fault, without which nobody is called."""
EMPTY_SHARE: Final = 0.2
NO_RESULTS_SHARE: Final = 0.3
LARGE: Final = 1_048_576.5
"""Bytes, a bound of `search.request.size`: a picture need not have more than a MiB."""
LARGE_SHARE: Final = 0.1
_NONE: Final = 0.5
"""The first bound of `COUNTS`, below which is 0 alone. The counters of what is empty begin with their first event."""

_WINDOW, _FOR, _EVALUATED = "10m", "2m", "15s"
_BY: Final = (JOB, c.SEARCH_OPERATION)
_OPERATION: Final = f"{labelled('search_operation')} at {labelled(JOB)}"


def group(scale: Scale) -> Group:
    """Return the rules."""
    return Group("search_requests", scale(_EVALUATED), (_empty(scale), _too_large(scale), _no_results(scale)))


def _empty(scale: Scale) -> Alert:
    window = scale(_WINDOW)
    empty = count_up_to(c.REQUEST_DOCUMENTS, _BY, {}, window, _NONE)
    every = increase(c.REQUEST_DOCUMENTS, _BY, {}, window, part="count")
    return Alert(
        "SearchRequestsEmpty",
        f"{empty} / ({every} > 0) > {EMPTY_SHARE} and {empty} >= {LEAST}",
        "ticket",
        scale(_FOR),
        f"{{{{ $value | humanizePercentage }}}} of the requests of {_OPERATION} have no documents",
        f"Requests at the entry in the last {_WINDOW}: their sender has no documents, or loses them.",
        variables=OF_FLOW,
    )


def _too_large(scale: Scale) -> Alert:
    window, entry = scale(_WINDOW), {c.SEARCH_ENTRY: '="true"'}
    large = count_above(c.REQUEST_SIZE, _BY, entry, window, LARGE)
    every = increase(c.REQUEST_SIZE, _BY, entry, window, part="count")
    return Alert(
        "SearchRequestsTooLarge",
        f"{large} / ({every} > 0) > {LARGE_SHARE} and {large} >= {LEAST}",
        "ticket",
        scale(_FOR),
        f"{{{{ $value | humanizePercentage }}}} of the requests of {_OPERATION} are larger than 1 MiB",
        f"Sizes of messages at the entry in the last {_WINDOW}: they take memory and time in each service.",
        "search-stage",
        OF_FLOW,
    )


def _no_results(scale: Scale) -> Alert:
    window = scale(_WINDOW)
    empty = count_up_to(c.RESULTS, _BY, {}, window, _NONE)
    every = increase(c.RESULTS, _BY, {}, window, part="count")
    return Alert(
        "SearchResultsEmpty",
        f"{empty} / ({every} > 0) > {NO_RESULTS_SHARE} and {empty} >= {LEAST}",
        "ticket",
        scale(_FOR),
        f"{{{{ $value | humanizePercentage }}}} of the requests of {_OPERATION} find nothing",
        f"Searches in the last {_WINDOW}. The collection may be empty or the wrong one, or the threshold too strict.",
        variables=OF_FLOW,
    )
