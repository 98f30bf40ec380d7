"""PromQL on stored points: each value here is what Prometheus's documentation and source say."""

import json
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.local.errors import QueryError
from collector.local.promql.quantiles import of_buckets, quantile
from collector.local.promql.vectors import Samples, Windows
from collector.local.promql.windows import increase
from tests.unit.promql_store import PROCESS, START_S, MetricStore


@pytest.fixture
def store() -> Iterator[MetricStore]:
    store = MetricStore()
    yield store
    store.connection.close()


def test_names_labels_and_target_info_are_those_of_prometheus(store: MetricStore) -> None:
    """As the Collector's exporter writes them, and Prometheus with `honor_labels` keeps them."""
    store.point("search.pool.utilization", 0, unit="1", double_value=0.5, attributes={"search.stage": "encode", "n": 1})
    store.counter("search.requests", [1, 2], attributes={"ok": True})
    series = {"search_pool_utilization_ratio", "search_requests_total", "target_info"}
    found = {name: store.ask(f"count by (job, instance) ({name})", 15) for name in series}
    assert found == {name: {"": 1.0} for name in series}
    assert store.ask("search_pool_utilization_ratio", 0) == {"n=1,search_stage=encode": 0.5}
    assert store.ask('target_info{job="pamazon/gateway", instance="g1"}', 0) == {"service_version=1": 1.0}
    assert store.ask('search_requests_total{otel_scope_name="search"}', 15) == {"ok=true": 2.0}


def test_a_sample_is_the_present_value_for_five_minutes(store: MetricStore) -> None:
    store.point("load", 0, double_value=3.0)
    assert [store.ask("load", at) for at in (-1, 0, 299.999, 300)] == [{}, {"": 3.0}, {"": 3.0}, {}]
    assert store.ask("load offset 1h", 3600) == {"": 3.0}
    assert store.ask("timestamp(load)", 20) == {"": float(START_S)}


def test_a_rate_knows_resets_and_is_extrapolated_to_the_ends_of_its_window(store: MetricStore) -> None:
    """At 60 s the window has 15, 30, 45, 60: without its left end, where it was 0, and not below. 40 was a reset."""
    store.counter("calls", [0, 10, 20, 40, 5, 15])
    assert store.ask("increase(calls_total[1m])", 60) == {"": pytest.approx(40 + 5)}
    assert store.ask("rate(calls_total[1m])", 75) == {"": pytest.approx((15 + 40 - 20) * 60 / 45 / 60)}
    assert store.ask("irate(calls_total[1m])", 60) == {"": pytest.approx(5 / 15)}
    assert store.ask("resets(calls_total[5m])", 75) == {"": 1.0}
    assert store.ask("rate(calls_total[10s])", 60) == {}


def test_delta_points_are_added_up(store: MetricStore) -> None:
    for seconds, value in ((0, 4), (15, 6), (30, 1)):
        store.point("calls", seconds, type="sum", monotonic=True, temporality="delta", int_value=value)
    assert store.over("calls_total", 30, 15) == {"": [4.0, 10.0, 11.0]}


def test_a_series_in_several_pieces_goes_on(store: MetricStore) -> None:
    """The same labels from two stored resources, of which one has more than names a process."""
    store.resource(2, {**PROCESS, "more": 1})
    store.counter("calls", [1, 2])
    store.point("calls", 30, type="sum", monotonic=True, temporality="cumulative", double_value=7.0, resource_id=2)
    assert store.over("calls_total", 30, 15) == {"": [1.0, 2.0, 7.0]}


def test_a_histogram_without_buckets_has_sum_and_count(store: MetricStore) -> None:
    """OTLP allows that: who sent it keeps no distribution."""
    empty: dict[str, Any] = {"bucket_counts": [], "bounds": []}
    store.point("took", 0, type="histogram", temporality="cumulative", count=3, sum=6.0, **empty)
    assert store.ask("took_bucket", 0) == {}
    assert store.ask('count by (__name__) ({__name__=~"took.*"})', 0) == {"": 1.0}
    assert (store.ask("took_sum", 0), store.ask("took_count", 0)) == ({"": 6.0}, {"": 3.0})


def test_histograms_have_buckets_sum_and_count(store: MetricStore) -> None:
    for seconds, counts in ((0, [0, 0, 0]), (30, [2, 2, 0]), (60, [4, 4, 2])):
        store.point(
            "took", seconds, type="histogram", unit="s", temporality="cumulative", bounds=[0.1, 1.0],
            bucket_counts=counts, count=sum(counts), sum=3.0,
        )  # fmt: skip
    assert store.ask("took_seconds_bucket", 60) == {"le=0.1": 4.0, "le=1.0": 8.0, "le=+Inf": 10.0}
    assert store.ask('took_seconds_bucket{le="1.0"}', 60) == {"le=1.0": 8.0}
    assert store.ask("took_seconds_count", 60) == {"": 10.0}
    half = "histogram_quantile(0.5, sum by (le) (took_seconds_bucket))"
    assert store.ask(half, 60) == {"": pytest.approx(0.1 + 0.9 * (5 - 4) / 4)}
    assert math.isnan(store.ask("histogram_quantile(0.5, took_seconds_bucket)", 0)[""])
    assert store.ask("histogram_quantile(0.5, took_seconds_bucket) >= 0", 0) == {}


