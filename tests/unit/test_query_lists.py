"""Services, operations, metrics, logs and counts, asked of stores that were filled by hand; cursors and durations."""

from collections.abc import Iterator
from typing import Any

import pytest

from collector.local import query
from collector.local.query import QueryError, TraceFilter
from tests.unit.query_store import MS, START, A, B, HandFilledStore, fill_with_three_traces


@pytest.fixture
def store() -> Iterator[HandFilledStore]:
    """An empty store in memory, closed afterwards."""
    store = HandFilledStore()
    yield store
    store.connection.close()


@pytest.fixture
def three_traces(store: HandFilledStore) -> HandFilledStore:
    """Traces of two services, one with an error."""
    fill_with_three_traces(store)
    return store


def test_operations_have_rate_errors_and_percentiles(store: HandFilledStore) -> None:
    """Over all spans of the operation: nearest-rank percentiles, errors as a share, rate over the time they spanned."""
    for i in range(100):
        store.span(
            f"{i:032x}", "1", name="encode", start_ms=i * 40, end_ms=i * 40 + i + 1, status="error" if i < 5 else "ok"
        )
    (row,) = query.operations(store.connection).rows
    assert row == query.OperationRow(
        service="gateway",
        operation="encode",
        kind="internal",
        count=100,
        rate=100 * 1e9 / (4060 * MS),
        error_ratio=0.05,
        p50_ns=50 * MS,
        p95_ns=95 * MS,
        p99_ns=99 * MS,
    )


def test_a_single_span_has_a_rate_of_one_per_second(store: HandFilledStore) -> None:
    """A rate over less than a second would tell of the clock, not of the load."""
    store.span(A, "1", start_ms=0, end_ms=1)
    assert query.operations(store.connection).rows[0].rate == 1.0


def test_operations_of_one_service_and_in_pages(three_traces: HandFilledStore) -> None:
    """Sorted by service, name and kind; the cursor goes on after the last one."""
    connection = three_traces.connection
    assert [row.operation for row in query.operations(connection, "indexer").rows] == ["qdrant_index", "qdrant_search"]
    first = query.operations(connection, limit=3)
    second = query.operations(connection, limit=3, before=first.next)
    names = [(row.service, row.operation) for row in [*first.rows, *second.rows]]
    assert names == [
        ("gateway", "/index"),
        ("gateway", "/search"),
        ("indexer", "qdrant_index"),
        ("indexer", "qdrant_search"),
    ]
    assert second.next is None


def test_services_in_pages(three_traces: HandFilledStore) -> None:
    """A service's row says how much it sent, and when."""
    first = query.services(three_traces.connection, limit=1)
    second = query.services(three_traces.connection, limit=1, before=first.next)
    assert first.rows == [query.ServiceRow("gateway", 3, 0, 2, START, START + 230 * MS)]
    assert second.rows == [query.ServiceRow("indexer", 2, 1, 2, START + 2 * MS, START + 225 * MS)]
    assert second.next is None


def test_a_metric_comes_back_as_series_with_exemplars(store: HandFilledStore) -> None:
    """Points of one attribute set are one series, oldest first; exemplars stand at their point."""
    common: dict[str, Any] = {
        "name": "d",
        "type": "histogram",
        "unit": "s",
        "description": "how long",
        "service": "gateway",
    }
    histogram = {"count": 3, "sum": 0.5, "bounds": [0.1], "bucket_counts": [2, 1], "temporality": "cumulative"}
    for point, time, label in ((1, 20, "a"), (2, 10, "a"), (3, 10, "b")):
        row = {"point_id": point, "time_unix_ns": START + time, "attributes": f'{{"stage": "{label}"}}'}
        store.insert("metric_points", **common, **histogram, **row)
    exemplar = {"time_unix_ns": START, "double_value": 0.25, "trace_id": A, "span_id": "a1", "attributes": "{}"}
    store.insert("exemplars", point_id=1, **exemplar)
    found = query.metric(store.connection, "d")
    assert (found.type, found.unit, found.description, found.next) == ("histogram", "s", "how long", None)
    assert [(s.attributes, [p.time_unix_ns - START for p in s.points]) for s in found.series] == [
        ({"stage": "a"}, [10, 20]),
        ({"stage": "b"}, [10]),
    ]
    newest = found.series[0].points[1]
    assert (newest.count, newest.sum, newest.bounds, newest.bucket_counts) == (3, 0.5, [0.1], [2, 1])
    assert newest.exemplars == [query.Exemplar(START, 0.25, A, "a1", {})]


def test_pages_of_a_metric_go_back_in_time(store: HandFilledStore) -> None:
    """The newest points come first; the cursor leads to those before."""
    for i in range(5):
        store.insert("metric_points", name="c", type="sum", attributes="{}", int_value=i, point_id=i, time_unix_ns=i)
    first = query.metric(store.connection, "c", limit=3)
    second = query.metric(store.connection, "c", limit=3, before=first.next)
    values = [[point.value for point in page.series[0].points] for page in (first, second)]
    assert values == [[2, 3, 4], [0, 1]]
    assert second.next is None


