"""Answers about many traces in a store with a few odd ones: rare, incomplete, of a wrong clock, or too young."""

from contextlib import closing
from dataclasses import replace

import pytest

from collector.local.api.answers import answer
from collector.local.decode.signals import BY_PATH
from collector.local.query.overview import asked
from collector.local.query.overview import errors as overview_errors
from collector.local.query.overview import map as service_map
from tests.integration.otlp_by_hand import pairs
from tests.otlp_samples import decode
from tests.unit.flow_traces import HOUR, export_of, requests, store_of, store_of_exports, utc

MADE = requests(700)
SECONDS = 1800 - min(request.start_ms for request in MADE) / 1000
"""From the first request on."""
WHOLE = {"since": utc(HOUR), "until": utc(HOUR + 30 * 60 * 10**9)}


def test_the_map_has_what_is_seldom_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 301 traces the first to arrive, which begins at another client, and a service that only one of all calls."""
    monkeypatch.setattr(service_map, "MOST_TRACES", 50)
    shop, others = requests(301, seed=4)[0], requests(301, seed=4)[1:]
    first, rest = export_of([shop]), export_of(others)
    (resource,) = first[0]["resourceSpans"]
    resource["resource"]["attributes"][0]["value"] = {"stringValue": "shop_page"}
    called = dict(rest[1]["resourceSpans"][0]["scopeSpans"][0]["spans"][1])
    called |= {"spanId": "f" * 16, "parentSpanId": called["spanId"], "name": "get", "kind": 2}
    cache = {"resource": {"attributes": pairs({"service.name": "cache"})}, "scopeSpans": [{"spans": [called]}]}
    with closing(store_of_exports([*first, {"resourceSpans": [cache]}, *rest])) as store:
        found = answer(store.reader(), "/api/map", [*WHOLE.items()])
    nodes = {node["name"]: node for node in found["nodes"]}
    assert set(nodes) == {"pamazon", "shop_page", "gateway", "encoder", "cache"}
    edges = {(edge["source"], edge["target"]): edge["count"] for edge in found["edges"]}
    assert (edges["shop_page", "gateway"], edges["gateway", "cache"]) == (1, 1)
    assert edges["pamazon", "gateway"] == pytest.approx(300, abs=3)
    assert found["sample"]["of"] == 301 > found["sample"]["traces"]


def test_one_wrong_clock_does_not_move_the_last_hour() -> None:
    """A request of the year 2262 is in no default range, and not the store's last."""
    wrong = replace(MADE[0], number=9000, start_ms=236 * 365 * 86_400_000.0)
    behind = replace(MADE[0], number=9001, start_ms=-50 * 365 * 86_400_000.0)
    with closing(store_of([*MADE, wrong, behind])) as store, closing(store.reader()) as connection:
        found = answer(connection, "/api/performance")
        assert sum(row["count"] for row in found["rows"]) == len(MADE)
        assert sum(row["rate"] for row in found["rows"]) == pytest.approx(len(MADE) / SECONDS, rel=1e-2)
        who = answer(connection, "/api/who")
    assert who["last_unix_s"] == pytest.approx(max(r.start_ns() for r in MADE) / 1e9)
    assert who["first_unix_s"] == pytest.approx(min(r.start_ns() for r in MADE) / 1e9)


def test_the_rate_of_a_young_store_is_that_since_its_first_request() -> None:
    """However long the range; of a range with requests before it, over the whole range."""
    ask_since = {"since": utc(HOUR - 1800 * 10**9)}
    store = store_of(MADE).reader()
    found = answer(store, "/api/performance", [*(WHOLE | ask_since).items()])
    assert sum(row["rate"] for row in found["rows"]) == pytest.approx(len(MADE) / SECONDS)
    later = {"since": utc(HOUR + 600 * 10**9), "until": utc(HOUR + 3600 * 10**9)}
    found = answer(store, "/api/performance", [*later.items()])
    assert sum(row["rate"] for row in found["rows"]) == pytest.approx(sum(r.start_ms >= 600_000 for r in MADE) / 3000)


