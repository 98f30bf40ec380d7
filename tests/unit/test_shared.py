"""What slow or failed traces share, metrics by any attribute, and the time that both are asked for."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from collector.local import query
from collector.local.api.answers import answer
from collector.local.errors import CollectorError
from collector.local.query import QueryError, TraceFilter, parse_moment
from collector.local.render.choosing import chosen, counted_since
from collector.local.render.metric import metric_table
from collector.local.render.tables import shared_table
from tests.unit.query_store import MS, START, HandFilledStore
from tests.unit.test_render_tables import buckets, metric, point, printed, series

SECOND = 10**9
MORNING = "2023-11-14T22:13:20"
"""`START`."""


@pytest.fixture
def store() -> Iterator[HandFilledStore]:
    """Forty searches; the sixteen of the second replica are slow, eight of them failed."""
    store = HandFilledStore()
    for replica in (1, 2):
        resource = json.dumps({"service.instance.id": f"replica-{replica}"})
        store.insert("resources", resource_id=replica, service="indexer", attributes=resource)
    for number in range(40):
        trace, is_slow = f"{number:032x}", number < 16
        asked: dict[str, Any] = {
            "attributes": {"client.region": "cl" if number % 2 else "de", "score": number * 7 % 40}
        }
        status = "error" if is_slow and number % 4 < 2 else "unset"
        store.span(trace, "1", None, "/search", number * 1000, number * 1000 + (200 if is_slow else 20), **asked)
        store.span(
            trace, "2", "1", "qdrant_search", number * 1000, number * 1000 + 10, service="indexer", status=status,
            resource_id=2 if is_slow else 1,
        )  # fmt: skip
    yield store
    store.connection.close()


def test_slow_traces_share_what_the_others_have_less_often(store: HandFilledStore) -> None:
    """The region is as frequent in both, and so are scores."""
    slow = query.shared(store.connection, TraceFilter(min_duration_ns=100 * MS))
    assert slow[0] == query.SharedRow(["indexer"], "service.instance.id", "=", "replica-2", 16, 16, 0, 24)
    assert len(slow) == 1
    failed = query.shared(store.connection, TraceFilter(status="error"), limit=3)
    assert [(row.value, row.matching, row.others, row.of_others) for row in failed[:1]] == [("replica-2", 8, 8, 32)]
    assert printed(lambda console: shared_table([vars(row) for row in slow[:1]], console)).splitlines()[-1].split() == [
        "service.instance.id=replica-2", "indexer", "100", "%", "0", "%",
    ]  # fmt: skip


def test_the_time_of_traces_is_when_they_began(store: HandFilledStore) -> None:
    """An age or a time, from the one to the other."""
    now = START + 9 * SECOND
    assert parse_moment("2s", "since", now) == START + 7 * SECOND
    assert parse_moment(f"{MORNING}Z", "since", now) == parse_moment(MORNING, "since", now) == START
    assert parse_moment(f"{MORNING}.000002+01:00", "since", now) == START + 2000 - 3600 * SECOND
    times = [("since", "2023-11-14T22:13:22"), ("until", "2023-11-14T22:13:24")]
    found = answer(store.connection, "/api/traces", times)["traces"]
    assert [int(row["trace_id"], 16) for row in found] == [4, 3, 2]
    times = [("since", "2023-11-14T22:13:32"), ("until", "2023-11-14T22:13:52")]
    (row, *_) = answer(store.connection, "/api/shared", [*times, ("min_duration", "100ms")])["shared"]
    assert (row["of_matching"], row["of_others"]) == (4, 17)
    with pytest.raises(QueryError, match="since='yesterday' is not a time") as raised:
        answer(store.connection, "/api/traces", [("since", "yesterday")])
    assert "since=5m" in raised.value.hint


def test_a_metric_has_the_values_of_a_time(store: HandFilledStore) -> None:
    """Points that came later are as if they had not come."""
    for number, value in enumerate((3, 5, 9)):
        store.insert(
            "metric_points", name="c", type="sum", temporality="cumulative", attributes="{}", int_value=value,
            point_id=number, time_unix_ns=START + number * SECOND,
        )  # fmt: skip
    assert answer(store.connection, "/api/metrics/c", [("until", "2023-11-14T22:13:19")])["series"] == []
    until = ("until", "2023-11-14T22:13:21.5")
    (found,) = answer(store.connection, "/api/metrics/c", [("latest", "true"), until])["series"]
    assert [one["value"] for one in found["points"]] == [5]


def test_counts_since_a_time_are_what_was_added_to_them() -> None:
    """Of each process by itself; one that began later counts wholly, and one that counted nothing is left out."""
    before = metric(
        "sum", "", series(point(value=7), stage="a"), series(point(value=2, start_unix_ns=1), stage="b"),
        series(point(value=4), stage="same"),
    )  # fmt: skip
    now = metric(
        "sum", "", series(point(value=9), stage="a"),
        series(point(value=2, start_unix_ns=1), point(value=5, start_unix_ns=2), stage="b"),
        series(point(value=4), stage="same"),
    )  # fmt: skip
    found = counted_since(now, before)["series"]
    assert {one["attributes"]["stage"]: [p["value"] for p in one["points"]] for one in found} == {"a": [2], "b": [5]}


def test_histograms_deltas_and_gauges_since_a_time() -> None:
    """Buckets are subtracted, deltas that had come are left out, a gauge is what it is now."""
    before, now = (metric("histogram", "s", series(buckets(counts))) for counts in ([1, 2, 0], [1, 5, 4]))
    (only,) = counted_since(now, before)["series"][0]["points"]
    assert (only["bucket_counts"], only["count"], only["max"]) == ([0, 3, 4], 7, None)
    first, second = point(value=7, time_unix_ns=1), point(value=5, time_unix_ns=2)
    deltas = [metric("sum", "", series(*points, temporality="delta")) for points in ([first], [first, second])]
    assert counted_since(deltas[1], deltas[0])["series"][0]["points"] == [second]
    gauge = metric("gauge", "", series(point(value=3), monotonic=False))
    assert counted_since(gauge, gauge) == gauge
    with pytest.raises(CollectorError, match="is an exponential histogram"):
        counted_since(metric("exponential_histogram", ""), now)


def test_rows_by_an_attribute_are_sums_the_highest_first() -> None:
    """By attributes of the series and of its resource; those without them are one row."""
    counted = [("de", "ok", 3), ("cl", "ok", 4), ("cl", "error", 5), (None, "ok", 1)]
    rows = [series(point(value=value), region=region, outcome=outcome) for region, outcome, value in counted]
    for one in rows:
        one["resource"]["service.version"] = "2.0.0"
    del rows[-1]["attributes"]["region"]
    answered = chosen(metric("sum", "", *rows), ["region", "service.version"], {})
    shown = printed(lambda console: metric_table(answered, console, 0, highest_first=True)).splitlines()
    assert [line.split() for line in shown[3:]] == [
        ["cl", "·", "2.0.0", "9"], ["de", "·", "2.0.0", "3"], ["-", "·", "2.0.0", "1"],
    ]  # fmt: skip
    with pytest.raises(CollectorError, match="has no attribute 'regoin'") as mistake:
        chosen(metric("sum", "", *rows), ["regoin"], {})
    assert mistake.value.hint == "Did you mean region?"
    only = chosen(metric("sum", "", *rows), [], {"outcome": "error", "service.version": "2.0.0"})
    assert [one["points"][0]["value"] for one in only["series"]] == [5]