def test_the_latest_points_are_those_that_a_current_value_is_made_of(store: HandFilledStore) -> None:
    """Of a cumulative series the last point of each run of its process; of a delta series all."""
    rows = [
        ("cumulative", "{}", 1, 10, 100),
        ("cumulative", "{}", 1, 20, 200),
        ("cumulative", "{}", 15, 16, 1),
        ("cumulative", '{"k": 1}', 1, 5, 7),
        ("delta", '{"k": 2}', 1, 5, 3),
        ("delta", '{"k": 2}', 5, 9, 4),
    ]
    for point, (temporality, attributes, start, time, value) in enumerate(rows):
        times = {"start_unix_ns": start, "time_unix_ns": time, "point_id": point}
        series = {"temporality": temporality, "attributes": attributes, "int_value": value}
        store.insert("metric_points", name="c", type="sum", **series, **times)
    found = query.metric(store.connection, "c", latest=True)
    values = {str(series.attributes.get("k")): [point.value for point in series.points] for series in found.series}
    assert values == {"None": [1, 200], "1": [7], "2": [3, 4]}


def test_integers_and_doubles_of_metrics_stay_apart(store: HandFilledStore) -> None:
    """A counter's 64-bit integer is exact; a gauge's double stays one."""
    store.insert("metric_points", name="i", type="sum", attributes="{}", int_value=2**63 - 1)
    store.insert("metric_points", name="d", type="gauge", attributes="{}", double_value=2.0)
    values = [query.metric(store.connection, name).series[0].points[0].value for name in ("i", "d")]
    assert values == [2**63 - 1, 2.0]
    assert [type(value) for value in values] == [int, float]


def test_metrics_are_listed_by_name(store: HandFilledStore) -> None:
    """With type, unit, services, and how many series and points there are."""
    for name, service, attributes in (("b", "x", "{}"), ("a", "y", "{}"), ("a", "x", "{}"), ("a", "x", '{"k": 1}')):
        common = {"type": "sum", "unit": "1", "description": "t", "time_unix_ns": 7}
        resource = {"x": 1, "y": 2}[service]
        store.insert("metric_points", name=name, service=service, attributes=attributes, resource_id=resource, **common)
    first = query.metrics(store.connection, limit=1)
    assert first.rows == [query.MetricRow("a", "sum", "1", "t", ["x", "y"], 3, 3, 7)]
    assert [row.name for row in query.metrics(store.connection, before=first.next).rows] == ["b"]


def test_an_unknown_metric_is_told(store: HandFilledStore) -> None:
    """It has no series; that is no empty answer but a wrong name."""
    with pytest.raises(QueryError, match="No metric 'x' is here"):
        query.metric(store.connection, "x")


def test_logs_of_a_trace_latest_first_in_pages(store: HandFilledStore) -> None:
    """A record without a time of its own is as old as its observation."""
    store.insert("logs", time_unix_ns=1, body='"first"', attributes='{"k": 1}', trace_id=A, severity_text="INFO")
    store.insert("logs", time_unix_ns=0, observed_unix_ns=9, body='{"m": "last"}', attributes="{}", trace_id=A)
    store.insert("logs", time_unix_ns=5, body="null", attributes="{}", trace_id=A)
    store.insert("logs", time_unix_ns=6, body='"elsewhere"', attributes="{}", trace_id=B)
    first = query.logs(store.connection, A, limit=2)
    second = query.logs(store.connection, A, limit=2, before=first.next)
    assert [row.body for row in [*first.rows, *second.rows]] == [{"m": "last"}, None, "first"]
    assert (second.rows[0].attributes, second.rows[0].severity_text, second.next) == ({"k": 1}, "INFO", None)
    assert len(query.logs(store.connection).rows) == 4


def test_the_store_says_how_much_it_holds(three_traces: HandFilledStore) -> None:
    """Traces are counted by id, all else by row."""
    assert query.store_stats(three_traces.connection) == query.StoreStats(3, 5, 0, 0)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "W10",
        "W3RydWUsImEiXQ",
        "WzFlNDAsImEiXQ",
        "eyJhIjoxfQ",
        "WzEsMl0",
        "WzEsMiwzXQ",
        "WyJhIiwiYiIsImMiXQ",
        "é",
        "A",
    ],
)
def test_a_cursor_of_nowhere_is_told(store: HandFilledStore, cursor: str) -> None:
    """What no page gave is refused, with the way to the first page; it is never an error of the database."""
    with pytest.raises(QueryError, match="is no cursor of this list"):
        query.traces(store.connection, TraceFilter(), before=cursor)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50ms", 50 * MS),
        ("1.5s", 1500 * MS),
        ("200us", 200_000),
        ("200µs", 200_000),
        ("7ns", 7),
        ("2m", 120_000 * MS),
        ("0s", 0),
    ],
)
def test_durations_are_read_exactly(text: str, expected: int) -> None:
    """In integers: 1.1 s is 1,100,000,000 ns, not one less."""
    assert query.parse_duration(text, "min_duration") == expected


@pytest.mark.parametrize("text", ["", "50", "ms", "-1ms", "1e3s", "1 parsec", "nan s", "99999999999h", "１s"])
def test_what_is_no_duration_is_told(text: str) -> None:
    """With the parameter's name and an example."""
    with pytest.raises(QueryError, match="is not a duration") as caught:
        query.parse_duration(text, "min_duration")
    assert caught.value.mend == "Write a number and a unit: min_duration=50ms."
