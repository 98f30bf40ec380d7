"""Boards as people see them: in Chromium, on the data of the real Prometheus that has watched Pamazon."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from benchmarks.incident_pictures import boards as served
from dashboards.boards import BOARDS
from dashboards.model import Board, Panel, Query
from dashboards.preview.panels import OWN
from dashboards.rendering.perses import PERSES
from tests.browser.driving import Seen, in_browser
from tests.browser.environment import PAGE, missing
from tests.stack.watched import PATIENCE, Watched

pytestmark = pytest.mark.timeout(3 * PATIENCE)  # most of it is the incidents, which all tests of boards share
RENDERERS = {"own": OWN, "plain": PERSES}
"""The page's own panels, and those of Perses alone, as a server of Perses draws them."""
VISITS = list(itertools.product(RENDERERS, BOARDS))
Shown = Mapping[tuple[str, str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def seen(watched: Watched) -> Iterator[Seen]:
    """Each board, as one person opens them after the other: all that was watched, without a refresh."""
    if why := missing():
        pytest.skip(why)
    times = f"start={watched.begin * 1000:.0f}&end={watched.end * 1000:.0f}&refresh=0s"
    with served(watched.prometheus, PAGE) as address:
        visits = [
            {
                "url": f"{address}/d/{board.uid}?{times}{'&plain' if by == 'plain' else ''}",
                "panels": len(board.panels), "width": 1440, "dark": by == "plain",
            }
            for by, board in VISITS
        ]  # fmt: skip
        yield in_browser("boards.mjs", timeout_s=2 * PATIENCE, visits=visits)


@pytest.fixture(scope="module")
def panels(seen: Seen) -> Shown:
    """What each panel showed, by who drew it and the board's uid."""
    return {(by, board.uid): shown for (by, board), shown in zip(VISITS, seen.result, strict=True)}


def always_answered(query: Query) -> bool:
    """Whether it has data in a few minutes without its incident, of our own programs."""
    return not (query.trouble or query.after or query.source)


def queries_of(panel: Panel, by: str) -> tuple[Query, ...]:
    """What the panel was given by who drew it."""
    given = RENDERERS[by][panel.draw](panel).queries
    return panel.queries if given is None else given


@pytest.mark.parametrize(("by", "board"), VISITS, ids=[f"{board.uid}-{by}" for by, board in VISITS])
def test_no_panel_is_empty_or_in_error(panels: Shown, by: str, board: Board) -> None:
    """Each has series for each of its queries, and something drawn, by the page's own panels and by Perses'."""
    for panel, shown in zip(board.panels, panels[by, board.uid], strict=True):
        assert (shown["title"], shown["error"], shown["blank"]) == (panel.title, "", False)
        wanted = [always_answered(query) for query in queries_of(panel, by)]
        assert len(shown["series"]) == len(wanted), panel.title
        assert all(count for count, needed in zip(shown["series"], wanted, strict=True) if needed), panel.title


def test_nothing_went_wrong_in_the_page(seen: Seen) -> None:
    """No error on the console, no exception, nothing that the page's policy forbids."""
    assert seen.problems == ()
