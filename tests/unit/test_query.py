"""The questions to the store, on stores filled by hand."""

from collections.abc import Iterator
from typing import Any

import pytest

from collector.local import query
from collector.local.query import QueryError, TraceFilter
from tests.unit.query_store import MS, START, HandFilledStore

A, B, C, D = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)


@pytest.fixture
def store() -> Iterator[HandFilledStore]:
    """An empty store in memory, closed afterwards."""
    store = HandFilledStore()
    yield store
    store.connection.close()


@pytest.fixture
def three_traces(store: HandFilledStore) -> HandFilledStore:
    """A search that failed in the indexer (A), a slow one (B), an indexing without an rpc (C); C is the latest."""
    rpc = {"rpc.system.name": "grpc", "client.platform": "web"}
    store.insert("resources", resource_id=5, service="indexer", attributes='{"host.name": "shelf"}')
    store.span(A, "a1", None, "/search", 0, 10, kind="server", attributes=rpc)
    store.span(A, "a2", "a1", "qdrant_search", 2, 9, service="indexer", status="error", resource_id=5)
    store.span(B, "b1", None, "/search", 100, 190, kind="server", attributes={**rpc, "client.platform": "ios"})
    store.span(C, "c1", None, "/index", 200, 230, attributes={"len_docs": 512, "exact": True, "score": 0.5})
    store.span(C, "c2", "c1", "qdrant_index", 205, 225, service="indexer", status="ok")
    return store


def ids(page: query.Page[query.TraceRow]) -> str:
    return "".join(row.trace_id[0] for row in page.rows)


def test_a_row_says_what_a_trace_was(three_traces: HandFilledStore) -> None:
    """Root, extent and counts of a trace stand in its row."""
    (row,) = query.traces(three_traces.connection, TraceFilter(status="error")).rows
    assert row == query.TraceRow(A, "gateway", "/search", START, 10 * MS, span_count=2, error_count=1)


FILTERS: list[tuple[dict[str, Any], str]] = [
    ({}, "cba"),
    ({"service": "indexer"}, "ca"),
    ({"service": "nobody"}, ""),
    ({"operation": "qdrant_search"}, "a"),
    ({"status": "error"}, "a"),
    ({"status": "ok"}, "c"),
    ({"service": "gateway", "status": "error"}, ""),  # of one span: the error is the indexer's
    ({"service": "indexer", "operation": "qdrant_index", "status": "ok"}, "c"),
    ({"min_duration_ns": 30 * MS}, "cb"),
    ({"min_duration_ns": 30 * MS + 1}, "b"),
    ({"attributes": {"client.platform": "ios"}}, "b"),
    ({"attributes": {"len_docs": "512"}}, "c"),
    ({"attributes": {"exact": "true"}}, "c"),
    ({"attributes": {"score": "0.5"}}, "c"),
    ({"attributes": {"host.name": "shelf"}}, "a"),
    ({"attributes": {"host.name": "shelf", "client.platform": "web"}}, "a"),  # on two spans of one trace
    ({"attributes": {"client.platform": "android"}}, ""),
    ({"attributes": {"": ""}}, ""),
    ({"service": "' OR 1=1 --"}, ""),
    ({"attributes": {"' OR 1=1 --": "' OR 1=1 --"}}, ""),
]


@pytest.mark.parametrize(("wanted", "expected"), FILTERS, ids=[str(wanted) for wanted, _ in FILTERS])
def test_each_filter_finds_its_traces(three_traces: HandFilledStore, wanted: dict[str, Any], expected: str) -> None:
    """Filters narrow the list alone and together, latest first, and are never read as SQL."""
    assert ids(query.traces(three_traces.connection, TraceFilter(**wanted))) == expected


@pytest.mark.parametrize("key", ["a.b", "a/b", "a~b", "a~1b", 'a"b', "a'b", "$", "*", "0", "[0]", "é", "a b"])
def test_an_attribute_is_found_by_any_name(store: HandFilledStore, key: str) -> None:
    """No character of a key means anything but itself."""
    store.span(A, "a1", attributes={key: "yes"})
    store.span(B, "b1", attributes={"other": "yes", "a": {"b": "yes"}})
    assert ids(query.traces(store.connection, TraceFilter(attributes={key: "yes"}))) == "a"


