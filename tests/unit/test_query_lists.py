"""Services, operations, metrics, logs and counts, asked of stores that were filled by hand; cursors and durations."""

from collections.abc import Iterator
from typing import Any

import pytest

from collector.local import query
from collector.local.query import LogFilter, QueryError, TraceFilter
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
    """A rate over less than a second would measure the clock, not the load."""
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
    """A service's row shows how much it sent, and when."""
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


def test_an_unknown_metric_is_reported(store: HandFilledStore) -> None:
    """It has no series; that is a wrong name, not an empty answer."""
    with pytest.raises(QueryError, match="There is no metric 'x'"):
        query.metric(store.connection, "x")


def test_logs_of_a_trace_latest_first_in_pages(store: HandFilledStore) -> None:
    """A record without a time of its own is as old as its observation."""
    store.insert("logs", time_unix_ns=1, body='"first"', attributes='{"k": 1}', trace_id=A, severity_text="INFO")
    store.insert("logs", time_unix_ns=0, observed_unix_ns=9, body='{"m": "last"}', attributes="{}", trace_id=A)
    store.insert("logs", time_unix_ns=5, body="null", attributes="{}", trace_id=A)
    store.insert("logs", time_unix_ns=6, body='"elsewhere"', attributes="{}", trace_id=B)
    first = query.logs(store.connection, LogFilter(A), limit=2)
    second = query.logs(store.connection, LogFilter(A), limit=2, before=first.next)
    assert [row.body for row in [*first.rows, *second.rows]] == [{"m": "last"}, None, "first"]
    assert (second.rows[0].attributes, second.rows[0].severity_text, second.next) == ({"k": 1}, "INFO", None)
    assert len(query.logs(store.connection, LogFilter()).rows) == 4


def test_the_store_shows_how_much_it_holds(three_traces: HandFilledStore) -> None:
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
def test_an_invalid_cursor_is_reported(store: HandFilledStore, cursor: str) -> None:
    """What no page gave is refused, with the way to the first page; it is never an error of the database."""
    with pytest.raises(QueryError, match="is not a cursor of this list"):
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
def test_an_invalid_duration_is_reported(text: str) -> None:
    """With the parameter's name and an example."""
    with pytest.raises(QueryError, match="is not a duration") as caught:
        query.parse_duration(text, "min_duration")
    assert caught.value.hint == "Write a number and a unit: min_duration=50ms."


def test_logs_by_service_and_level(store: HandFilledStore) -> None:
    """A level means that and above; a record without a number is as severe as its text."""
    rows = [
        (9, "INFO", "gateway"),
        (13, "WARN", "gateway"),
        (17, "ERROR", "indexer"),
        (0, "warning", "gateway"),
        (0, "", "x"),
    ]
    for position, (number, text, service) in enumerate(rows):
        record = {"severity_number": number, "severity_text": text, "service": service, "time_unix_ns": position}
        store.insert("logs", **record, body=str(position), attributes="{}")

    def found(**wanted: Any) -> list[Any]:
        return [row.body for row in query.logs(store.connection, LogFilter(**wanted)).rows]

    assert found(level="warn") == [3, 2, 1]
    assert found(level="warning", service="gateway") == [3, 1]
    assert found(level="critical") == []
    assert found(level="trace") == [3, 2, 1, 0]
    with pytest.raises(QueryError, match="level='eror' is not a level") as caught:
        found(level="eror")
    assert caught.value.hint == "Did you mean error?"


def test_logs_that_arrive_are_reported_once_in_the_order_of_their_arrival(store: HandFilledStore) -> None:
    """Whatever time their senders give them."""

    def arrive(body: int, at: int, time: int) -> None:
        store.insert("logs", body=str(body), attributes="{}", ingested_unix_ns=at, time_unix_ns=time, service="s")

    arrive(0, 10, 100)
    after = query.newest_log(store.connection)
    assert query.arrived_logs(store.connection, LogFilter(), after) == query.Arrivals([], after)
    arrive(1, 20, 5)
    arrive(2, 20, 300)
    first = query.arrived_logs(store.connection, LogFilter(), after)
    arrive(3, 30, 1)
    second = query.arrived_logs(store.connection, LogFilter(), first.after)
    latest = query.last_arrived_logs(store.connection, LogFilter(), 3)
    assert [row.body for row in latest] == [3, 2, 1], "one that is dated in the future is not the first for ever"
    assert [[row.body for row in page.rows] for page in (first, second)] == [[1, 2], [3]]


def test_traces_end_when_their_root_has_arrived_and_settled(store: HandFilledStore) -> None:
    """A request is returned once, after its end, with the spans of other processes; a batch is not returned."""
    connection, wanted, second = store.connection, TraceFilter(), 10**9
    listed: list[str] = []
    after = query.ended_traces(connection, wanted, None, 0, 10).after

    def look(now_s: float) -> str:
        nonlocal after
        found = query.ended_traces(connection, wanted, after, int(now_s * second), 10)
        after = found.after
        listed.extend(f"{row.trace_id[0]}{row.span_count}" for row in found.rows)
        return "".join(f"{row.trace_id[0]}{row.span_count}" for row in found.rows)

    store.span(A, "a2", "a1", ingested_unix_ns=1 * second)
    assert look(3) == ""
    store.span(A, "a1", ingested_unix_ns=int(3.1 * second))
    store.span(B, "b1", name="batch", ingested_unix_ns=int(3.1 * second))
    assert look(3.2) == ""
    store.span(A, "a3", "a1", ingested_unix_ns=int(3.3 * second))
    assert look(3.7) == "a3"
    assert look(20) == ""


