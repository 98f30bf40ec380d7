"""Comparing traces by path: two of them, slow against typical ones, one version against another."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given

from collector.local.api import answers
from collector.local.decode.signals import BY_PATH
from collector.local.query import QueryError
from collector.local.query.comparing import comparing, paths, sides
from collector.local.store.store import Store
from tests import otlp_samples as otlp
from tests.unit.test_waterfall import lines
from tests.unit.traces_by_hand import ANY_ROWS, SEARCH, Row

MS = 1_000_000
OLD, NEW = "1.0", "2.0"


def search(number: int, version: str, encode_ms: int, region: str = "de", *, rerank: bool = False) -> dict[str, Any]:
    """One search: a client, its server 5 ms later on each side, in it the encoder, and perhaps another stage."""
    took = encode_ms + 2 * rerank
    stages = [("/search", 1, None, 3, 0, took + 10), ("/search", 2, 1, 2, 5, took + 5)]
    stages += [("encode", 3, 2, 1, 5, encode_ms + 5)]
    stages += [("rerank", 4, 2, 1, encode_ms + 5, encode_ms + 7)] * rerank
    spans = [
        {
            "traceId": f"{number:032x}",
            "spanId": f"{span:016x}",
            "name": name,
            "kind": kind,
            "startTimeUnixNano": str(otlp.START_NS + start * MS),
            "endTimeUnixNano": str(otlp.START_NS + end * MS),
            "attributes": [{"key": "client.region", "value": {"stringValue": region}}],
        }
        | ({"parentSpanId": f"{parent:016x}"} if parent else {})
        for name, span, parent, kind, start, end in stages
    ]
    resource = {
        "attributes": [
            {"key": "service.name", "value": {"stringValue": "shop"}},
            {"key": "service.version", "value": {"stringValue": version}},
        ]
    }
    return {"resource": resource, "scopeSpans": [{"spans": spans}]}


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """Forty searches: three are slow, in the encoder; the new version reranks; one region is far."""
    store = Store.open(None)
    found = [
        search(number, NEW if number % 2 else OLD, 200 if number in {3, 4, 5} else 20, rerank=bool(number % 2))
        for number in range(1, 40)
    ]
    found.append(search(40, OLD, 20, "cl"))
    store.write([otlp.decode(BY_PATH["/v1/traces"], {"resourceSpans": found})], ["1"], 1)
    yield store
    store.close()


def ask(store: Store, left: str, right: str, **others: str) -> Any:
    parameters = {"left": left, "right": right, "since": "2023-11-14", "operation": "/search", **others}
    with closing(store.reader()) as connection:
        return answers.answer(connection, "/api/compare", parameters.items())


def brief(answer: Any) -> dict[str, tuple[Any, Any]]:
    """Name and kind of each path, with the critical milliseconds on both sides."""
    return {
        f"{row['name']} {row['kind']}": tuple(part and part["critical_ns"] / MS for part in (row["left"], row["right"]))
        for row in answer["rows"]
    }


def test_two_traces_show_what_is_only_in_one_and_where_the_time_is(store: Store) -> None:
    answer = ask(store, f"{2:032x}", f"{3:032x}")
    assert brief(answer) == {
        "/search client": (10, 10),
        "/search server": (0, 0),
        "encode internal": (20, 200),
        "rerank internal": (None, 2),
    }
    assert [row["depth"] for row in answer["rows"]] == [0, 1, 2, 2]
    assert [row["on_the_way"] for row in answer["rows"]] == [True, False, False, False]
    assert answer["sentence"] == "The right side takes 182 ms longer, 99 % of it in encode (shop)."
    assert answer["is_certain"] is None
    assert answer["sample"] == {"traces": 2, "of": 2}


def test_slow_ones_differ_from_typical_ones_in_the_encoder(store: Store) -> None:
    answer = ask(store, "typical", "slow")
    assert (answer["right"]["traces"], answer["right"]["of"]) == (3, 3)
    assert "of it in encode (shop)." in answer["sentence"]
    assert brief(answer)["encode internal"] == (20, 200)


def test_sides_that_differ_in_nothing_are_said_to(store: Store) -> None:
    """Beside sides of the same times of which one is 80 ms longer."""
    found = [
        search(number, OLD if number % 2 else NEW, (20 + number * 7 % 60) + (extra if number % 2 else 0))
        for extra in (0, 80)
        for number in range(1, 51)
    ]
    for exported, is_certain in ((found[:50], False), (found[50:], True)):
        with closing(Store.open(None)) as made:
            made.write([otlp.decode(BY_PATH["/v1/traces"], {"resourceSpans": exported})], ["1"], 1)
            answer = ask(made, f"version:shop {OLD}", f"version:shop {NEW}")
        assert answer["is_certain"] is is_certain
        assert ("not a difference beyond chance" in answer["sentence"]) is not is_certain
        assert answer["sentence"].startswith("The right side takes ")


def page_search(number: int, encode_ms: int) -> dict[str, Any]:
    """A search that begins at a page: it calls the same server from another root."""
    found = search(number, OLD, encode_ms)
    spans = found["scopeSpans"][0]["spans"]
    spans[0] |= {"name": "POST", "parentSpanId": "f" * 16}
    click = {**spans[0], "spanId": "f" * 16, "name": "click", "kind": 1}
    del click["parentSpanId"]
    return {**found, "scopeSpans": [{"spans": [click, *spans]}]}


def test_traces_that_begin_differently_are_compared_from_where_they_enter() -> None:
    """A search of a page and one of a command: what is above the entry is on one side only."""
    store = Store.open(None)
    found = [search(1, OLD, 20), page_search(2, 60)]
    store.write([otlp.decode(BY_PATH["/v1/traces"], {"resourceSpans": found})], ["1"], 1)
    with closing(store):
        answer = ask(store, f"{2:032x}", f"{1:032x}")
    assert [(row["depth"], row["name"], row["kind"]) for row in answer["rows"][:2]] == [
        (0, "/search", "server"),
        (1, "encode", "internal"),
    ]
    assert brief(answer) == {
        "/search server": (0, 0),
        "encode internal": (60, 20),
        "click internal": (0, None),
        "POST client": (10, None),
        "/search client": (None, 10),
    }
    assert answer["sentence"] == "The right side takes 40 ms less, 100 % of it in encode (shop)."


def test_a_version_differs_in_what_it_does_more(store: Store) -> None:
    answer = ask(store, f"version:shop {OLD}", f"version:shop {NEW}")
    (rerank,) = [row for row in answer["rows"] if row["name"] == "rerank"]
    assert (rerank["left"], rerank["right"]["count"], rerank["right"]["critical_ns"]) == (None, 1, 2 * MS)
    assert [side["of"] for side in (answer["left"], answer["right"])] == [20, 20]


def test_a_large_side_is_a_sample_that_is_stated_and_the_same_each_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "MOST_TRACES", 5)
    first, again = (ask(store, "region:de", "region:cl") for _ in range(2))
    assert first == again
    assert first["sample"] == {"traces": 6, "of": 40}
    monkeypatch.setattr(sides, "MOST_SPANS", 1)
    assert ask(store, "region:de", "region:cl")["sample"] == {"traces": 2, "of": 40}


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ("slow", "", "right='' is not a side"),
        ("slw", "typical", "left='slw' is not a side"),
        ("version:", "slow", "left='version:' is not a side"),
        ("version:' OR 1=1 --", "slow", "No trace is on the left side"),
        ("typical", "failing", "No trace is on the right side"),
        ("f" * 32, "slow", "There is no span of trace"),
    ],
)
def test_what_is_no_side_is_said(store: Store, left: str, right: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        ask(store, left, right)


def test_filters_and_times_narrow_both_sides(store: Store) -> None:
    assert ask(store, "typical", "region:cl", region="cl")["sample"] == {"traces": 2, "of": 2}
    with pytest.raises(QueryError, match="No trace is on the left side"):
        ask(store, "typical", "slow", since="2023-11-01", until="2023-11-02")


@given(ANY_ROWS)
def test_the_critical_path_of_any_trace_adds_up_to_its_root(rows: list[Row]) -> None:
    """And its own times to those of its spans, however the paths fall together."""
    found = paths.paths_of([lines(rows), lines(SEARCH)])
    assert sum(sums.critical for sums in found.sums.values()) == found.duration
    assert sum(sums.count for sums in found.sums.values()) == len(rows) + len(SEARCH)


def test_of_many_paths_those_with_most_time_are_left_under_what_is_above_them() -> None:
    many: list[Row] = [("root", None, "i", 0, 1000)]
    many += [(f"x{number}", "root", "i", number, 2 * number + 1) for number in range(400)]
    many += [("deep", "x0", "i", 0, 900)]
    one = paths.paths_of([lines(many)])
    rows = comparing._rows(one, one)
    kept = comparing._longest(rows)
    assert (len(rows), len(kept)) == (402, comparing.MOST_ROWS)
    assert [row.name for row in kept[:3]] == ["root", "x0", "deep"]