def test_pages_of_traces_join_without_gap_or_repeat(store: HandFilledStore) -> None:
    """Traces that began in the same nanosecond are told apart by their id across a page's end."""
    for number in range(7):
        store.span(f"{number:032x}", "1", start_ms=number // 3)
    seen: list[str] = []
    before = None
    while True:
        page = query.traces(store.connection, TraceFilter(), limit=2, before=before)
        seen += [row.trace_id[-1] for row in page.rows]
        before = page.next
        if before is None:
            break
    assert "".join(seen) == "6543210"


def test_an_unknown_status_is_refused() -> None:
    """A spelling mistake in a filter is told, not searched for."""
    with pytest.raises(QueryError, match="'bad' is no status") as caught:
        TraceFilter(status="bad")
    assert caught.value.mend == "Write one of unset, ok, error."


@pytest.mark.parametrize(
    ("name", "expected"), [("last", B), ("bbb", B), (A, A), (A.upper(), A)], ids=["last", "prefix", "id", "upper case"]
)
def test_a_trace_is_found_by_less_than_its_id(three_traces: HandFilledStore, name: str, expected: str) -> None:
    """`last` is the latest that begins with an rpc: not the indexing, though it came later."""
    assert query.find_trace(three_traces.connection, name) == expected


@pytest.mark.parametrize(
    ("name", "code"), [("dd", "not_found"), ("xyz", "bad_request"), ("", "bad_request"), ("a" * 33, "bad_request")]
)
def test_a_name_that_means_no_trace_is_told(three_traces: HandFilledStore, name: str, code: str) -> None:
    """Unknown and malformed ids are told apart."""
    with pytest.raises(QueryError) as caught:
        query.find_trace(three_traces.connection, name)
    assert caught.value.code == code


def test_a_beginning_that_two_traces_share_is_ambiguous(store: HandFilledStore) -> None:
    """The message names some of them."""
    store.span("ab" * 16, "1")
    store.span("ac" * 16, "1")
    with pytest.raises(QueryError, match=f"{'ab' * 16} and {'ac' * 16}") as caught:
        query.find_trace(store.connection, "a")
    assert caught.value.code == "ambiguous"


def test_no_rpc_means_no_last_trace(store: HandFilledStore) -> None:
    """`last` says that nothing begins with an rpc, though traces are there."""
    store.span(A, "a1")
    with pytest.raises(QueryError, match="No trace here begins with an rpc"):
        query.find_trace(store.connection, "last")


def test_a_trace_comes_back_whole(store: HandFilledStore) -> None:
    """Every field of a span, its events and links, its resource and scope."""
    store.insert("resources", resource_id=-5, service="gateway", attributes='{"host.name": "shelf"}')
    store.insert("scopes", scope_id=6, name="telemetry", version="0.1.0", attributes='{"kind": "x"}')
    big = {"n": 2**63 - 1, "d": 1.5, "b": True, "l": [1, "x"], "o": {"k": None}, "nan": "NaN"}
    store.span(
        A, "a1", None, "/search", 0, 10, attributes=big, resource_id=-5, scope_id=6, flags=257, trace_state="k=v"
    )
    common = {"trace_id": A, "span_id": "a1"}
    store.insert("span_events", **common, name="second", position=1, time_unix_ns=START + 4, attributes="{}")
    store.insert("span_events", **common, name="first", position=0, time_unix_ns=START + 3, attributes='{"k": 1}')
    store.insert("span_links", **common, linked_trace_id=B, linked_span_id="b1", attributes='{"why": "batch"}', flags=1)
    found = query.trace(store.connection, A)
    assert found == query.Trace(
        trace_id=A,
        start_unix_ns=START,
        duration_ns=10 * MS,
        services=["gateway"],
        spans=[
            query.Span(
                trace_id=A,
                span_id="a1",
                parent_span_id=None,
                depth=0,
                name="/search",
                kind="internal",
                service="gateway",
                start_unix_ns=START,
                offset_ns=0,
                duration_ns=10 * MS,
                self_ns=10 * MS,
                critical_ns=10 * MS,
                critical_parts=[(0, 10 * MS)],
                status="unset",
                status_message="",
                attributes=big,
                resource={"host.name": "shelf"},
                scope="telemetry",
                scope_version="0.1.0",
                scope_attributes={"kind": "x"},
                trace_state="k=v",
                flags=257,
                events=[
                    query.Event("first", START + 3, 3, {"k": 1}, 0),
                    query.Event("second", START + 4, 4, {}, 0),
                ],
                links=[query.Link(B, "b1", {"why": "batch"}, "", 1, 0)],
                dropped_attributes=0,
                dropped_events=0,
                dropped_links=0,
            )
        ],
    )


def test_spans_stand_in_tree_order_whatever_is_wrong_with_them(store: HandFilledStore) -> None:
    """An orphan, a child before its parent, a doubled id, a span without an end: all there once, none negative."""
    store.span(A, "orphan", "gone", "orphan", 1, 2)
    store.span(A, "root", None, "root", 5, 20)
    store.span(A, "early", "root", "early", 3, 8)
    store.span(A, "twin", "root", "twin", 9, 10)
    store.span(A, "twin", "root", "twin again", 11, 12)
    store.span(A, "open", "root", "open", 13, -START / MS)
    found = query.trace(store.connection, A)
    shape = [(span.depth, span.name, span.offset_ns // MS, span.duration_ns // MS) for span in found.spans]
    assert shape == [
        (0, "root", 4, 15),
        (1, "early", 2, 5),
        (1, "twin", 8, 1),
        (1, "twin again", 10, 1),
        (1, "open", 12, 0),
        (0, "orphan", 0, 1),
    ]
    assert sum(span.critical_ns for span in found.spans) == 15 * MS
    assert found.duration_ns == 19 * MS


def test_ten_thousand_spans_are_one_trace(store: HandFilledStore) -> None:
    """A chain as long is walked and told in full; depth is not bounded by recursion."""
    store.connection.execute(
        "INSERT INTO spans SELECT ?, i::VARCHAR, CASE WHEN i > 0 THEN (i - 1)::VARCHAR END, 'n', 'internal', 's', "
        " ? + i, ? + 30000 - i, 'unset', '', '{}', 0, 0, 0, '', 0, 0, 0, 0 FROM range(10000) t(i)",
        [A, START, START],
    )
    found = query.trace(store.connection, A)
    assert [span.depth for span in found.spans] == list(range(10_000))
    assert sum(span.critical_ns for span in found.spans) == found.duration_ns == 30_000


Parts = list[tuple[str, str | None, str, dict[str, str]]]
COMPLETE: dict[str, tuple[Parts, bool]] = {
    "a root alone": ([("r", None, "server", {})], True),
    "no root": ([("c", "r", "internal", {})], False),
    "a missing parent": ([("r", None, "server", {}), ("c", "gone", "internal", {})], False),
    "an rpc without its server": ([("r", None, "client", {"rpc.system": "grpc"})], False),
    "an rpc with its server": ([("r", None, "client", {"rpc.system.name": "grpc"}), ("s", "r", "server", {})], True),
    "a client of something else": ([("r", None, "client", {"db.system.name": "qdrant"})], True),
    "an rpc that no server answered": (
        [("r", None, "client", {"rpc.system": "grpc", "rpc.response.status_code": "UNAVAILABLE"})],
        True,
    ),
}


@pytest.mark.parametrize("case", COMPLETE)
def test_a_trace_is_complete_when_all_its_parts_are_there(store: HandFilledStore, case: str) -> None:
    """Root, parents, and a server span for each client span of an rpc."""
    spans, expected = COMPLETE[case]
    for span_id, parent, kind, attributes in spans:
        store.span(A, span_id, parent, kind=kind, attributes=attributes)
    assert query.is_complete(query.trace(store.connection, A)) is expected


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