def test_vectors_are_matched_and_joined(store: MetricStore) -> None:
    for stage, value in (("a", 1.0), ("b", 3.0)):
        store.point("used", 0, double_value=value, attributes={"stage": stage})
    store.point("size", 0, double_value=4.0, attributes={"stage": "a", "host": "h"})
    assert store.ask("used / on (stage) size", 0) == {"stage=a": 0.25}
    assert store.ask("used * on (stage) group_left (host) size", 0) == {"host=h,stage=a": 4.0}
    assert store.ask("used and on (stage) size", 0) == {"stage=a": 1.0}
    assert store.ask("used unless on (stage) size", 0) == {"stage=b": 3.0}
    assert store.ask("size or on (stage) used", 0) == {"host=h,stage=a": 4.0, "stage=b": 3.0}
    assert store.ask("used > 1", 0) == {"stage=b": 3.0}
    assert store.ask("used > bool 1", 0) == {"stage=a": 0.0, "stage=b": 1.0}
    assert store.ask("sum(used) / on () group_right () used", 0) == {"stage=a": 4.0, "stage=b": pytest.approx(4 / 3)}
    with pytest.raises(QueryError, match="Several series on the right match"):
        store.ask("size / on (host) used", 0)


def test_aggregations_and_functions(store: MetricStore) -> None:
    for stage, value in (("a", 1.0), ("b", 3.0), ("c", 8.0)):
        store.point("used", 0, double_value=value, attributes={"stage": stage})
    single = {"sum": 12.0, "min": 1.0, "max": 8.0, "avg": 4.0, "count": 3.0, "group": 1.0, "stdvar": 26 / 3}
    assert {name: store.ask(f"{name}(used)", 0)[""] for name in single} == pytest.approx(single)
    assert store.ask("quantile(0.25, used)", 0) == {"": 2.0}
    assert store.ask("topk(1, used)", 0) == {"stage=c": 8.0}
    assert store.ask("sum without (stage) (used)", 0) == {"": 12.0}
    assert store.ask("scalar(sum(used)) * 2 ^ 3", 0) == {"": 96.0}
    assert store.ask("clamp_max(-used + 2, 0)", 0) == {"stage=a": 0.0, "stage=b": -1.0, "stage=c": -6.0}
    assert store.ask("round(used / 2)", 0) == {"stage=a": 1.0, "stage=b": 2.0, "stage=c": 4.0}
    assert store.ask("max(max_over_time(used[5m:1m])) or vector(0)", 60) == {"": 8.0}
    assert store.ask("sum(nothing) or vector(0)", 0) == {"": 0.0}
    assert store.ask("time() - 1", 1) == {"": float(START_S)}


def test_labels_are_selected_and_replaced_by_regular_expressions_of_re2(store: MetricStore) -> None:
    """A regular expression that would take Python's own a lifetime takes no time."""
    store.point("used", 0, double_value=1.0, attributes={"stage": "a" * 40 + "!"})
    store.point("used", 0, double_value=2.0, attributes={"other": "x"})
    assert store.ask('used{stage=~"(a+)+"}', 0) == {}
    assert store.ask('used{stage!~"(a+)+.", other="x"}', 0) == {"other=x": 2.0}
    assert store.ask('used{stage=""}', 0) == {"other=x": 2.0}
    assert store.ask('label_replace(used{other="x"}, "flow", "<$1>", "job", "(.*)/.*")', 0) == {
        "flow=<pamazon>,other=x": 2.0
    }
    assert store.ask('label_replace(used{other="x"}, "other", "", "other", "(.*)")', 0) == {"": 2.0}
    with pytest.raises(QueryError, match="not a regular expression"):
        store.ask('label_replace(used, "to", "", "stage", "(")', 0)


def test_a_time_without_data_is_absent_in_a_range(store: MetricStore) -> None:
    store.point("load", 0, double_value=1.0)
    store.point("load", 600, double_value=2.0)
    assert store.over("load", 660, 60) == {"": [1.0] * 5 + [2.0] * 2}


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("sum(", "does not parse"),
        ("load @ 5", "The modifier @"),
        ("predict_linear(load[5m], 5)", "The function predict_linear"),
        ("count_values('x', load)", "The aggregation count_values"),
        ("load[5m]", "A range vector as the answer"),
        ('label_replace(load, "1x", "a", "b", "c")', "not the name of a label"),
        ("sum_over_time(load[10y:1s])", "A subquery has"),
        ("load offset 101y", "longer than a century"),
        ("(" * 200 + "1" + ")" * 200, "nested too deeply"),
        ("+".join(["1"] * 999), "too many operators"),
        ("sort(1)", "does not parse"),
    ],
)
def test_what_is_not_supported_is_named(store: MetricStore, query: str, wrong: str) -> None:
    store.point("load", 0, double_value=1.0)
    with pytest.raises(QueryError, match=wrong):
        store.ask(query, 0)


