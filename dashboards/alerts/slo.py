"""Objectives become recorded series and alerts on the speed at which error budgets are spent.

In: `objectives`, the table of `windows`. Out: groups of rules. State: none.

Recorded, by `slo`, `job` and `search_operation`, and by `window` where there are several:

    search_slo:objective:ratio      the share that must be good
    search_slo:requests:increase    requests that count
    search_slo:bad:increase         those that were bad
    search_slo:bad:ratio            their share
    search_slo:burn:ratio           how many times as fast as allowed the budget is spent
    search_slo:budget_left:ratio    1 untouched, 0 spent, over the longest window
"""

from collections.abc import Mapping
from typing import Final

from dashboards.alerts.counting import JOB, count_above, increase
from dashboards.alerts.objectives import OBJECTIVES, Objective, Slo
from dashboards.alerts.rule import OF_FLOW, Alert, Group, Record, Severity, labelled
from dashboards.alerts.windows import BURNS, LONGEST, SHORTEST, WINDOWS, Burn, Scale, Window
from telemetry import conventions as c

REQUESTS: Final = "search_slo:requests:increase"
BAD: Final = "search_slo:bad:increase"
RATIO: Final = "search_slo:bad:ratio"
BURN: Final = "search_slo:burn:ratio"
OBJECTIVE: Final = "search_slo:objective:ratio"
BUDGET_LEFT: Final = "search_slo:budget_left:ratio"

LEAST_BAD: Final = 10
"""Bad requests in the long window without which nobody is called, however large their share is."""

_BY: Final = (JOB, c.SEARCH_OPERATION)
_COUNTED: Final = '!="cancelled"'
_EVALUATED: Final = "30s"


def groups(scale: Scale) -> tuple[Group, ...]:
    """Return the recorded series, and the alerts on them."""
    short = [window for window in WINDOWS if not window.summed]
    recorded = [rule for each in OBJECTIVES for window in short for rule in _counted(each, window, scale)]
    recorded += [_summed(name, window, scale) for window in WINDOWS if window.summed for name in (REQUESTS, BAD)]
    return (
        Group("search_slo", scale(_EVALUATED), (*map(_promise, OBJECTIVES), *recorded, *_derived())),
        Group("search_slo_alerts", scale(_EVALUATED), tuple(_alerts(scale))),
    )


def _promise(objective: Objective) -> Record:
    labels = {"slo": objective.slo.value, "search_operation": objective.operation}
    return Record(OBJECTIVE, f"vector({objective.share:g})", labels)


def _counted(objective: Objective, window: Window, scale: Scale) -> tuple[Record, Record]:
    """Return the requests of a window, and the bad ones among them."""
    labels = {"slo": objective.slo.value, "search_operation": objective.operation, "window": window.name}
    where = {c.SEARCH_OPERATION: f'="{objective.operation}"'}
    if objective.metric is c.REQUEST_DURATION:
        where[c.SEARCH_ENTRY] = '="true"'
    length = scale(window.name)
    if objective.within is None:
        every = {**where, c.SEARCH_OUTCOME: _COUNTED}
        requests = increase(objective.metric, _BY, every, length, part="count")
        bad = increase(objective.metric, _BY, {**where, c.SEARCH_OUTCOME: '="error"'}, length, part="count")
        bad = f"{bad} or 0 * {requests}"
    else:  # failed requests count for availability
        served = {**where, c.SEARCH_OUTCOME: '="ok"'}
        requests = increase(objective.metric, _BY, served, length, part="count")
        bad = count_above(objective.metric, _BY, served, length, objective.within)
    return Record(REQUESTS, requests, labels), Record(BAD, bad, labels)


def _summed(name: str, window: Window, scale: Scale) -> Record:
    """Return a long window as the sum of short ones.

    They overlap: a new one begins with every evaluation, and each request is in so many of them. One after the other
    they would end at multiples of five minutes, and what is bad now would be missing until the next of these.
    """
    each = f'{name}{{window="{SHORTEST}"}}'
    times = scale.seconds(SHORTEST) / scale.seconds(_EVALUATED)
    summed = f"sum_over_time({each}[{scale(window.name)}:{scale(_EVALUATED)}]) / {times:g}"
    return Record(name, summed, {"window": window.name})


def _derived() -> tuple[Record, ...]:
    budget = f"on (slo, search_operation) group_left () (1 - {OBJECTIVE})"
    return (
        Record(RATIO, f"{BAD} / ({REQUESTS} > 0)"),
        Record(BURN, f"{RATIO} / {budget}"),
        Record(BUDGET_LEFT, f'1 - sum without (window) ({BURN}{{window="{LONGEST}"}})'),
    )


_NAMES: Final = {
    "SearchErrorBudgetBurns": f'="{Slo.AVAILABILITY.value}"',
    "SearchLatencyBudgetBurns": f'=~"{Slo.LATENCY_SERVER.value}|{Slo.LATENCY_CLIENT.value}"',
}
"""The alerts, and which objectives each is about."""

_WHAT: Final = {
    "SearchErrorBudgetBurns": "fails",
    "SearchLatencyBudgetBurns": "is too slow ({{ $labels.slo }})",
}
_FOR: Final[Mapping[Severity, str]] = {"page": "2m", "ticket": "15m"}


def _alerts(scale: Scale) -> list[Alert]:
    return [
        _alert(name, slo, [burn for burn in BURNS if burn.severity == severity], scale)
        for name, slo in _NAMES.items()
        for severity in dict.fromkeys(burn.severity for burn in BURNS)
    ]


def _alert(name: str, slo: str, burns: list[Burn], scale: Scale) -> Alert:
    """Return one alert for all burns of a severity, so that it stays the same alert whichever of them holds."""
    windows = ", or ".join(f"{burn.factor:g} over {burn.long} and {burn.short}" for burn in burns)
    severity = burns[0].severity
    return Alert(
        name,
        " or ".join(_burning(burn, slo) for burn in burns),
        severity,
        scale(_FOR[severity]),
        f"{labelled('search_operation')} of {labelled(JOB)} {_WHAT[name]}: "
        "the error budget is spent {{ $value | humanize }} times as fast as allowed",
        f"At this speed the objective (dashboards/alerts/objectives.py) will be missed. Fires at a burn rate of "
        f"{windows}, with at least {LEAST_BAD} bad requests in the longer window.",
        variables=OF_FLOW,
    )


def _burning(burn: Burn, slo: str) -> str:
    """Return how fast the budget is spent in the long window, where both windows show it and requests enough."""

    def of(series: str, window: str) -> str:
        return f'{series}{{slo{slo}, window="{window}"}}'

    return (
        f"sum without (window) ({of(BURN, burn.long)} > {burn.factor:g} and {of(BAD, burn.long)} >= {LEAST_BAD}"
        f" and ignoring (window) {of(BURN, burn.short)} > {burn.factor:g})"
    )
