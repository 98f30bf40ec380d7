"""Writes PromQL with the names of `telemetry.conventions`.

In: a metric, the attributes to group and to select by. Out: an expression. State: none. On boards an expression has the
series of the chosen `$namespace`, `$service` and `$version` alone (`FLOW`); rules have no variables and pass `""`.
An attribute of the resource, such as `service.version`, is taken from `target_info`, and the service's name from `job`:
series do not have them.
"""

import traceback
from collections.abc import Mapping, Sequence
from typing import Final

from telemetry import conventions as c
from telemetry.errors import TelemetryError
from telemetry.prometheus.names import label_name, metric_name


class NotAMetricError(TelemetryError):
    """A board or a rule asks for something that is not a metric of `telemetry.conventions`."""


Where = Mapping[c.Attribute, str]
"""From attribute to what PromQL has after its label: `="search"`, `=~"$platform"`."""
By = Sequence[c.Attribute | str]
"""Attributes or labels to group by."""

INTERVAL: Final = "$__rate_interval"
"""Grafana's: long enough for at least four scrapes."""
RANGE: Final = "$__range"
"""The time that the board shows."""
NOW: Final = "5m"
"""What is called now: long enough for percentiles of a few requests a second, short enough to see an incident."""
BEFORE: Final = "1h"
"""How far back the present is compared with."""
FLOW: Final = 'job=~"(?:$namespace/)$service"'
"""Selects the flow's services: `job` is `namespace/service`, or the service alone."""
NAMESPACE: Final = 'job=~"(?:$namespace/)[^/]+"'
"""Selects all services of the flow, and its clients, of whatever version."""
ANY_NAMESPACE: Final = "|.+"
"""What `$namespace` is for all flows: nothing, not even the slash, or any; so services without a namespace are there
too, which belong to no flow that can be chosen."""
ALL: Final = ""
"""Selects all: for rules, and for series that the collector makes of all flows."""
VERSION: Final = 'service_version=~"$version"'
"""The processes of the chosen versions, in `target_info`."""
OF_JOB: Final = {label_name(c.SERVICE_NAMESPACE.name): "(.+)/.*", label_name(c.SERVICE_NAME.name): "(?:.*/)?(.+)"}
"""The labels that are part of `job`, each with a regular expression whose group it is."""
_IN_INFO: Final = frozenset(label_name(attribute.name) for attribute in c.RESOURCE) - set(OF_JOB)


def name(metric: c.Metric) -> str:
    """Return a metric's name in Prometheus, without `_bucket`, `_sum` and `_count`.

    Raises:
        NotAMetricError: it is something else, such as a name; the error says where.
    """
    try:
        return metric_name(metric.name, metric.unit, metric.instrument.value)
    except AttributeError as error:
        asked = [frame for frame in traceback.extract_stack() if frame.filename != __file__][-1]
        where = f"{asked.filename}, line {asked.lineno}, in {asked.name}"
        raise NotAMetricError(
            f"{where}: {metric!r} is not a metric.", "Take one of telemetry.conventions, such as c.REQUEST_DURATION."
        ) from error


def label(attribute: c.Attribute | str) -> str:
    """Return an attribute's label in Prometheus; what is a label already stays as it is."""
    return attribute if isinstance(attribute, str) else label_name(attribute.name)


def series(metric: c.Metric, part: str = "", where: Where | None = None, flow: str = FLOW) -> str:
    """Return a selector of a metric's series; `part` is `bucket`, `sum` or `count` of a histogram."""
    matchers = [*([flow] if flow else []), *(f"{label(key)}{match}" for key, match in (where or {}).items())]
    return f"{name(metric)}{'_' * bool(part)}{part}{{{', '.join(matchers)}}}"


def rate(
    metric: c.Metric, by: By = (), where: Where | None = None, *, part: str = "", window: str = INTERVAL,
    flow: str = FLOW, function: str = "rate", ago: str = "",
) -> str:  # fmt: skip
    """Return the increase a second of a counter, or of a part of a histogram, summed by attributes or labels.

    `function` may be `increase`; `ago` is how long ago, such as `BEFORE`.
    """
    each = f"{function}({series(metric, part, where, flow)}[{window}]{_offset(ago)})"
    own = [key for key in _names(by) if key not in {"job", "instance"} | _IN_INFO | set(OF_JOB)]
    if flow == FLOW or set(_names(by)) & (_IN_INFO | set(OF_JOB)):  # few series are joined faster than many
        each = f"sum by (job, instance{''.join(f', {key}' for key in own)}) ({each})"
    return f"sum{grouped(by)} ({_of_processes(each, by, flow, ago)})"


def now(
    metric: c.Metric, by: By = (), where: Where | None = None, *, flow: str = FLOW, aggregate: str = "sum"
) -> str:  # fmt: skip
    """Return the present value of a gauge or an up-down counter, summed by attributes or labels."""
    return f"{aggregate}{grouped(by)} ({_of_processes(series(metric, '', where, flow), by, flow, '')})"


def quantile(
    share: float, metric: c.Metric, by: By = (), where: Where | None = None, *,
    window: str = INTERVAL, flow: str = FLOW, ago: str = "",
) -> str:  # fmt: skip
    """Return a percentile of a histogram, over all its series together; `share` is 0.95 for the 95th.

    It has no value where nothing was measured: `>= 0` removes NaN.
    """
    buckets = rate(metric, ("le", *by), where, part="bucket", window=window, flow=flow, ago=ago)
    return f"(histogram_quantile({share:g}, {buckets}) >= 0)"


def mean(metric: c.Metric, by: By = (), where: Where | None = None, *, window: str = INTERVAL, flow: str = FLOW) -> str:
    """Return the mean of a histogram's values, weighed by their number."""
    total, count = (rate(metric, by, where, part=part, window=window, flow=flow) for part in ("sum", "count"))
    return f"({total} / ({count} > 0))"


def ratio(part: str, whole: str, by: By = ()) -> str:
    """Return part / whole, 0 where nothing of the part has happened yet, and nothing where the whole is 0."""
    on = f" on ({', '.join(_names(by))})" if by else ""
    return f"(({part} or{on} 0 * {whole}) /{on} ({whole} > 0))"


def share_of_all(part: str, whole: str) -> str:
    """Return each series of part, as its share of the one series of whole."""
    return f"{part} / on () group_left () ({whole} > 0)"


def or_zero(expression: str) -> str:
    """Return an expression that is 0 where it would have no series; only for one without grouping."""
    return f"({expression} or vector(0))"


def grouped(by: By) -> str:
    """Return ` by (…)`, or nothing."""
    return f" by ({', '.join(_names(by))})" if by else ""


def _of_processes(each: str, by: By, flow: str, ago: str) -> str:
    """Return the series of the chosen versions, with the labels of the resource that are grouped by."""
    matcher = VERSION if flow == FLOW else ""
    info = f"target_info{{{matcher}}}{_offset(ago)}"
    wanted = _names(by)
    if labels := ", ".join(each_name for each_name in wanted if each_name in _IN_INFO):
        # `max` leaves one of them, should two collectors be scraped for one process
        each += f" * on (job, instance) group_left ({labels}) max by (job, instance, {labels}) ({info})"
    elif matcher:
        each += f" and on (job, instance) {info}"
    for part in (each_name for each_name in wanted if each_name in OF_JOB):
        each = f'label_replace({each}, "{part}", "$1", "job", "{OF_JOB[part]}")'
    return each


def _offset(ago: str) -> str:
    return f" offset {ago}" if ago else ""


def _names(by: By) -> list[str]:
    return [label(each) for each in by]