def test_a_trace_whose_root_never_comes_ends_when_nothing_more_comes(store: HandFilledStore) -> None:
    """Its caller is not instrumented."""
    connection, second = store.connection, 10**9
    after = query.ended_traces(connection, TraceFilter(), None, 0, 10).after
    store.span(A, "a1", "gone", ingested_unix_ns=second)
    seen = []
    for now in (2, 3, 4, 5, 9):
        found = query.ended_traces(connection, TraceFilter(), after, now * second, 10)
        after = found.after
        seen.append(len(found.rows))
    assert seen == [0, 0, 1, 0, 0]


def test_a_trace_with_an_open_root_has_not_ended(store: HandFilledStore) -> None:
    """However long nothing comes: it has when its root comes again, with its end."""
    connection, second, open_ = store.connection, 10**9, -START / MS
    after = query.ended_traces(connection, TraceFilter(), None, 0, 10).after
    store.span(A, "a1", end_ms=open_, ingested_unix_ns=second)
    store.span(A, "a2", "a1", ingested_unix_ns=second)
    store.span(B, "b1", "gone", end_ms=open_, ingested_unix_ns=second)
    seen = []
    for now in (2, 9):
        found = query.ended_traces(connection, TraceFilter(), after, now * second, 10)
        seen.append(len(found.rows))
    assert (seen, query.ended_traces(connection, TraceFilter(), None, 9 * second, 10).rows) == ([0, 0], [])
    store.span(A, "a1", ingested_unix_ns=10 * second)
    store.span(B, "b1", "gone", ingested_unix_ns=10 * second)
    ended = query.ended_traces(connection, TraceFilter(), found.after, 20 * second, 10)
    assert sorted(row.trace_id[0] for row in ended.rows) == ["a", "b"]


def test_a_series_has_ended_when_its_process_sends_no_more(store: HandFilledStore) -> None:
    """Three intervals without an export; whatever else of the store goes on."""
    second = 10**9
    for resource, exports in ((1, range(0, 60, 10)), (2, range(0, 30, 10)), (3, [0])):
        for at in exports:
            moment = {"time_unix_ns": at * second, "ingested_unix_ns": at * second, "point_id": 100 * resource + at}
            common = {"name": "queue", "type": "gauge", "attributes": "{}", "service": str(resource), "int_value": 1}
            store.insert("metric_points", **common, **moment, resource_id=resource)

    def ended(now_s: int | None) -> dict[str, bool]:
        now = None if now_s is None else now_s * second
        return {
            series.service: series.ended for series in query.metric(store.connection, "queue", now_unix_ns=now).series
        }

    assert ended(None) == {"1": False, "2": False, "3": False}
    assert ended(52) == {"1": False, "2": True, "3": False}
    assert ended(160) == {"1": True, "2": True, "3": True}


def test_a_series_shows_how_soon_its_process_is_missed(store: HandFilledStore) -> None:
    """Three times the longest pause between its last exports; it is not known after a single export."""
    for resource, exports in ((1, range(0, 60, 10)), (2, [0, 400]), (3, [0])):
        for at in exports:
            moment = {"time_unix_ns": at * 10**9, "ingested_unix_ns": at * 10**9, "point_id": 1000 * resource + at}
            common = {"name": "queue", "type": "gauge", "attributes": "{}", "service": str(resource), "int_value": 1}
            store.insert("metric_points", **common, **moment, resource_id=resource)
    found = query.metric(store.connection, "queue", latest=True)
    assert [series.missed_after_ns // 10**9 for series in found.series] == [30, 300, 150]


def test_percentiles_leave_out_spans_without_an_end(store: HandFilledStore) -> None:
    """Nobody knows how long they last."""
    store.span(A, "a1", name="open", end_ms=-START / MS)
    store.span(A, "a2", name="both", end_ms=-START / MS)
    store.span(A, "a3", name="both", start_ms=0, end_ms=8)
    rows = {row.operation: (row.count, row.p50_ns, row.p99_ns) for row in query.operations(store.connection).rows}
    assert rows == {"open": (1, None, None), "both": (2, 8 * MS, 8 * MS)}


def test_percentiles_and_rates_leave_out_unknown_starts(store: HandFilledStore) -> None:
    """Not 1970."""
    for span_id, end_ms in (("a1", 5), ("a2", -START / MS)):
        store.span(A, span_id, name="odd", start_ms=-START / MS, end_ms=end_ms)
    store.span(A, "a3", name="both", start_ms=-START / MS, end_ms=5)
    store.span(A, "a4", name="both", start_ms=0, end_ms=8)
    rows = query.operations(store.connection).rows
    assert [(row.operation, row.rate, row.p50_ns, row.p99_ns) for row in rows] == [
        ("both", 2, 8 * MS, 8 * MS),
        ("odd", 2, None, None),
    ]
    assert query.services(store.connection).rows[0].first_unix_ns == START


def test_an_unknown_metric_is_answered_with_the_nearest_names(store: HandFilledStore) -> None:
    """Also where it is spelt as Prometheus does."""
    for name in ("search.request.duration", "queue.length"):
        store.insert("metric_points", name=name, type="sum", attributes="{}", int_value=1)
    for asked in ("search.request.duratoin", "search_request_duration_seconds"):
        with pytest.raises(QueryError, match=f"There is no metric '{asked}'") as caught:
            query.metric(store.connection, asked)
        assert caught.value.hint == "Did you mean search.request.duration?"
