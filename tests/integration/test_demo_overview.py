"""What the API says of a minute of Pamazon, against values computed from the spans of each of its traces."""

import json
import math
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.pamazon_fixtures import Shop

SEARCHES, WITHIN = 80, 0.05


class Load:
    """The traces of a load on the real flow, each read by itself."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        since = time.time()
        done = shop.pamazon("load", "--rate", "20", "--index-rate", "1", "--duration", "4", "--seed", "3", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["sent"] == SEARCHES
        self.range = {name: datetime.fromtimestamp(at, UTC).isoformat() for name, at in self._times(since)}
        self.traces = self._read()

    def _times(self, since: float) -> list[tuple[str, float]]:
        return [("since", since), ("until", time.time())]

    def _read(self) -> list[list[dict[str, Any]]]:
        deadline = time.monotonic() + 30
        while True:
            rows = self.shop.ask("/api/traces", **self.range, limit="1000")["traces"]
            if sum(row["root_operation"] == "/pamazon.Gateway/Search" for row in rows) == SEARCHES:
                self.shop.trace(rows[0]["trace_id"])  # the last one is complete
                return [self.shop.ask(f"/api/traces/{row['trace_id']}")["spans"] for row in rows]
            assert time.monotonic() < deadline, f"{len(rows)} traces arrived"

    def ask(self, path: str, **more: str) -> dict[str, Any]:
        return self.shop.ask(f"/api/{path}", **self.range, **more)

    def of(self, operation: str) -> list[list[dict[str, Any]]]:
        """Those whose entry has this name."""
        return [spans for spans in self.traces if entry_of(spans)["name"] == operation]


@pytest.fixture(scope="module")
def load(shop: Shop) -> Load:
    """Four seconds of searches and index requests."""
    return Load(shop)


def entry_of(spans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    (entry,) = (s for s in spans if s["attributes"].get("search.entry") is True and s["kind"] == "internal")
    return entry


def near(values: Sequence[int], quantile: float) -> Any:
    """The nearest rank, within the width of a bucket."""
    rank = sorted(values)[max(math.ceil(quantile * len(values) - 1e-9), 1) - 1]
    return pytest.approx(rank, rel=WITHIN)


def test_performance_is_that_of_the_spans(load: Load) -> None:
    """Counts, percentiles of both sides, ratios; of stages and of calls, too."""
    rows = {row["operation"]: row for row in load.ask("performance")["rows"]}
    assert set(rows) == {"/search", "/index"}
    for name, row in rows.items():
        made = load.of(name)
        assert row["count"] == len(made)
        inside, waited = [entry_of(s)["duration_ns"] for s in made], [s[0]["duration_ns"] for s in made]
        for field, quantile in (("p50_ns", 0.5), ("p95_ns", 0.95), ("p99_ns", 0.99)):
            assert row[field] == near(inside, quantile)
            assert row["client"][field] == near(waited, quantile)
        assert row["error_ratio"] == sum(entry_of(s)["status"] == "error" for s in made) / len(made)
        assert row["empty_ratio"] == sum(entry_of(s)["attributes"].get("len_docs") == 0 for s in made) / len(made)
    for scope in ("inner", "rpc"):
        spans = [span for spans in load.traces for span in spans]
        expected = Counter(
            (s["service"], s["name"], s["kind"], s["attributes"].get("search.operation"))
            for s in spans
            if ("rpc.system.name" in s["attributes"]) == (scope == "rpc")
        )
        found = load.ask("performance", scope=scope, filter="duration>0ms")["rows"]
        keys = ("service", "operation", "kind", "search_operation")
        assert {tuple(row[key] for key in keys): row["count"] for row in found} == expected


def test_a_summary_is_that_of_the_spans(load: Load) -> None:
    """The critical path is that of each trace by itself."""
    made = load.of("/search")
    found = load.ask("summary", operation="/search")
    times: Counter[tuple[str, str]] = Counter()
    for spans in made:
        for span in spans:
            times[span["service"], span["name"]] += span["critical_ns"]
    assert found["count"] == found["outcomes"]["ok"] == len(made)
    children: Counter[tuple[str, str]] = Counter()
    for row in found["children"]:
        children[row["service"], row["operation"]] += row["time_ns"]
    assert children == +times
    assert {row["service"] for row in found["children"] if row["on_the_way"]} >= {"pamazon"}


def test_who_asked_is_that_of_the_spans(load: Load) -> None:
    """Platforms and regions are those of the clients."""
    found = load.ask("who")
    for name, attribute in (("platforms", "client.platform"), ("regions", "client.region")):
        expected = Counter(spans[0]["attributes"][attribute] for spans in load.traces)
        assert {row["value"]: row["count"] for row in found[name]} == expected
    assert {version["value"].split()[0] for version in found["versions"]} == {
        "pamazon", "gateway", "clip_encoder", "qdrant_indexer",
    }  # fmt: skip


def test_a_list_is_that_of_the_spans(load: Load) -> None:
    """The way, the documents, the results; the stages sum to the duration."""
    by_id = {spans[0]["trace_id"]: spans for spans in load.traces}
    rows = load.ask("traces", order="duration", stages="true", limit="50", filter="entry=/search")["traces"]
    longest = sorted(load.of("/search"), key=lambda spans: -spans[0]["duration_ns"])[:50]
    assert [row["trace_id"] for row in rows] == [spans[0]["trace_id"] for spans in longest]
    for row in rows:
        spans = by_id[row["trace_id"]]
        server = next(s for s in spans if s["parent_span_id"] == spans[0]["span_id"])
        assert row["transit_ns"] == max(0, spans[0]["duration_ns"] - server["duration_ns"])
        assert row["len_docs"] == entry_of(spans)["attributes"]["len_docs"]
        assert row["hits"] == max(s["attributes"].get("search.hits", 0) for s in spans)
        assert sum(stage["time_ns"] for stage in row["stages"]) == spans[0]["duration_ns"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (
            "service=qdrant_indexer span.duration>2ms",
            lambda s: s["service"] == "qdrant_indexer" and s["duration_ns"] > 2e6,
        ),
        ("search.hits<10", lambda s: s["attributes"].get("search.hits", 10) < 10),
        ("client.region=cl,us", lambda s: s["attributes"].get("client.region") in {"cl", "us"}),
        ("device=cpu minibatch_size>=1", lambda s: s["attributes"].get("device") == "cpu"),
    ],
)
def test_a_filter_finds_the_traces_with_such_a_span(load: Load, text: str, key: Any) -> None:
    """As looking at every span does."""
    rows = load.ask("traces", filter=text, limit="1000")["traces"]
    expected = {spans[0]["trace_id"] for spans in load.traces if any(map(key, spans))}
    assert {row["trace_id"] for row in rows} == expected
