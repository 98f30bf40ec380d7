"""One platform or region is served worse than the rest: it fails, it is slow on the way, or it is slow inside.

In: a `Scale`. Out: a group: recorded series by platform and region, and alerts on them. State: none.

Those who are far away are always slower on the way: they count as slow only when they are slower than they were. Times
are compared among requests that name their platform or region: others may be of a bulk job, which sends more at once.
"""

from collections.abc import Iterator
from typing import Final

from dashboards.alerts.comparison import Comparison
from dashboards.alerts.counting import JOB, increase
from dashboards.alerts.rule import OF_FLOW, OF_OPERATION, Alert, Group, Record, labelled
from dashboards.alerts.windows import Scale
from dashboards.promql import label
from telemetry import conventions as c
from telemetry.conventions.kinds import OTHER

LEAST: Final = 20
"""Requests of a platform or region without which its mean says nothing."""
LEAST_ERRORS: Final = 10
FAILING_SHARE: Final = 0.05
FAILING_FACTOR: Final = 10
"""How many times the others' share of errors: a region where a failing platform is frequent has some of its errors."""
SLOWER_INSIDE: Final = 0.1
"""Seconds more than the others, and twice as long: what a person notices."""
SLOWER_ON_THE_WAY: Final = 0.25
"""Seconds more than the others: further than around the world and back."""
FACTOR: Final = 2
AS_USUAL: Final = 1.5
"""How many times its own usual time on the way: below that, a far place is just far."""

FAILED: Final = "search_clients:failed:ratio"
INSIDE: Final = "search_clients:inside_seconds:mean"
ON_THE_WAY: Final = "search_clients:on_the_way_seconds:mean"
USUAL: Final = "search_clients:on_the_way_seconds:mean_before"
OTHERS: Final = "_of_others"

_WINDOW, _USUAL, _BEFORE, _FOR, _EVALUATED = "10m", "6h", "15m", "2m", "30s"
_OPERATION: Final = label(c.SEARCH_OPERATION)
_DIMENSIONS: Final = tuple(label(each) for each in (c.CLIENT_PLATFORM, c.CLIENT_REGION))
_WHOM: Final = (
    "{{ if $labels.client_region }}region {{ $labels.client_region }}"
    "{{ else }}platform {{ $labels.client_platform }}{{ end }}"
)
_SHARE: Final = "{{ $value | humanizePercentage }}"
_SECONDS: Final = "{{ $value | humanizeDuration }}"
_CHOSEN: Final = "".join(
    f"{{{{ if $labels.{name} }}}}&var-{name.removeprefix('client_')}={labelled(name)}{{{{ end }}}}"
    for name in _DIMENSIONS
)


def group(scale: Scale) -> Group:
    """Return the rules."""
    alerts = (_failing(scale), _slow_inside(scale), _slow_on_the_way(scale))
    return Group("search_clients", scale(_EVALUATED), (*_counted(scale(_WINDOW)), *_compared(scale), *alerts))


def _name(what: str) -> str:
    return f"search_clients:{what}:increase"


def _counted(window: str) -> Iterator[Record]:
    """Yield what each platform in each region did in the window."""
    by = (c.SEARCH_OPERATION, c.CLIENT_PLATFORM, c.CLIENT_REGION)
    for what, outcome, part in (
        ("requests", '!="cancelled"', "count"),
        ("errors", '="error"', "count"),
        ("served", '="ok"', "count"),
        ("inside_seconds", '="ok"', "sum"),
    ):
        where = {c.SEARCH_ENTRY: '="true"', c.SEARCH_OUTCOME: outcome}
        yield Record(_name(what), increase(c.REQUEST_DURATION, (JOB, *by), where, window, part=part))
    for what, part in (("travelled", "count"), ("on_the_way_seconds", "sum")):
        yield Record(_name(what), increase(c.TRANSIT_DURATION, by, {}, window, part=part))


