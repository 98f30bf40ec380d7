"""PromQL that counts: what was added in a window, and what share of it.

In: metrics of `telemetry.conventions`, labels, windows. Out: expressions, for all services at once. State: none.

Traps that these functions know:

- A counter's series begins with its first event, and `increase` does not count that one: it is the difference of two
  samples. Where the first event matters, count it as the bucket of a histogram, which is there from the first request
  on, or by `increase_from_zero`, which takes what was not there before for zero.
- `job` is `namespace/service`. Versions are in `target_info` alone.
- A share of nothing is not a number: every denominator is compared with 0.
"""

from collections.abc import Sequence
from typing import Final

from dashboards.promql import Where, grouped, series
from dashboards.promql import rate as promql_rate
from telemetry import conventions as c
from telemetry.prometheus.names import bound

JOB: Final = "job"
LE: Final = c.Attribute("le", "double", "Upper bound of a bucket.")
"""The label of a bucket."""

By = Sequence[c.Attribute | str]


def increase(metric: c.Metric, by: By, where: Where, window: str, *, part: str = "") -> str:
    """Return how much a counter, or a part of a histogram, rose in a window, summed by labels."""
    return promql_rate(metric, by, where, part=part, window=window, flow="", function="increase")


def count_up_to(metric: c.Metric, by: By, where: Where, window: str, most: float) -> str:
    """Return how many values of a histogram in a window were at most `most`.

    Raises:
        ValueError: no bucket of the metric ends there.
    """
    if most not in metric.buckets:
        raise ValueError(f"{most:g} is not a bound of {metric.name}: {metric.buckets}")
    return increase(metric, by, {**where, LE: f'="{bound(most)}"'}, window, part="bucket")


def count_above(metric: c.Metric, by: By, where: Where, window: str, least: float) -> str:
    """Return how many values of a histogram in a window were above `least`, a bound of its buckets."""
    every = increase(metric, by, where, window, part="count")
    return f"({every} - {count_up_to(metric, by, where, window, least)})"


def increase_from_zero(metric: c.Metric, by: By, where: Where, window: str, *, part: str = "") -> str:
    """Return how much a counter rose in a window, summed by labels; a series that began in it rose from zero."""
    return f"sum{grouped(by)} ({each_from_zero(series(metric, part, where, flow=''), window)})"


def each_from_zero(counter: str, window: str) -> str:
    """Return how much each series of any program's counter rose in a window; one that began in it rose from zero."""
    return f"{counter} - ({counter} offset {window} or 0 * {counter})"
