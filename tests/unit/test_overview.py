"""Answers about many traces, against values computed from the requests that the traces were made of."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from collector.local.api.answers import answer
from collector.local.query import QueryError
from collector.local.query.lookup import matching, trace_shapes
from collector.local.query.overview import asked
from telemetry.conventions import SCOPE
from tests.integration.otlp_by_hand import MS, START, pairs, span
from tests.unit.flow_traces import HOUR, WHOLE, Request, near, rank, requests, store_of, store_of_exports, utc

Ask = Callable[..., dict[str, Any]]
MADE = requests(700)
SECONDS = 1800 - min(request.start_ms for request in MADE) / 1000
"""From the first request on."""


@pytest.fixture(scope="module")
def store() -> Iterator[DuckDBPyConnection]:
    """The spans of 700 requests in 30 minutes."""
    with closing(store_of(MADE)) as store, closing(store.reader()) as connection:
        yield connection


@pytest.fixture(params=["traces", "minutes"])
def ask(request: pytest.FixtureRequest, store: DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask this store, once with answers made of traces, once of minutes."""
    if request.param == "minutes":
        monkeypatch.setattr(asked, "FEW", 0)
    return lambda path, **more: answer(store, f"/api/{path}", [*(WHOLE | more).items()])


def of(operation: str, made: Sequence[Request] = MADE) -> list[Request]:
    return [request for request in made if request.operation == operation]


def test_entry_points_are_what_clients_call(ask: Ask) -> None:
    """Two rows, with the figures of both sides."""
    found = ask("performance")
    assert [row["operation"] for row in found["rows"]] == ["/search", "/index"]
    total = sum(request.entry_ms for request in MADE)
    for row in found["rows"]:
        made = of(row["search_operation"])
        inside, waited = [r.entry_ms for r in made], [r.client_ms for r in made]
        outcomes = Counter(r.outcome for r in made)
        assert (row["service"], row["kind"], row["count"]) == ("gateway", "entry", len(made))
        assert row["rate"] == pytest.approx(len(made) / SECONDS, rel=1e-2)
        for name, quantile in (("p50_ns", 0.5), ("p95_ns", 0.95), ("p99_ns", 0.99)):
            assert row[name] == near(rank(inside, quantile))
            assert row["client"][name] == near(rank(waited, quantile))
        assert row["error_ratio"] == pytest.approx(outcomes["error"] / len(made))
        assert row["rejected_ratio"] == pytest.approx(outcomes["rejected"] / len(made))
        assert row["empty_ratio"] == pytest.approx(sum(r.len_docs == 0 for r in made) / len(made))
        assert row["time_share"] == pytest.approx(sum(inside) / total)
        assert row["sparkline"] == charted(found, made, 0.95)
    assert (len(found["times"]), found["next"]) == (30, None)


