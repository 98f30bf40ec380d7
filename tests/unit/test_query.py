"""Traces asked of stores that were filled by hand: the list of them, and one."""

from collections.abc import Iterator
from typing import Any

import pytest

from collector.local import query
from collector.local.query import QueryError, TraceFilter
from tests.unit.query_store import MS, START, A, B, C, HandFilledStore, fill_with_three_traces


@pytest.fixture
def store() -> Iterator[HandFilledStore]:
    """An empty store in memory, closed afterwards."""
    store = HandFilledStore()
    yield store
    store.connection.close()


@pytest.fixture
def three_traces(store: HandFilledStore) -> HandFilledStore:
    """A search that failed in the indexer (A), a slow one (B), an indexing without an rpc (C)."""
    fill_with_three_traces(store)
    return store


def ids(page: query.Page[query.TraceRow]) -> str:
    return "".join(row.trace_id[0] for row in page.rows)


def test_a_row_shows_what_a_trace_was(three_traces: HandFilledStore) -> None:
    """Root, extent and counts of a trace stand in its row."""
    (row,) = query.traces(three_traces.connection, TraceFilter(status="error")).rows
    assert row == query.TraceRow(
        A,
        "gateway",
        "/search",
        START,
        10 * MS,
        span_count=2,
        error_count=1,
        open_count=0,
        untimed_count=0,
        entry_service="gateway",
        entry_operation="/search",
        entry_duration_ns=10 * MS,
        search_operation=None,
        platform="web",
        region=None,
        outcome="ok",
        len_docs=None,
        hits=None,
        transit_ns=None,
    )


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
    """Traces that began in the same nanosecond are ordered by their id across pages."""
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
    """A spelling mistake in a filter is an error."""
    with pytest.raises(QueryError, match="status must be one of unset, ok, error, got bad") as caught:
        TraceFilter(status="bad")
    assert caught.value.hint == "Correct it, or leave it out."


@pytest.mark.parametrize(
    ("name", "expected"), [("last", C), ("bbb", B), (A, A), (A.upper(), A)], ids=["last", "prefix", "id", "upper case"]
)
def test_a_trace_is_found_by_less_than_its_id(three_traces: HandFilledStore, name: str, expected: str) -> None:
    """`last` is the latest, whatever its root: here the indexing, which begins without an rpc."""
    assert query.find_trace(three_traces.connection, name) == expected


@pytest.mark.parametrize(
    ("name", "code"), [("dd", "not_found"), ("xyz", "bad_request"), ("", "bad_request"), ("a" * 33, "bad_request")]
)
def test_a_name_of_no_trace_is_reported(three_traces: HandFilledStore, name: str, code: str) -> None:
    """Unknown and malformed ids have different errors."""
    with pytest.raises(QueryError) as caught:
        query.find_trace(three_traces.connection, name)
    assert caught.value.code == code


def test_last_is_proposed_where_it_is_misspelt(three_traces: HandFilledStore) -> None:
    """It is the only name that is not an id."""
    for name in ("lst", "lsat", "latst"):
        with pytest.raises(QueryError) as refused:
            query.find_trace(three_traces.connection, name)
        assert refused.value.hint == "Did you mean last?"


def test_a_beginning_that_two_traces_share_is_ambiguous(store: HandFilledStore) -> None:
    """The message names some of them."""
    store.span("ab" * 16, "1")
    store.span("ac" * 16, "1")
    with pytest.raises(QueryError, match=f"{'ab' * 16} and {'ac' * 16}") as caught:
        query.find_trace(store.connection, "a")
    assert caught.value.code == "ambiguous"


def test_the_last_trace_is_never_a_batch(store: HandFilledStore) -> None:
    """A request's batch begins after it; also a trace whose root is not here is one."""
    store.span(B, "b1", None, "batch", start_ms=5)
    with pytest.raises(QueryError, match="There is no trace yet, except batches") as caught:
        query.find_trace(store.connection, "last")
    assert "telemetry traces --batches" in caught.value.hint
    store.span(A, "a1", "gone", "encode")
    assert query.find_trace(store.connection, "last") == A


