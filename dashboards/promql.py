"""Writes PromQL with the names of `telemetry.conventions`.

In: a metric, the attributes to group and to select by. Out: an expression. State: none. On boards an expression has the
series of the chosen `$namespace`, `$service` and `$version` alone (`FLOW`); rules have no variables and pass `""`.
"""

from collections.abc import Mapping, Sequence

from telemetry import conventions as c
from telemetry.prometheus.names import label_name, metric_name

Where = Mapping[c.Attribute, str]
"""From attribute to what PromQL has after its label: `="search"`, `=~"$platform"`."""

INTERVAL = "$__rate_interval"
"""Grafana's: long enough for at least four scrapes."""
RANGE = "$__range"
"""The time that the board shows."""
FLOW = 'job=~"(?:$namespace/)?$service"'
"""Selects the flow's services: `job` is `namespace/service`, or the service alone."""
VERSION = 'target_info{service_version=~"$version"}'
"""The processes of the chosen versions: other series have no version of their own.

Attributes of the process, such as `service.version`, are grouped by like any other: they are taken from here.
"""


def name(metric: c.Metric) -> str:
    """Return a metric's name in Prometheus, without `_bucket`, `_sum` and `_count`."""
    return metric_name(metric.name, metric.unit, metric.instrument.value)


def label(attribute: c.Attribute | str) -> str:
    """Return an attribute's label in Prometheus; a label as it is."""
    return attribute if isinstance(attribute, str) else label_name(attribute.name)


def series(metric: c.Metric, part: str = "", where: Where | None = None, flow: str = FLOW) -> str:
    """Return a selector of a metric's series; `part` is `bucket`, `sum` or `count` of a histogram."""
    matchers = [*([flow] if flow else []), *(f"{label(key)}{match}" for key, match in (where or {}).items())]
    return f"{name(metric)}{'_' * bool(part)}{part}{{{', '.join(matchers)}}}"


def rate(
    metric: c.Metric, by: Sequence[c.Attribute | str] = (), where: Where | None = None, *, part: str = "",
    window: str = INTERVAL, flow: str = FLOW, function: str = "rate",
) -> str:  # fmt: skip
    """Return the increase a second of a counter, or of a part of a histogram, summed by attributes or labels."""
    each = f"{function}({series(metric, part, where, flow)}[{window}])"
    return f"sum{grouped(by)} ({each}{_process(by, flow)})"


def now(metric: c.Metric, by: Sequence[c.Attribute | str] = (), where: Where | None = None, *, flow: str = FLOW) -> str:
    """Return the present value of a gauge or an up-down counter, summed by attributes or labels."""
    return f"sum{grouped(by)} ({series(metric, '', where, flow)}{_process(by, flow)})"


def quantile(
    share: float, metric: c.Metric, by: Sequence[c.Attribute | str] = (), where: Where | None = None, *,
    window: str = INTERVAL, flow: str = FLOW,
) -> str:  # fmt: skip
    """Return a percentile of a histogram, over all its series together; `share` is 0.95 for the 95th.

    Where nothing was measured there is no value, in place of Prometheus' NaN.
    """
    buckets = rate(metric, ("le", *by), where, part="bucket", window=window, flow=flow)
    return f"(histogram_quantile({share:g}, {buckets}) >= 0)"


def mean(
    metric: c.Metric, by: Sequence[c.Attribute | str] = (), where: Where | None = None, *,
    window: str = INTERVAL, flow: str = FLOW,
) -> str:  # fmt: skip
    """Return the mean of a histogram's values, weighed by their number."""
    total, count = (rate(metric, by, where, part=part, window=window, flow=flow) for part in ("sum", "count"))
    return f"({total} / ({count} > 0))"


def ratio(part: str, whole: str, by: Sequence[c.Attribute | str] = ()) -> str:
    """Return part / whole, 0 where nothing of the part has happened yet, and nothing where the whole is 0."""
    on = f" on ({', '.join(_names(by))})" if by else ""
    return f"({part} or{on} 0 * {whole}) /{on} ({whole} > 0)"


def or_zero(expression: str) -> str:
    """Return an expression that is 0 where it would have no series; only for one without grouping."""
    return f"({expression} or vector(0))"


def grouped(by: Sequence[c.Attribute | str]) -> str:
    """Return ` by (…)`, or nothing."""
    return f" by ({', '.join(_names(by))})" if by else ""


def _names(by: Sequence[c.Attribute | str]) -> list[str]:
    return [label(each) for each in by]


def _process(by: Sequence[c.Attribute | str], flow: str) -> str:
    """Return what joins the process of each series: for its version, or for attributes to group by."""
    info = VERSION if flow else "target_info"
    taken = ", ".join(label(each) for each in by if each in c.RESOURCE)
    if taken:
        return f" * on (job, instance) group_left ({taken}) {info}"
    return f" and on (job, instance) {info}" if flow else ""
