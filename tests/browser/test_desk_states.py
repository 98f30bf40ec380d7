"""The desk in Chromium: empty, growing, used by keyboard, without its collector, with a login, full of hostile text."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from collector.local.net.access import Access, Tokens
from collector.local.server import LocalCollector
from dashboards.desk import vendor
from tests.browser.desk_spans import ATTACKS, hostile, long_log, searches, send
from tests.browser.driving import in_browser
from tests.browser.environment import VENDORED

TOKEN = "a-token-of-more-than-16-characters"
ANYWHERE = "127.0.0.1:0"


@pytest.fixture(scope="module")
def collector() -> Iterator[LocalCollector]:
    with LocalCollector(None, None, ANYWHERE, ANYWHERE) as running:
        send(running, "traces", searches(400))
        yield running


def test_an_empty_page_fills_by_itself_and_says_when_the_collector_is_away() -> None:
    running = LocalCollector(None, ANYWHERE, ANYWHERE, ANYWHERE).start()
    receives = running.addresses.grpc

    class Stop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running.stop()
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the standard library's name)
            pass

    with HTTPServer(("127.0.0.1", 0), Stop) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        try:
            done = in_browser(
                "desk_states.mjs",
                base=f"http://{running.addresses.api}",
                otlp=f"http://{running.addresses.http}",
                first=searches(3, ago_s=20),
                more=searches(4, first=3, ago_s=10),
                stop=f"http://127.0.0.1:{server.server_port}/",
            )
        finally:
            running.stop()
            thread.join(5)
    seen = done.result
    assert "No traces yet" in seen["empty"]
    assert "pamazon up" in seen["empty"]
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT=http://{receives}" in seen["empty"]
    assert seen["axe"] == []
    assert (seen["first"], seen["more"]) == (3, 7)
    assert seen["least"] >= 3, "rows went while more came"
    assert "after=" in seen["asked"], "records go on where they were"
    assert "wait=" not in seen["asked"], "an answer comes at once, and takes the error away"
    assert "The collector is away" in seen["away"]
    assert "telemetry collect" in seen["away"]
    assert all("Failed to load resource" in problem for problem in done.problems)


def test_a_person_with_a_keyboard_finds_the_slow_cell_and_a_trace_of_it(collector: LocalCollector) -> None:
    done = in_browser("desk_use.mjs", base=f"http://{collector.addresses.api}", path="/")
    assert done.problems == ()
    seen = done.result
    assert "linux · cl" in seen["worst"]
    assert "before the gateway" in seen["worst"]
    assert (seen["summary"]["title"], seen["summary"]["region"]) == ("/search", "cl")
    assert seen["completed"] == "duration>"
    assert "fast" in seen["wrong"]
    assert seen["unchanged"] is None
    assert seen["filter"] == "duration>100ms"
    assert seen["slow"]
    assert all("cl" in row for row in seen["slow"])
    assert ": p50 " in seen["spoken"]
    assert seen["table"] > 5
    before_since, since, until, before_until = seen["brushed"]
    assert before_since <= since < until <= before_until
    assert (since, until) != (before_since, before_until)
    assert seen["back"]
    assert seen["second"] == 1
    assert seen["trace"].startswith("/traces/")
    assert seen["stage"] == {"filter": "operation=qdrant_search service=qdrant_indexer", "rows": 8}
    assert "go to Summary" in seen["help"]


def test_what_one_part_cannot_draw_leaves_the_others_and_odd_addresses_are_told(collector: LocalCollector) -> None:
    send(collector, "logs", long_log("to come", ago_s=-7200))
    send(collector, "logs", long_log())
    send(collector, "logs", long_log("said before", ago_s=7200))
    backlog = long_log("said before", ago_s=2 * 86_400, service="watchman")
    backlog["resourceLogs"][0]["scopeLogs"][0]["logRecords"] *= 230
    send(collector, "logs", long_log("said before", ago_s=7200, service="watchman"))
    send(collector, "logs", backlog)
    done = in_browser("desk_odd.mjs", base=f"http://{collector.addresses.api}")
    seen = done.result
    assert seen["traces"]["rows"] == 50
    assert seen["traces"]["plain"], "a trace without stages has no bar"
    assert seen["broken"] == {"parts": 1, "rows": 8, "charts": True, "title": "All requests"}
    assert seen["colours"] == seen["names"]
    assert (seen["status"], "There is no such view" in seen["unknown"]) == (404, True)
    assert "since=banana" in seen["banana"]
    assert (seen["rows"], seen["went"]) == ([0, 1, 0], "/dashboard/search-overview")
    assert {"next row of a table", "go to Dashboards"} <= set(seen["help"])
    assert any("in a chart" in what for what in seen["help"])
    assert (seen["log"]["overflows"], seen["log"]["over"]) == (False, 0)
    assert seen["log"]["off"] == 4, "log records do not say who asked"
    assert seen["log"]["example"].startswith("level>=warn")
    assert seen["log"]["bodies"][:2] == ["said", "to come"], "in order of arrival, whatever their times"
    assert seen["log"]["ahead"] == ["to come"]
    assert "said before" not in seen["log"]["bodies"], "a live list has the records of its range"
    assert re.search(r"The latest record is of .*, 2\sh ago", seen["old"]), "the latest by time, not the last to arrive"
    assert not [
        problem for problem in done.problems if "status of 404" not in problem and "isOfAttributes" not in problem
    ]


def test_a_store_of_another_day_opens_at_its_traces_without_a_collector(tmp_path: Path) -> None:
    store = tmp_path / "store.duckdb"
    with LocalCollector(store, None, ANYWHERE, ANYWHERE) as running:
        send(running, "traces", searches(12, ago_s=2 * 86_400))
    command = [sys.executable, "-m", "telemetry", "desk", "--store", str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as desk:
        assert desk.stdout
        address = re.search(r"http://127\.0\.0\.1:\d+", desk.stdout.readline())
        assert address
        done = in_browser("desk_store.mjs", base=address[0])
        desk.terminate()
    assert done.problems == ()
    assert (done.result["rows"], done.result["live"], done.result["chip"]) == (12, 0, "a store, at rest")
    two_days = datetime.now(UTC) - datetime.fromisoformat(done.result["until"])
    assert timedelta(days=1.9) < two_days < timedelta(days=2)


def test_a_login_is_asked_for_and_kept() -> None:
    access = Access(tokens=Tokens([TOKEN]))
    with LocalCollector(None, None, ANYWHERE, ANYWHERE, access=access) as running:
        done = in_browser("desk_login.mjs", base=f"http://{running.addresses.api}", token=TOKEN)
    seen = done.result
    assert (seen["axe"], seen["focused"]) == ([], "token")
    assert "token is wrong" in seen["wrong"]
    assert seen["readable"] == ""
    assert seen["cookie"] == {"httpOnly": True, "sameSite": "Strict"}
    assert seen["title"] == "Performance"
    assert seen["fits"]
    assert seen["left"] == [], "a cookie was left"
    assert all("401" in problem for problem in done.problems)


def test_hostile_text_is_shown_as_text_and_nothing_of_it_runs() -> None:
    with LocalCollector(None, None, ANYWHERE, ANYWHERE) as running:
        spans, logs, metrics = hostile()
        for signal, document in (("traces", spans), ("logs", logs), ("metrics", metrics)):
            send(running, signal, document)
        trace = spans["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"]
        views = {
            "performance": "/performance?scope=inner",
            "calls": "/performance?scope=rpc",
            "summary": "/summary",
            "traces": "/traces",
            "map": "/map",
            "logs": "/logs",
            "trace": f"/traces/{trace}",
            "compare": "/compare",
            "dashboard": "/dashboard/search-overview",
            "addressed": "/summary?operation=%3Cimg%20src%3Dx%20onerror%3Dwindow.hurt%3D1%3E&filter=%3Cscript%3E",
        }
        done = in_browser("desk_hostile.mjs", base=f"http://{running.addresses.api}", views=views, timeout_s=90)
    seen = done.result
    assert (seen["dialogs"], seen["elsewhere"]) == ([], [])
    assert not [problem for problem in done.problems if "Content Security Policy" in problem or "Trusted" in problem]
    for name, view in seen["shown"].items():
        assert (name, view["hurt"], view["odd"]) == (name, None, 0)
    for name in ("traces", "logs", "trace"):
        assert (
            "<img src=x onerror=window.hurt=1>" in seen["shown"][name]["text"]
            or ATTACKS[0] in seen["shown"][name]["text"]
        )


def test_the_scripts_of_others_are_those_of_the_lock_file() -> None:
    files = vendor.vendored(VENDORED)
    assert {path.name for path in vendor.TARGET.iterdir()} == files.keys()
    for name, content in files.items():
        assert (vendor.TARGET / name).read_text("utf-8") == content, f"{name}: python -m dashboards.desk.vendor"
