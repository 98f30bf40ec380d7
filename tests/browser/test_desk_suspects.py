"""Suspects and top tags on the desk, in Chromium: sentences, clicks that filter, axe, both screens, hostile names."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from collector.local.server import LocalCollector
from tests.browser.driving import in_browser
from tests.local_collector import JSON, post
from tests.unit.incident_traces import LENGTH_MS, Facts, exports_of

HOSTILE = "<img src=x onerror=window.attacked=1>"


def slow_for_attackers(facts: Facts) -> None:
    if facts.platform in {"ios", "android"}:
        facts.platform = HOSTILE
        facts.index_ms += 200


def test_suspects_are_read_and_clicked(tmp_path: Path) -> None:
    """What is wrong, where, for whom; a click, or Enter, adds a term to the filter, and another takes it away.

    The first page has it in a line, and says of an entry that nobody calls any more since when that is so.
    """
    start_ms = int(time.time()) * 1000 - 3 * LENGTH_MS
    since, until = (datetime.fromtimestamp(start_ms / 1000 + side * LENGTH_MS / 1000, UTC) for side in (1, 2))
    with LocalCollector(None, None, "127.0.0.1:0", "127.0.0.1:0") as collector:
        for exported in exports_of({"slow": slow_for_attackers}, start_ms):
            status, _, body = post(collector, "/v1/traces", json.dumps(exported), JSON)
            assert (status, json.loads(body or "{}")) == (200, {}), body
        query = {"since": f"{since:%FT%TZ}", "until": f"{until:%FT%TZ}", "operation": "/search"}
        base = f"http://{collector.addresses.api}"
        whole = {key: query[key] for key in ("since", "until")}
        later = {**whole, "until": f"{until + timedelta(milliseconds=LENGTH_MS):%FT%TZ}"}
        done = in_browser(
            "desk_suspects.mjs",
            url=f"{base}/summary?{urlencode(query)}",
            newsUrl=f"{base}/performance?{urlencode(whole)}",
            laterUrl=f"{base}/performance?{urlencode(later)}",
            pictures=os.environ.get("DESK_PICTURES") or str(tmp_path),
            timeout_s=100,
        )
    seen = done.result
    assert done.problems == ()
    assert seen["looks"] == [{"axe": [], "overflows": False}] * 2
    assert "of the requests are slow, 0 % of those before." in seen["text"]
    assert seen["path"].replace("\n", " ") == "qdrant_indexer › qdrant_search"
    assert f"client.platform = {HOSTILE}" in seen["sentence"]
    assert seen["filter"] == f'client.platform="{HOSTILE}"'
    assert seen["back"] is None
    assert seen["tagged"] == f"client.region={seen['region']}"
    assert seen["cleared"] is None
    assert seen["none"] == "No request is empty"
    assert (seen["lines"], sorted(seen["asked"])) == (2, ["/index", "/search"]), "each entry once"
    assert "of the requests are slow, 0 % of those before." in seen["news"]
    assert "qdrant_indexer › qdrant_search" in seen["news"]
    assert f"client.platform = {HOSTILE}" in seen["news"]
    assert (seen["newsLooks"], seen["followed"], seen["silent"]) == ([], "/search", 0)
    assert seen["later"].startswith("none since ")
    assert seen["attacked"] is None