def _compared(scale: Scale) -> Iterator[Record]:
    """Yield each platform, and each region, beside all others."""
    requests, errors = _name("requests"), _name("errors")
    at_job = [Comparison(f"job, {_OPERATION}", dimension) for dimension in _DIMENSIONS]
    anywhere = [Comparison(_OPERATION, dimension) for dimension in _DIMENSIONS]
    inside = [(each, *_named(each, "inside_seconds", "served")) for each in at_job]
    way = [(each, *_named(each, "on_the_way_seconds", "travelled")) for each in anywhere]
    past = f"[{scale(_USUAL)}] offset {scale(_BEFORE)}"
    before = [
        (each, f"sum_over_time({seconds}{past})", f"sum_over_time({number}{past})") for each, seconds, number in way
    ]
    for name, expressions in (
        (FAILED, [each.ratio(errors, requests, parts=LEAST_ERRORS) for each in at_job]),
        (FAILED + OTHERS, [each.ratio_of_others(errors, requests, wholes=LEAST) for each in at_job]),
        (INSIDE, [each.ratio(seconds, number, wholes=LEAST) for each, seconds, number in inside]),
        (INSIDE + OTHERS, [each.ratio_of_others(seconds, number, wholes=LEAST) for each, seconds, number in inside]),
        (ON_THE_WAY, [each.ratio(seconds, number, wholes=LEAST) for each, seconds, number in way]),
        (ON_THE_WAY + OTHERS, [each.ratio_of_others(seconds, number, wholes=LEAST) for each, seconds, number in way]),
        (USUAL, [each.ratio(seconds, number, wholes=LEAST) for each, seconds, number in before]),
    ):
        yield Record(name, " or ".join(expressions))


def _named(among: Comparison, seconds: str, number: str) -> tuple[str, str]:
    """Return recorded series without those that name no platform, or no region."""
    where = f'{{{among.own}!~"|{OTHER}"}}'
    return _name(seconds) + where, _name(number) + where


def _slower(mean: str, seconds: float) -> str:
    return f"{mean} - {mean}{OTHERS} > {seconds} and {mean} > {FACTOR} * {mean}{OTHERS}"


def _failing(scale: Scale) -> Alert:
    return Alert(
        "SearchClientsFail",
        f"{FAILED} > {FAILING_SHARE} and {FAILED} > {FAILING_FACTOR} * {FAILED}{OTHERS}",
        "ticket",
        scale(_FOR),
        f"{_SHARE} of {labelled(_OPERATION)} requests fail for {_WHOM}, and hardly any for the others",
        f"Requests at the entry {labelled(JOB)} in the last {_WINDOW}: one platform or region against all others.",
        variables=OF_FLOW,
        chosen=_CHOSEN,
    )


def _slow_inside(scale: Scale) -> Alert:
    return Alert(
        "SearchClientsSlowInside",
        _slower(INSIDE, SLOWER_INSIDE),
        "ticket",
        scale(_FOR),
        f"{labelled(_OPERATION)} takes {_SECONDS} longer inside {labelled(JOB)} for {_WHOM} than for the others",
        f"Mean time from the entry on, in the last {_WINDOW}: the network between client and entry is not included.",
        variables=OF_FLOW,
        chosen=_CHOSEN,
    )


def _slow_on_the_way(scale: Scale) -> Alert:
    return Alert(
        "SearchClientsSlowOnTheWay",
        f"({_slower(ON_THE_WAY, SLOWER_ON_THE_WAY)}) unless {ON_THE_WAY} < {AS_USUAL} * {USUAL}",
        "ticket",
        scale(_FOR),
        f"{labelled(_OPERATION)} requests of {_WHOM} are {_SECONDS} longer on the way than those of the others",
        f"Mean time between client and entry, in the last {_WINDOW}; it is at least {AS_USUAL:g} times that of the "
        f"{_USUAL} before. Our services are not the cause.",
        variables=OF_OPERATION,
        chosen=_CHOSEN,
    )