def test_a_span_without_a_start_lasts_no_time(store: HandFilledStore) -> None:
    """It stands at its end, or where the trace begins; it is on no path, and takes no time from others."""
    store.span(A, "a1", start_ms=0, end_ms=10)
    store.span(A, "a2", "a1", start_ms=-START / MS, end_ms=6)
    store.span(A, "a3", "a1", start_ms=-START / MS, end_ms=-START / MS)
    store.span(B, "b1", start_ms=-START / MS, end_ms=20)
    store.span(C, "c1", start_ms=30, end_ms=29)
    rows = query.traces(store.connection, TraceFilter()).rows
    returned = [(row.trace_id[0], row.start_unix_ns - START, row.duration_ns, row.untimed_count) for row in rows]
    assert returned == [("c", 30 * MS, 0, 1), ("b", 20 * MS, 0, 1), ("a", 0, 10 * MS, 2)]
    found = query.trace(store.connection, A)
    spans = {span.span_id: (span.offset_ns, span.duration_ns, span.self_ns, span.critical_ns) for span in found.spans}
    assert (found.start_unix_ns, found.duration_ns) == (START, 10 * MS)
    assert spans == {"a1": (0, 10 * MS, 10 * MS, 10 * MS), "a2": (6 * MS, 0, 0, 0), "a3": (0, 0, 0, 0)}


def test_batches_are_listed_only_when_they_are_asked_for(store: HandFilledStore) -> None:
    """By the filter or by their name; a span of that name within a request is none."""
    store.span(A, "a1", None, "/search")
    store.span(A, "a2", "a1", "batch")
    store.span(B, "b1", None, "batch", start_ms=5)
    store.span(B, "b2", "b1", "inference", start_ms=6)
    listed = (TraceFilter(), TraceFilter(batches=True), TraceFilter(operation="batch"), TraceFilter(status="unset"))
    assert [ids(query.traces(store.connection, wanted)) for wanted in listed] == ["a", "ba", "ba", "a"]


def test_a_trace_with_a_span_that_has_not_ended_is_marked(store: HandFilledStore) -> None:
    """Its duration is that of what has ended."""
    store.span(A, "a1", None, "/search", 0, -START / MS)
    store.span(A, "a2", "a1", "encode", 1, 3)
    (row,) = query.traces(store.connection, TraceFilter()).rows
    assert (row.duration_ns, row.open_count) == (3 * MS, 1)


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
                end_unix_ns=START + 10 * MS,
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
                links=[query.Link(B, "b1", {"why": "batch"}, "", 1, 0, stored=False)],
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


def test_a_link_shows_whether_its_trace_is_here(store: HandFilledStore) -> None:
    """A sampler may have kept the one and not the other."""
    store.span(A, "a1")
    store.span(B, "b1")
    for position, linked in enumerate((B, C)):
        link = {"linked_trace_id": linked, "linked_span_id": "1", "attributes": "{}", "position": position}
        store.insert("span_links", trace_id=A, span_id="a1", **link)
    (span,) = query.trace(store.connection, A).spans
    assert [(link.trace_id, link.stored) for link in span.links] == [(B, True), (C, False)]


def test_a_trace_has_its_log_records_in_the_order_of_time(store: HandFilledStore) -> None:
    """With their place in it; a record without a time stands where it was seen."""
    store.span(A, "a1", None, "/search", 0, 10)
    common = {"body": '"x"', "attributes": "{}", "service": "gateway"}
    store.insert("logs", **common, trace_id=A, span_id="a1", time_unix_ns=START + 7)
    store.insert("logs", **common, trace_id=A, observed_unix_ns=START + 3)
    store.insert("logs", **common, trace_id=B, time_unix_ns=START)
    found = query.trace(store.connection, A)
    assert [(record.span_id, record.offset_ns) for record in found.logs] == [(None, 3), ("a1", 7)]
    assert found.log_count == 2


def test_ten_thousand_spans_are_one_trace(store: HandFilledStore) -> None:
    """A chain as long is returned in full; depth is not bounded by recursion."""
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