counts = st.lists(st.integers(0, 50), min_size=2, max_size=8)


@given(counts, st.floats(0, 1, exclude_min=True))
def test_a_percentile_lies_in_the_bucket_of_its_rank(counted: list[int], share: float) -> None:
    """Between the bounds of the first bucket up to which there are enough values."""
    bounds = np.array([*range(1, len(counted)), math.inf], dtype=np.float64)
    total = np.cumsum(counted).astype(np.float64)
    found = of_buckets(np.array([share]), bounds, total[:, np.newaxis])[0]
    if total[-1] == 0:
        assert math.isnan(found)
        return
    bucket = int(np.argmax(total >= share * total[-1]))
    upper = bounds[min(bucket, len(bounds) - 2)]
    lower = 0.0 if bucket == 0 else bounds[min(bucket, len(bounds) - 1) - 1]
    assert lower - 1e-9 <= found <= upper + 1e-9


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(0, 1))
def test_a_quantile_is_numpys(values: list[float], share: float) -> None:
    assert quantile(share, np.array(values)) == pytest.approx(np.quantile(values, share), abs=1e-6)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=30), st.data())
def test_an_increase_is_what_was_added_whatever_resets(added: list[int], data: st.DataObject) -> None:
    """Over all samples, whose ends are those of the window: nothing is left to extrapolate but one interval."""
    at = data.draw(st.sets(st.integers(1, len(added) - 1)))
    values, total = [], 0
    for number, each in enumerate(added):
        total = each if number in at else total + each
        values.append(float(total))
    times = np.arange(len(added), dtype=np.int64) * 1000
    windows = Windows([Samples([{}], times, np.array([values]))], times[-1:], int(times[-1]) + 1)
    counted = sum(now if now < before else now - before for before, now in pairwise(values))
    found = increase(windows)
    assert found.values[0, 0] == pytest.approx(counted, rel=2e-3)


def test_of_many_points_few_of_each_window_are_read(store: MetricStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate of a counter that rises evenly stays what it is."""
    store.counter("calls", [float(number) for number in range(200)], every=1)
    monkeypatch.setattr("collector.local.promql.reading.MOST_POINTS", 100)
    read = store.over("rate(calls_total[40s])", 199, 20)[""]
    assert read[3:] == pytest.approx([1.0] * 6, rel=0.02)
    assert store.ask("max_over_time(calls_total[40s])", 199) == {"": 199.0}


def test_exemplars_lead_to_traces_one_for_each_part_of_the_time(store: MetricStore) -> None:
    from collector.local import promql

    for seconds, value, trace in ((0, 1.0, "a"), (1, 9.0, "b"), (600, 2.0, "c")):
        point = store.point(
            "took", seconds, type="histogram", unit="s", temporality="cumulative", bounds=[1.0],
            bucket_counts=[1, 1], count=2, sum=1.0, attributes={"stage": "x"},
        )  # fmt: skip
        time_ns = int((START_S + seconds) * 1e9)
        store.insert("exemplars", point_id=point, time_unix_ns=time_ns, double_value=value, trace_id=trace * 32)
    query = 'histogram_quantile(0.95, sum by (le) (rate(took_seconds_bucket{stage="x"}[1m])))'
    (found,) = promql.exemplars(store.connection, query, START_S * 1000, START_S * 1000 + 3_600_000)
    assert found["seriesLabels"]["stage"] == "x"
    assert [(each["labels"]["trace_id"][0], each["value"]) for each in found["exemplars"]] == [("b", "9"), ("c", "2")]
    assert promql.exemplars(store.connection, "took_seconds_bucket{stage='y'}", 0, START_S * 2000) == []


def test_the_answer_has_prometheus_shape(store: MetricStore) -> None:
    from collector.local.api.answers import answer

    store.point("load", 0, double_value=math.inf)
    found = answer(store.connection, "/api/query", [("query", "load"), ("time", f"{START_S}.5")])
    assert found["status"] == "success"
    assert found["data"]["result"][0]["value"] == [START_S + 0.5, "+Inf"]
    pairs = [("query", "1"), ("start", "2023-11-14T22:13:20Z"), ("end", str(START_S + 30)), ("step", "15s")]
    assert json.dumps(answer(store.connection, "/api/query_range", pairs)["data"]["result"]) == json.dumps(
        [{"metric": {}, "values": [[START_S + 15.0 * step, "1"] for step in range(3)]}]
    )
    for wrong in (("step", "0"), ("step", "x"), ("start", "nan"), ("end", "1e99"), ("query", "")):
        with pytest.raises(QueryError):
            answer(store.connection, "/api/query_range", [*(pair for pair in pairs if pair[0] != wrong[0]), wrong])