def charted(found: dict[str, Any], made: Sequence[Request], quantile: float) -> list[Any]:
    """The percentile of the entry for each step."""
    steps: dict[int, list[float]] = defaultdict(list)
    for request in made:
        steps[(request.start_ns() // 10**9 - found["times"][0]) // found["step_s"]].append(request.entry_ms)
    return [near(rank(steps[i], quantile)) if steps[i] else None for i in range(len(found["times"]))]


@pytest.mark.parametrize(
    ("more", "keep"),
    [
        ({"platform": "linux"}, lambda r: r.platform == "linux"),
        ({"region": "us", "platform": "web"}, lambda r: (r.region, r.platform) == ("us", "web")),
        ({"version": "2.0.0"}, lambda r: r.version == "2.0.0"),
        ({"version": "encoder 2.0.0"}, lambda r: r.version == "2.0.0"),
        ({"version": "gateway 2.0.0"}, lambda _: False),
        ({"operation": "/index"}, lambda r: r.operation == "index"),
        ({"service": "nobody"}, lambda _: False),
        ({"filter": "len_docs>=2"}, lambda r: r.len_docs >= 2),
        ({"filter": "duration>60ms region!=cl"}, lambda r: r.client_ms > 60 and r.region != "cl"),
        ({"filter": "service=encoder status=error"}, lambda r: r.outcome == "error"),
        ({"filter": "outcome=rejected,cancelled"}, lambda r: r.outcome in {"rejected", "cancelled"}),
        ({"since": utc(HOUR + 600 * 10**9)}, lambda r: r.start_ms >= 600_000),
        ({"until": utc(HOUR + 600 * 10**9)}, lambda r: r.start_ms < 600_000),
    ],
)
def test_who_and_what_narrow_all_answers_alike(ask: Ask, more: dict[str, str], keep: Callable[[Request], bool]) -> None:
    """Each parameter, in each answer that counts requests."""
    made = [request for request in MADE if keep(request)]
    assert sum(row["count"] for row in ask("performance", **more)["rows"]) == len(made)
    summary = ask("summary", **more)
    assert summary["count"] == len(made)
    assert summary["outcomes"]["error"] == sum(request.outcome == "error" for request in made)
    scattered = ask("scatter", **more)
    assert (scattered["sample"] or {"of": len(scattered["points"])})["of"] == len(made)


def test_a_range_that_cuts_minutes_is_exact_of_few_traces(store: DuckDBPyConnection) -> None:
    """Its steps are short, its limits those that are asked for."""
    since, until = HOUR + 61 * 10**9, HOUR + 95 * 10**9
    found = answer(store, "/api/summary", [("since", utc(since)), ("until", utc(until))])
    made = [r for r in MADE if since <= r.start_ns() <= until]
    assert (found["count"], found["step_s"]) == (len(made), 1)
    rates = [rate * 1 for rate in found["rates"]]
    assert sum(rates) == pytest.approx(len(made))


def test_a_minute_that_is_cut_is_counted_whole(store: DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its whole length, so that its rate is that of the minute."""
    monkeypatch.setattr(asked, "FEW", 0)
    until = utc(HOUR + 121 * 10**9)
    found = answer(store, "/api/summary", [("since", utc(HOUR)), ("until", until)])
    counts = Counter(int(request.start_ms // 60_000) for request in MADE)
    assert found["rates"] == [pytest.approx(counts[minute] / 60) for minute in range(3)]
    rows = answer(store, "/api/performance", [("since", utc(HOUR)), ("until", until)])["rows"]
    assert sum(row["rate"] for row in rows) == pytest.approx(sum(counts[minute] for minute in range(3)) / 180)


def test_a_filter_of_spans_is_asked_of_some_of_many_traces(
    store: DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts are of the sample, which is evenly chosen; rates and shares are about those of all."""
    monkeypatch.setattr(matching, "FEW", 0)
    monkeypatch.setattr(matching, "FEW_SEGMENTS", 0)
    monkeypatch.setattr(matching, "MOST", len(MADE) // 2)
    monkeypatch.setattr(matching, "BLOCK", 4)

    def asked_of(path: str, **more: str) -> Any:
        return answer(store, f"/api/{path}", [*(WHOLE | {"filter": "rpc.system.name=grpc"} | more).items()])

    sample = {"traces": len(MADE) // 2, "of": len(MADE)}
    performance, summary, who = asked_of("performance"), asked_of("summary"), asked_of("who", platform="linux")
    assert [found["sample"] for found in (performance, summary, who)] == [sample] * 3
    half = pytest.approx(len(MADE) / 2, rel=0.02)
    assert sum(row["count"] for row in performance["rows"]) == half
    assert sum(row["rate"] for row in performance["rows"]) * 1800 == pytest.approx(len(MADE), rel=0.02)
    assert (summary["count"], sum(summary["rates"]) * summary["step_s"]) == (half, pytest.approx(len(MADE), rel=0.02))
    assert sum(one["count"] for one in who["platforms"]) == half
    assert asked_of("performance", platform="linux")["rows"][0]["count"] < summary["count"]
    assert asked_of("tags")["sample"]["of"] == pytest.approx(len(MADE), rel=0.02)
    assert asked_of("worst")["sample"] == sample
    assert asked_of("performance", filter="search.operation=nothing")["rows"] == []


def test_inner_spans_and_calls_have_rows_of_their_own(ask: Ask) -> None:
    """All spans of a name and kind, split by the request's operation."""
    found = {
        (r["service"], r["operation"], r["kind"], r["search_operation"]): r
        for r in ask("performance", scope="rpc")["rows"]
    }
    assert len(found) == 8
    search = of("search")
    way = found["pamazon", "/pamazon.Gateway/Search", "client", "search"]
    assert (way["count"], way["client"], way["rejected_ratio"]) == (len(search), None, None)
    assert way["p95_ns"] == near(rank([r.client_ms for r in search], 0.95))
    inner = {
        (r["service"], r["operation"], r["search_operation"]): r for r in ask("performance", scope="inner")["rows"]
    }
    assert set(inner) == {
        (s, o, k) for k in ("search", "index") for s, o in (("gateway", f"/{k}"), ("encoder", "encode"))
    }
    encode = inner["encoder", "encode", "index"]
    index = of("index")
    assert encode["p50_ns"] == near(rank([r.encode_ms for r in index], 0.5))
    assert encode["error_ratio"] == pytest.approx(sum(r.outcome == "error" for r in index) / len(index))
    linux = {
        r["search_operation"]: r
        for r in ask("performance", scope="inner", platform="linux", operation="encode")["rows"]
    }
    assert linux["index"]["count"] == sum(r.platform == "linux" for r in index)


def test_stages_are_a_list_for_every_trace(store: DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty for one that has more spans than are read: nothing that the document of the API does not name."""
    asked_for = [("stages", "true"), ("limit", "3")]
    rows = answer(store, "/api/traces", asked_for)["traces"]
    assert [sum(stage["time_ns"] for stage in row["stages"]) for row in rows] == [row["duration_ns"] for row in rows]
    monkeypatch.setattr(trace_shapes, "MOST_SPANS", rows[0]["span_count"])
    assert [bool(row["stages"]) for row in answer(store, "/api/traces", asked_for)["traces"]] == [True, False, False]
    (child_sample,) = {str(answer(store, "/api/summary", [*WHOLE.items()])["children_sample"])}
    assert child_sample == str({"traces": 1, "of": len(MADE)})


def test_a_failed_request_counts_once_by_its_innermost_error() -> None:
    """Also past spans that do not show it; of two beside each other, the one that began first."""
    page = [
        span("a" * 32, 1, name="click", end_ms=90),
        span("a" * 32, 2, 1, "POST", "client", end_ms=80, error="bad", attributes={"error.type": "400"}),
        span("a" * 32, 3, 2, "POST /api/search", "server", start_ms=10, end_ms=70),
        # the clock of this process is behind: it seems to begin before what called it
        span("a" * 32, 4, 3, "/search", start_ms=-5, end_ms=60, error="bad", attributes={"error.type": "BadPicture"}),
    ]
    beside = [
        span("b" * 32, 1, name="/search", end_ms=90, error="bad", attributes={"error.type": "Gone"}),
        span("b" * 32, 2, 1, "read", start_ms=1, end_ms=9, error="bad", attributes={"error.type": "Refused"}),
        span("b" * 32, 3, 1, "again", start_ms=20, end_ms=30, error="bad", attributes={"error.type": "Timeout"}),
    ]
    resource = {"attributes": pairs({"service.name": "gateway"})}
    scopes = [{"scope": {"name": SCOPE}, "spans": [*page, *beside]}]
    store = store_of_exports([{"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}])
    with closing(store), closing(store.reader()) as connection:
        found = answer(connection, "/api/summary", [("since", utc(START - 10**9)), ("until", utc(START + 10**9))])
    assert {(error["type"], error["count"]) for error in found["errors"]} == {("BadPicture", 1), ("Refused", 1)}


def test_a_rejected_request_is_not_among_the_errors() -> None:
    """Though the span of its client is one: the mistake is the caller's. Of a span inside, its errors are counted."""
    rejected = {"search.entry": True, "search.outcome": "rejected"}
    page = [
        span("c" * 32, 1, name="Search", kind="client", end_ms=9, error="no", attributes={"error.type": "INVALID"}),
        span("c" * 32, 2, 1, "/search", end_ms=8, attributes=rejected),
        span("c" * 32, 3, 2, "parse", end_ms=7, error="no", attributes={"error.type": "ValueError"}),
    ]
    resource = {"attributes": pairs({"service.name": "gateway"})}
    store = store_of_exports(
        [{"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": SCOPE}, "spans": page}]}]}]
    )
    with closing(store), closing(store.reader()) as connection:
        when = [("since", utc(START - 10**9)), ("until", utc(START + 10**9))]
        found = answer(connection, "/api/summary", when)
        inside = answer(connection, "/api/summary", [*when, ("operation", "parse")])
    assert (found["errors"], found["outcomes"]["rejected"]) == ([], 1)
    assert inside["outcomes"]["error"] == 1
    assert [(error["type"], error["count"]) for error in inside["errors"]] == [("ValueError", 1)]


def test_pages_follow_each_other(ask: Ask) -> None:
    """Each row once, in the same order."""
    whole = ask("performance", scope="rpc")["rows"]
    page = ask("performance", scope="rpc", limit="3")
    rows = page["rows"]
    while page["next"]:
        page = ask("performance", scope="rpc", limit="3", before=page["next"])
        rows += page["rows"]
    assert rows == whole


def test_a_summary_has_charts_outcomes_errors_and_children(ask: Ask) -> None:
    """Of one operation."""
    found = ask("summary", operation="/search")
    made = of("search")
    assert found["p50_ns"] == charted(found, made, 0.5)
    assert found["p99_ns"] == charted(found, made, 0.99)
    assert sum(found["rates"]) * found["step_s"] == pytest.approx(len(made))
    outcomes = Counter(r.outcome for r in made)
    assert sum(found["error_rates"]) * found["step_s"] == pytest.approx(outcomes["error"])
    assert found["outcomes"] == {
        **{name: outcomes[name] for name in ("ok", "error", "rejected", "cancelled")},
        "empty": sum(r.len_docs == 0 for r in made),
    }
    (error,) = found["errors"]  # where it began, not where it passed
    last = max((r for r in made if r.outcome == "error"), key=lambda r: r.start_ms)
    assert error == {"type": "ModelError", "service": "encoder", "count": outcomes["error"], "trace_id": last.trace_id}
    assert found["children_sample"] == {"traces": 200, "of": len(made)}
    latest = sorted(made, key=lambda r: -r.start_ms)[:200]
    total = sum(r.client_ms for r in latest)
    shares = {(child["service"], child["operation"]): child["share"] for child in found["children"]}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["encoder", "encode"] == pytest.approx(sum(r.encode_ms for r in latest) / total, rel=1e-4)
    assert shares["pamazon", "/pamazon.Gateway/Search"] == pytest.approx(
        sum(r.way_ms for r in latest) / total, rel=1e-4
    )


@pytest.mark.parametrize("who", [{}, {"platform": "linux"}, {"filter": "outcome!=rejected"}])
def test_a_summary_of_an_inner_operation_is_that_of_its_spans(ask: Ask, who: dict[str, str]) -> None:
    """As its row has them; errors and children are those of the requests that have such a span."""
    rows = [row for row in ask("performance", scope="inner", **who)["rows"] if row["operation"] == "encode"]
    found = ask("summary", operation="encode", **who)
    assert found["is_inner"]
    assert found["count"] == sum(row["count"] for row in rows) > 0
    assert found["count"] == sum(found["outcomes"][name] for name in ("ok", "error"))
    sample = found["sample"]
    scale = sample["traces"] / sample["of"] if sample else 1
    assert sum(found["rates"]) * found["step_s"] == pytest.approx(found["count"] / scale, rel=0.05)
    assert any(found["p95_ns"])
    assert "encode" in {child["operation"] for child in found["children"]}
    assert ask("summary", operation="/pamazon.Encoder/Nosuch")["count"] == 0
    assert not ask("summary", operation="/search", **who)["is_inner"]


def test_an_entry_that_nobody_calls_any_more_is_not_counted_inside() -> None:
    """Spans of that name inside of requests are counted by whole minutes, also those before the time began."""
    times = {"since": utc(HOUR + 30 * 10**9), "until": utc(HOUR + 90 * 10**9)}
    with closing(store_of(requests(100, minutes=0.4))) as store:
        after = answer(store.reader(), "/api/summary", [*{"operation": "/search", **times}.items()])
    assert (after["count"], after["is_inner"]) == (0, False)


def test_who_was_there(ask: Ask) -> None:
    """Counts; a choice does not hide the other choices of its own list."""
    found = ask("who", platform="web")
    assert {row["value"]: row["count"] for row in found["platforms"]} == Counter(r.platform for r in MADE)
    web = [r for r in MADE if r.platform == "web"]
    assert {row["value"]: row["count"] for row in found["regions"]} == Counter(r.region for r in web)
    versions = Counter(f"encoder {r.version}" for r in web) + Counter({"gateway 1.0.0": len(web)})
    assert {row["value"]: row["count"] for row in found["versions"]} == versions
    assert {row["value"]: row["count"] for row in found["operations"]} == Counter(f"/{r.operation}" for r in web)
    assert found["first_unix_s"] == pytest.approx(min(r.start_ns() for r in MADE) / 1e9)


def test_points_have_what_they_are_drawn_by(ask: Ask) -> None:
    """Duration over documents; the longest ones are always among them."""
    found = ask("scatter", operation="/index")
    made = {r.trace_id: r for r in of("index")}
    assert {point["trace_id"] for point in found["points"]} == set(made)
    for point in found["points"]:
        request = made[point["trace_id"]]
        assert (point["x"], point["outcome"]) == (request.len_docs, request.outcome)
        assert point["duration_ns"] == pytest.approx(request.entry_ms * MS, abs=10)
    everything = ask("scatter")
    assert everything["sample"] == {"traces": len(everything["points"]), "of": len(MADE)}
    assert 500 < len(everything["points"]) <= 600
    longest = sorted(MADE, key=lambda r: -r.entry_ms)[:60]
    assert {r.trace_id for r in longest} <= {point["trace_id"] for point in everything["points"]}
    with pytest.raises(QueryError, match="Did you mean len_docs"):
        ask("scatter", x="len_dcs")


def test_the_map_has_who_calls_whom(ask: Ask) -> None:
    """Nodes with what they do, edges as the caller saw them."""
    found = ask("map")
    nodes = {node["name"]: node for node in found["nodes"]}
    assert {name: (node["kind"], node["count"], node["steps"]) for name, node in nodes.items()} == {
        "pamazon": ("client", 700, []),
        "gateway": ("service", 700, []),
        "encoder": ("service", 700, ["encode"]),
    }
    assert nodes["gateway"]["rate"] == pytest.approx(700 / SECONDS, rel=1e-2)
    edges = {(edge["source"], edge["target"]): edge for edge in found["edges"]}
    assert set(edges) == {("pamazon", "gateway"), ("gateway", "encoder")}
    first = edges["pamazon", "gateway"]
    assert first["p95_ns"] == near(rank([r.client_ms for r in MADE], 0.95))
    assert first["error_ratio"] == pytest.approx(sum(r.outcome == "error" for r in MADE) / 700)
    assert first["operations"] == ["index", "search"]


def test_traces_show_what_the_request_was(store: DuckDBPyConnection) -> None:
    """The longest first, with the stages that its end waited for."""
    pairs = [*WHOLE.items(), ("order", "duration"), ("stages", "true"), ("limit", "40")]
    first = answer(store, "/api/traces", pairs)
    second = answer(store, "/api/traces", [*pairs, ("before", first["next"])])
    longest = sorted(MADE, key=lambda r: -r.client_ms)[:80]
    assert [row["trace_id"] for row in first["traces"] + second["traces"]] == [r.trace_id for r in longest]
    for row, request in zip(first["traces"], longest, strict=False):
        expected = {
            "transit": request.way_ms + 1,
            "endpoint": request.gateway_ms,
            "encode": request.encode_ms,
        }
        stages = {stage["stage"]: stage["time_ns"] for stage in row["stages"]}
        assert stages == {name: pytest.approx(ms * MS, abs=20) for name, ms in expected.items()}
        assert sum(stages.values()) == row["duration_ns"]
        assert (row["platform"], row["region"], row["len_docs"]) == (request.platform, request.region, request.len_docs)
        assert row["outcome"] == request.outcome
        assert row["transit_ns"] == pytest.approx(request.way_ms * MS, abs=10)


def test_the_time_must_be_one(ask: Ask) -> None:
    """Its end is not before its beginning."""
    with pytest.raises(QueryError, match="ends before it begins"):
        ask("performance", since=WHOLE["until"], until=WHOLE["since"])


def test_without_a_collector_the_last_hour_is_that_of_the_store(store: DuckDBPyConnection) -> None:
    """However long ago that was."""
    found = answer(store, "/api/performance")
    assert sum(row["count"] for row in found["rows"]) == len(MADE)
