"""Whatever is asked in PromQL: it is answered, or a `QueryError` says why it is not."""

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.local import promql
from collector.local.errors import QueryError
from tests.unit.promql_store import START_S, MetricStore

LEAVES = (
    "load", "calls_total[1m]", "3", '"a"', "time()", 'load{a!~".*x"} offset 1m', "took_bucket", "vector(0)", "-Inf",
)  # fmt: skip
FORMS = (
    "{} + {}", "{} > bool {}", "{} == {}", "{} or {}", "{} unless on (a) {}", "{} / on (a) group_left (b) {}",
    "-{}", "({})", "sum by (a) ({})", "topk({}, {})", "quantile without (a) ({}, {})", "rate({})",
    "max_over_time({})", "({})[5m:1m]", "histogram_quantile({}, {})", 'label_replace({}, "x", "$1", "a", "(.*)")',
    "clamp({}, {}, 1)", "scalar({})", "sort({})", "timestamp({})", "round({}, {})", "irate({})", "resets({})",
    "count_over_time({})",
)  # fmt: skip
QUERIES = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.builds(
        lambda form, first, second: form.replace("{}", first, 1).replace("{}", second, 1),
        st.sampled_from(FORMS), inner, inner,
    ),
    max_leaves=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def store() -> Iterator[MetricStore]:
    store = MetricStore()
    store.counter("calls", [1, 5, 2, 9], attributes={"a": "1"})
    for seconds in (0, 15, 30):
        store.point("load", seconds, double_value=1.0, attributes={"a": "1"})
        store.point("load", seconds, double_value=math.nan, attributes={"a": "2", "b": "x"})
        store.point(
            "took", seconds, type="histogram", temporality="cumulative", bounds=[1.0], bucket_counts=[1, seconds],
            count=1 + seconds,
        )  # fmt: skip
    yield store
    store.connection.close()


@given(st.one_of(QUERIES, QUERIES, QUERIES, st.text(max_size=30)))
@settings(max_examples=150, deadline=None)
def test_any_query_is_answered_or_is_refused(store: MetricStore, query: str) -> None:
    """What is answered for several steps at once is, at each of them, what a query at that time alone returns."""
    begin = START_S * 1000
    now = begin + 30_000
    over_range = alone = None
    with suppress(QueryError):
        over_range = promql.over_range(store.connection, query, begin, begin + 60_000, 15_000)
    with suppress(QueryError):
        alone = promql.instant(store.connection, query, now)
    if over_range is not None:
        assert alone is not None
        assert values(over_range, now) == pytest.approx(values(alone, now), nan_ok=True)


def values(answer: dict[str, Any], now_ms: int) -> dict[str, float]:
    """Return the value of each series at a time, by its labels; a number is a series without labels."""
    found = answer["result"] if answer["resultType"] != "scalar" else [{"metric": {}, "value": answer["result"]}]
    return {
        repr(sorted(one["metric"].items())): float(value)
        for one in found
        for when, value in one.get("values", [one.get("value")])
        if when == now_ms / 1000
    }
