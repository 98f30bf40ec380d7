"""A stage is slower than before, in one version alone, or in one process alone.

In: a `Scale`. Out: a group: seconds and runs of each stage by process and version, their means, and alerts. State:
none. Stages that only contain others are left out, so that an alert names the stage that spends the time.
"""

from collections.abc import Iterator
from typing import Final

from dashboards.alerts.comparison import Comparison
from dashboards.alerts.rule import OF_SERVICE, Alert, Group, Record, labelled
from dashboards.alerts.windows import Scale
from dashboards.promql import series
from telemetry import conventions as c

LEAST: Final = 20
"""Runs of a stage, without which its mean says nothing."""
SLOWER: Final = 0.05
"""Seconds more, below which no person notices."""
TIMES_OTHERS: Final = 2
"""How many times the mean of other versions or processes, which do the same at the same time."""
TIMES_BEFORE: Final = 3
"""How many times the mean of the hours before: requests differ between then and now."""
FRAMES: Final = (c.ENCODE.name, c.INFERENCE.name, c.TXT_MINIBATCH_ENCODING.name, c.IMG_MINIBATCH_ENCODING.name)

SECONDS: Final = "search_stage:seconds:increase"
RUNS: Final = "search_stage:runs:increase"
MEAN: Final = "search_stage:seconds:mean"
BEFORE: Final = "search_stage:seconds:mean_before"
BY_VERSION: Final = "search_stage:seconds:mean_by_version"
BY_PROCESS: Final = "search_stage:seconds:mean_by_process"
OTHERS: Final = "_of_others"

_WINDOW, _USUAL, _BEFORE, _FOR, _EVALUATED = "10m", "6h", "15m", "2m", "30s"
_STAGE: Final = "job, search_operation, search_stage"
_VERSIONS: Final = Comparison(_STAGE, "service_version")
_PROCESSES: Final = Comparison(_VERSIONS.by, "instance")
_VARIABLES: Final = {**OF_SERVICE, "stage": labelled("search_stage")}
_WHERE: Final = "Stage {{ $labels.search_stage }} of {{ $labels.job }}"
_LONGER: Final = "takes {{ $value | humanizeDuration }} longer"


def group(scale: Scale) -> Group:
    """Return the rules."""
    alerts = (_version(scale), _process(scale), _before(scale))
    return Group("search_stages", scale(_EVALUATED), (*_records(scale), *alerts))


def _records(scale: Scale) -> Iterator[Record]:
    for name, part in ((SECONDS, "sum"), (RUNS, "count")):
        yield Record(name, _added(part, scale(_WINDOW)))
    for name, among in ((BY_VERSION, _VERSIONS), (BY_PROCESS, _PROCESSES)):
        yield Record(name, among.ratio(SECONDS, RUNS, wholes=LEAST))
        yield Record(name + OTHERS, among.ratio_of_others(SECONDS, RUNS, wholes=LEAST))
    past = f"[{scale(_USUAL)}] offset {scale(_BEFORE)}"
    for name, seconds, runs in (
        (MEAN, SECONDS, RUNS),
        (BEFORE, f"sum_over_time({SECONDS}{past})", f"sum_over_time({RUNS}{past})"),
    ):
        yield Record(name, f"sum by ({_STAGE}) ({seconds}) / (sum by ({_STAGE}) ({runs}) >= {LEAST})")


def _added(part: str, window: str) -> str:
    """Return what was added by each process, with its version."""
    where = {c.SEARCH_STAGE: f'!~"{"|".join(FRAMES)}"'}
    added = f"increase({series(c.STAGE_DURATION, part, where, flow='')}[{window}])"
    version = "max by (job, instance, service_version) (target_info)"
    return f"sum by ({_PROCESSES.by}) ({added} * on (job, instance) group_left (service_version) {version})"


def _slower(mean: str, usual: str, times: int) -> str:
    return f"{mean} - {usual} > {SLOWER} and {mean} > {times} * {usual}"


def _version(scale: Scale) -> Alert:
    time = series(c.DEPLOYMENT_TIME, flow="")
    began = (
        f"label_replace(max by (job, search_deployment_version) ({time}), "
        '"service_version", "$1", "search_deployment_version", "(.*)")'
    )
    older = f"({began} + {scale.seconds('1h'):g} < on (job) group_left () max by (job) ({time}))"
    return Alert(
        "SearchVersionSlower",
        f"({_slower(BY_VERSION, BY_VERSION + OTHERS, TIMES_OTHERS)}) unless on (job, service_version) {older}",
        "ticket",
        scale(_FOR),
        f"{_WHERE} {_LONGER} in version {labelled('service_version')} than in the others",
        f"Means of the last {_WINDOW}, of versions that run at the same time. The alert does not name a version that "
        "began more than an hour before the newest one: if the older version is slower, the new one is better.",
        "search-stage",
        _VARIABLES,  # without the version: the board compares it with the others
    )


def _process(scale: Scale) -> Alert:
    return Alert(
        "SearchReplicaSlower",
        _slower(BY_PROCESS, BY_PROCESS + OTHERS, TIMES_OTHERS),
        "ticket",
        scale(_FOR),
        f"{_WHERE} {_LONGER} in process {labelled('instance')} than in the others",
        f"Means of the last {_WINDOW}, of processes of the same version that serve the same operation.",
        "search-stage",
        _VARIABLES,
    )


def _before(scale: Scale) -> Alert:
    return Alert(
        "SearchStageSlower",
        _slower(MEAN, BEFORE, TIMES_BEFORE),
        "ticket",
        scale(_FOR),
        f"{_WHERE} {_LONGER} than before",
        f"Mean of the last {_WINDOW}, compared with that of the {_USUAL} before, over all processes.",
        "search-stage",
        _VARIABLES,
    )
