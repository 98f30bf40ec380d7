"""The desk in Chromium on the demo's data, every incident in it: each view, its use by keyboard, links opened later."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from benchmarks.incident_recording import Recording
from tests.browser.driving import in_browser

SLOW = "chile-slow-link"
OF_TEXTS = {
    "performance": ("/search", "Slowest requests"),
    "calls": ("Executor/Process",),
    "summary": ("Slow", "Suspects", "Top tags", "on the way"),
    "index": ("Duration over len_docs", "Slow"),
    "traces": ("qdrant_search", "cl"),
    "map": ("clip_encoder", "qdrant_search", "gateway → qdrant_indexer"),
    "logs": ("qdrant_indexer", "records shown"),
}


def moments(recorded: Recording, incident: str | None = None) -> dict[str, str]:
    """The time of an incident, or of all, as it stands in links."""
    stretches = recorded.of(incident) if incident else recorded.stretches
    since, until = min(each.begin for each in stretches), max(each.end for each in stretches)
    return {"since": iso(since // 10**9), "until": iso(until // 10**9 + 1)}


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: `DESK_PICTURES`, if that is set."""
    folder = Path(os.environ.get("DESK_PICTURES") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def seen(recorded_incidents: Recording, pictures: Path) -> dict[str, list[dict[str, Any]]]:
    everything = moments(recorded_incidents)
    views = {
        "performance": f"/?{urlencode(everything)}",
        "calls": f"/performance?{urlencode({**everything, 'scope': 'rpc'})}",
        "summary": f"/summary?{urlencode({**moments(recorded_incidents, SLOW), 'operation': '/search'})}",
        "index": f"/summary?{urlencode({**everything, 'operation': '/index'})}",
        "traces": f"/traces?{urlencode({**everything, 'order': 'duration'})}",
        "map": f"/map?{urlencode(everything)}",
        "logs": f"/logs?{urlencode(everything)}",
    }
    done = in_browser(
        "desk_views.mjs", base=f"http://{recorded_incidents.api}", views=views, pictures=str(pictures), timeout_s=100
    )
    assert done.problems == ()
    result: dict[str, list[dict[str, Any]]] = done.result
    return result


@pytest.mark.parametrize("view", OF_TEXTS)
def test_a_view_shows_the_demo_fits_its_screen_and_passes_axe(seen: dict[str, list[dict[str, Any]]], view: str) -> None:
    for screen in seen[view]:
        for text in OF_TEXTS[view]:
            assert text in screen["text"]
        assert screen["axe"] == []
        assert not screen["overflows"]
        assert screen["cut"] == [], "links to views that one has to swipe for"


def test_a_link_shows_the_same_an_hour_later_and_follows_when_it_is_told(recorded_incidents: Recording) -> None:
    range_ = moments(recorded_incidents, SLOW)
    link = f"http://{recorded_incidents.api}/traces?{urlencode({**range_, 'region': 'cl'})}"
    seen = in_browser("desk_later.mjs", link=link).result
    assert seen["opened"]["rows"] > 0
    assert not seen["opened"]["picker"].endswith("Last")
    assert seen["opened"]["range"] == seen["kept"] == {**range_, "region": "cl"}
    assert seen["pressed"] == "true"
    assert seen["live"]["since"] > range_["until"]
    assert seen["moved"]["since"] > seen["live"]["since"]
    assert seen["moved"]["region"] == "cl"
