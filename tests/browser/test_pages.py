"""OpenTelemetry's SDK for browsers, in Chromium, with a local collector that knows nothing of it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent

import pytest

from telemetry import conventions as c
from tests import otlp_samples as otlp
from tests.browser.driving import blank_page, bundle, in_browser
from tests.local_collector import JSON, allowing
from tests.pamazon_fixtures import Shop, Trace
from tests.pamazon_trees import SEARCH

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle("shop_page.js", tmp_path_factory.mktemp("page"))


@contextmanager
def front(gateway: str, otlp_http: str, script: Path) -> Iterator[str]:
    """The shop's front in a process of its own; gives its address."""
    command = [sys.executable, str(HERE / "front.py"), gateway, f"http://{otlp_http}", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1]) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["address"]
        finally:
            process.terminate()


PAGE = """\
click shop_page
  GET CLIENT shop_page
    /search shop_front
"""
TREE = PAGE + indent(SEARCH.strip().replace("CLIENT pamazon", "CLIENT shop_front"), " " * 6)


def test_one_trace_leads_from_a_click_in_a_page_to_the_index(shop: Shop, script: Path) -> None:
    """The page asks the shop's front, the front the gateway; the page sends its own spans, to another origin."""
    with front(shop.gateway, shop.otlp_http, script) as address:
        seen = in_browser("search.mjs", url=f"http://{address}/", query="black jacket", spans=["click", "GET"])
        trace = shop.trace(seen.result["trace"])
    assert (seen.problems, seen.result["failed"], len(seen.result["names"])) == ((), [], 3)
    assert trace.tree() == TREE
    entries = {span["service"]: span["attributes"] for span in trace.spans if "search.entry" in span["attributes"]}
    assert {service: attributes["search.entry"] for service, attributes in entries.items()} == {
        "shop_front": True, "gateway": False, "clip_encoder": False, "qdrant_indexer": False,
    }  # fmt: skip
    assert {attributes["client.region"] for attributes in entries.values()} == {"de"}
    assert_page_measured(shop, trace)


def assert_page_measured(shop: Shop, trace: Trace) -> None:
    """The visitor's wait is a metric of the page, as the library's clients have it, and the front has none."""
    measured = shop.ask(f"/api/metrics/{c.CLIENT_DURATION.name}")["series"]
    assert "shop_front" not in {series["service"] for series in measured}
    (series,) = [series for series in measured if series["service"] == "shop_page"]
    (point,) = series["points"]
    assert series["temporality"] == "delta"  # of which several pages make one sum
    assert (series["unit"], tuple(point["bounds"]), point["count"]) == ("s", c.CLIENT_DURATION.buckets, 1)
    assert series["attributes"] == {
        "search.operation": "search", "client.platform": "web", "client.region": "de", "search.outcome": "ok",
    }  # fmt: skip
    (front,) = [span for span in trace.spans if span["service"] == "shop_front" and span["name"] == "/search"]
    assert point["sum"] > front["duration_ns"] / 1e9


def test_a_page_of_another_origin_sends_only_where_it_is_named_and_reads_nowhere() -> None:
    """Its browser stops it; what it may send to, it may not read from, and neither may a page of this machine."""
    span = {"method": "POST", "headers": JSON, "body": json.dumps(otlp.traces(otlp.small_span(1)))}
    with blank_page() as port, allowing() as closed, allowing(shop := f"http://shop.example:{port}") as opened:
        local = f"http://127.0.0.1:{port}"
        calls = []
        for collector in (closed, opened):
            calls.append({"address": f"http://{collector.addresses.http}/v1/traces", **span})
            calls.append({"address": f"http://{collector.addresses.api}/api/traces"})
        visits = [{"url": f"{page}/", "calls": calls} for page in (shop, local)]
        seen = in_browser("fetch.mjs", names={"shop.example": "127.0.0.1"}, visits=visits)
        assert seen.result == [["stopped", "stopped", 200, "stopped"], [200, "stopped", 200, "stopped"]]
        assert closed.stats().signals["traces"].exports == 1  # of the page of this machine
