"""The page of the boards in Chromium, while its Prometheus is away; with data see tests/stack/test_boards_drawn.py."""

from urllib.parse import parse_qs, urlsplit

import pytest

from benchmarks.incident_pictures import boards as served
from dashboards.boards import BOARDS
from demo_flow.demo import free_address
from tests.browser.driving import in_browser
from tests.browser.environment import PAGE


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_board_opens_by_grafanas_address_in_the_systems_colours(dark: bool) -> None:
    """With its time and variables, which the next board keeps; a switch of colours holds; what is away is named."""
    away = f"http://{free_address()}"
    with served(away, PAGE) as address:
        link = "/d/search-stage?from=now-30m&to=now&var-service=gateway&var-service=clip_encoder&var-stage=encode"
        seen = in_browser("boards_page.mjs", url=address + link, dark=dark).result
    assert seen["problem"] == f"Prometheus cannot be reached at {away}: All connection attempts failed"
    assert seen["light"] == ([False, True, True] if dark else [True, False, False])
    assert (seen["title"], seen["boards"]) == ("Stage", [board.title for board in BOARDS])
    opened, following = parse_qs(urlsplit(seen["search"]).query), parse_qs(urlsplit(seen["next"]).query)
    assert (opened["start"], opened["var-service"], opened["var-stage"]) == (
        ["30m"], ["gateway,clip_encoder"], ["encode"],
    )  # fmt: skip
    assert urlsplit(seen["next"]).path == "/d/search-overview"
    assert (following["start"], following["var-service"], "var-stage" in following) == (
        ["30m"], ["gateway,clip_encoder"], False,
    )  # fmt: skip
