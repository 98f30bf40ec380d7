"""The desk's views of one trace and of a comparison, in Chromium, on a real collector."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from collector.local.decode.signals import BY_PATH
from collector.local.server import LocalCollector
from tests import otlp_samples as otlp
from tests.browser import desk_traces as traces
from tests.browser.driving import Seen, in_browser
from tests.local_collector import JSON, post


@pytest.fixture(scope="module")
def collector() -> Iterator[LocalCollector]:
    with LocalCollector(None, None, "127.0.0.1:0", "127.0.0.1:0") as running:
        send(running, "traces", traces.request(), traces.batch(), traces.hostile(), *traces.huge())
        send(running, "traces", *(traces.request(f"{100 + at:032x}", 20 + at / 10) for at in range(5)))
        send(running, "traces", *(traces.request(f"{200 + at:032x}", 90, "cl") for at in range(5)))
        attacks = (traces.log(traces.HOSTILE, at + 1, attack) for at, attack in enumerate(traces.ATTACKS))
        send(running, "logs", traces.log(traces.REQUEST, 4, "The shelf is slow"), *attacks)
        yield running


def send(collector: LocalCollector, signal: str, *documents: Any) -> None:
    for document in documents:
        status, _, body = post(collector, f"/v1/{signal}", json.dumps(document), JSON)
        assert (status, json.loads(body or "{}")) == (200, {}), body


@pytest.fixture(scope="module")
def visit(collector: LocalCollector) -> Seen:
    """One visit of everything: a browser takes long to start."""
    around = [datetime.fromtimestamp(traces.NOW / 1e9 + away, UTC) for away in (-60, 60)]
    since, until = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in around)
    return in_browser(
        "desk_trace.mjs",
        timeout_s=150,
        desk=f"http://{collector.addresses.api}",
        request=traces.REQUEST,
        huge=traces.HUGE,
        failed=traces.FAILED,
        hostile=traces.HOSTILE,
        late=traces.LATE,
        send=f"http://{collector.addresses.http}/v1/traces",
        document=traces.request(traces.LATE),
        range=f"since={since}&until={until}",
    )


@pytest.fixture(scope="module")
def seen(visit: Seen) -> dict[str, Any]:
    found: dict[str, Any] = visit.result
    return found


def test_nothing_goes_wrong_in_the_page(visit: Seen) -> None:
    """One answer is not there: a trace is asked for before it has arrived."""
    assert [problem for problem in visit.problems if "404" not in problem] == []


def test_a_trace_is_drawn_with_its_path_its_way_and_its_services(seen: dict[str, Any]) -> None:
    assert seen["titles"] == ["/shop.Gateway/Search", "/shop.Gateway/Search", "/search", "encode"]
    assert seen["badges"] == ["rpc", "rpc", "search.endpoint", "search"]
    assert seen["services"] == ["shop1", "gateway2", "clip_encoder1 ✕ 1"]
    assert seen["way"] == ["on the way"]
    assert seen["waited"][:2] == ["encode", "on the way of /shop.Gateway/Search"]
    assert seen["marks"] == ["exception at 9\u202fms: exception", 'warn at 10\u202fms: "The shelf is slow"']
    assert seen["paths"] == 7  # both sides of the three that call others, and all of the last
    assert seen["pathsOff"] == [0, "off"]
    assert seen["logs"] == ["warn The shelf is slow"]


def test_it_is_exported_as_it_was_sent(seen: dict[str, Any]) -> None:
    signal = BY_PATH["/v1/traces"]
    exported, sent = otlp.decode(signal, seen["exported"]), otlp.decode(signal, traces.request())
    assert {name: sorted(rows) for name, rows in exported.rows.items()} == {
        name: sorted(rows) for name, rows in sent.rows.items()
    }


def test_the_keyboard_does_all_of_it(seen: dict[str, Any]) -> None:
    assert seen["selected"] == ["/search"]
    assert seen["collapsed"] == [["/shop.Gateway/Search", "/shop.Gateway/Search", "/search"], ["✕ 1"]]
    assert seen["details"] == ["encode"]
    assert seen["failure"] == ["✕ ValueError", "no coat"]
    assert seen["moments"] == ["exception: exception", "warn: The shelf is slow"]
    assert seen["unbroken"] == [], "a long name breaks between its parts"
    assert seen["pairs"][0] == "needle"
    assert len(seen["zoomed"]) == 1
    assert seen["found"] == [["1 found"], ["encode"]]
    assert {"critical path on or off", "zoom to the span", "next error", "search in the trace"} <= set(seen["help"])


def test_links_lead_to_the_batch_and_back(seen: dict[str, Any]) -> None:
    """The batch knows which spans link to it."""
    assert [title.split()[:2] for title in seen["batch"][0][:2]] == [["Links", "to"], ["Linked", "from"]]
    assert seen["batch"][1] == ["encode clip_encoder"] * 2
    assert seen["back"] == ["encode"]


def test_ten_thousand_spans_are_there_within_a_second(seen: dict[str, Any]) -> None:
    """From the click to the last row being selected, beside a trace of four; few rows are ever drawn.

    A machine that does more at once than it has processors for has as much more time.
    """
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert seen["hugeMs"] - seen["smallMs"] < 1000 * busy
    assert seen["drawn"] < 80
    assert seen["count"] == ["10k spans"]
    assert int(seen["twoLevels"]) == 1 + traces.GROUP + traces.GROUP - 1  # the stage of the selected step stays open
    step = f"step {int(traces.FAILED, 16)}"
    assert seen["error"] == [[step], True]
    assert seen["onlyErrors"][-1] == step
    assert len(seen["onlyErrors"]) == 3  # with those above it
    assert " of 10k spans" in seen["dragged"][0]


def test_a_trace_that_is_still_to_come_is_waited_for(seen: dict[str, Any]) -> None:
    assert seen["late"] == seen["titles"]


def test_text_that_attacks_stays_text(seen: dict[str, Any]) -> None:
    assert len(seen["hostile"]) == len(traces.ATTACKS)
    assert seen["hostile"][:5] == list(traces.ATTACKS[:5])
    assert seen["attacked"] == [None, 0]


def test_two_regions_are_compared_path_by_path(seen: dict[str, Any]) -> None:
    assert seen["sentence"] == ["Region cl takes 69.9 ms longer than region de, 100 % of it in encode (clip_encoder)."]
    assert seen["compared"] == ["on the way of /shop.Gateway/Search", "/shop.Gateway/Search", "/search", "encode"]
    assert seen["mostChanged"] == "encode"


def test_both_views_pass_axe_and_fit_a_phone(seen: dict[str, Any]) -> None:
    """Light and dark, with the details of a span."""
    assert (seen["violations"], seen["compareViolations"]) == ([], [])
    assert (seen["traceWidth"], seen["compareWidth"]) == (390, 390)