def test_a_trace_without_its_beginning_makes_no_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first span that is known is one that others have inside; so it is while the trace arrives."""
    exports = export_of(MADE[:200])
    spans = (
        exports[0]["resourceSpans"][0]["scopeSpans"][0]["spans"],
        exports[1]["resourceSpans"][0]["scopeSpans"][0]["spans"],
    )
    for of_process in spans:
        of_process[:] = [span for span in of_process if int(span["traceId"], 16) > 5]
    with closing(store_of_exports(exports)) as store, closing(store.reader()) as connection:
        for few in (asked.FEW, 0):
            monkeypatch.setattr(asked, "FEW", few)
            rows = answer(connection, "/api/performance", [*WHOLE.items()])["rows"]
            assert {row["operation"] for row in rows} == {"/search", "/index"}
            operations = answer(connection, "/api/who", [*WHOLE.items()])["operations"]
            assert {row["value"] for row in operations} == {"/search", "/index"}


def test_an_error_is_found_again_once_a_late_span_has_shown_where_it_began() -> None:
    """What was read of a failed trace is kept only as long as no span of it comes."""
    failed = replace(MADE[0], outcome="error")
    *early, late = export_of([replace(failed, version="2.0.0")])
    with closing(store_of_exports(early)) as store:
        for _ in range(2):  # read, then kept
            (error,) = answer(store.reader(), "/api/summary", [*WHOLE.items()])["errors"]
            assert (error["type"], error["service"], error["count"]) == ("INTERNAL", "gateway", 1)
        store.write([decode(BY_PATH["/v1/traces"], late)], ["late"], HOUR + 3601 * 10**9)
        (error,) = answer(store.reader(), "/api/summary", [*WHOLE.items()])["errors"]
    assert (error["type"], error["service"], error["count"]) == ("ModelError", "encoder", 1)


def test_of_many_failed_traces_those_count_of_which_no_span_has_come_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The latest, if there are enough; else those that have just arrived, too."""
    monkeypatch.setattr(overview_errors, "OF_ERRORS", 30)
    failed = [replace(request, outcome="error") for request in sorted(MADE, key=lambda one: one.start_ms)]
    with closing(store_of(failed[:20])) as store:
        store.fold(HOUR + 3600 * 10**9, everything=True)
        store.write([decode(BY_PATH["/v1/traces"], one) for one in export_of(failed[20:25])], "abcd", HOUR)
        few = answer(store.reader(), "/api/summary", [*WHOLE.items()])
        store.write([decode(BY_PATH["/v1/traces"], one) for one in export_of(failed[25:60])], "efgh", HOUR)
        many = answer(store.reader(), "/api/summary", [*WHOLE.items()])
        store.fold(HOUR + 3600 * 10**9, everything=True)
        store.write([decode(BY_PATH["/v1/traces"], one) for one in export_of(failed[60:61])], "ijkl", HOUR)
        folded = answer(store.reader(), "/api/summary", [*WHOLE.items()])
    assert ([error["count"] for error in few["errors"]], few["errors_sample"]) == ([25], None)
    assert ([error["count"] for error in many["errors"]], many["errors_sample"]) == ([30], {"traces": 30, "of": 60})
    assert folded["outcomes"]["error"] == 61
    assert folded["errors_sample"] == {"traces": 30, "of": 60}
    assert [error["trace_id"] for error in folded["errors"]] == [failed[59].trace_id]


def test_an_operation_that_was_called_by_itself_earlier_is_still_one_inside() -> None:
    """As after a try by hand, or of a trace whose beginning was lost."""
    made = requests(50, minutes=0.5)
    (early,) = export_of([replace(made[0], version="1.0.0")])[2:3]
    (of_scope,) = early["resourceSpans"][0]["scopeSpans"]
    of_scope["spans"] = [of_scope["spans"][-1] | {"parentSpanId": ""}]
    late = [replace(one, number=one.number + 1000, start_ms=one.start_ms + 5 * 60_000) for one in made]
    times = {"since": utc(HOUR + 240 * 10**9), "until": utc(HOUR + 400 * 10**9)}
    with closing(store_of_exports([early, *export_of(late)])) as store:
        encode = {"operation": "encode", "service": "encoder"}
        first, later = (
            answer(store.reader(), "/api/summary", [*(encode | when).items()])
            for when in ({"since": utc(HOUR), "until": utc(HOUR + 60 * 10**9)}, times)
        )
    assert (first["count"], first["is_inner"]) == (1, False)
    assert (later["count"], later["is_inner"]) == (50, True)
