"""Pages of other origins, in Chromium, that call a local collector."""

import json

from tests import otlp_samples as otlp
from tests.browser.driving import blank_page, in_browser
from tests.local_collector import JSON, allowing


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
