"""The boards on the desk, in Chromium, on metrics of every kind: the panels of their source, with their links."""

import os
import time
from pathlib import Path
from typing import Any, Final

import pytest

from collector.local.server import LocalCollector
from dashboards.boards import BOARDS
from dashboards.rendering.desk import program_of
from tests.browser.driving import in_browser
from tests.stack.made_metrics import EVERY, exports
from tests.stack.otelcol_raw import send

ANYWHERE: Final = "127.0.0.1:0"
EXPORTS: Final = 24


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    pictures = Path(os.environ.get("DESK_PICTURES") or tmp_path_factory.mktemp("pictures"))
    end = int(time.time())
    begin = end - EVERY * EXPORTS
    with LocalCollector(None, ANYWHERE, ANYWHERE, ANYWHERE) as collector:
        for request in exports(begin, EXPORTS):
            send(collector.addresses.grpc or "", request)
        moments = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(each)) for each in (begin, end)]
        done = in_browser(
            "desk_boards.mjs",
            base=f"http://{collector.addresses.api}",
            uids=[board.uid for board in BOARDS],
            range="since={}&until={}".format(*moments),
            pictures=str(pictures),
            timeout_s=170,
        )
    assert done.problems == ()
    result: dict[str, Any] = done.result
    return result


@pytest.mark.parametrize("board", BOARDS, ids=[board.uid for board in BOARDS])
def test_a_board_has_the_panels_of_its_source(seen: dict[str, Any], board: Any) -> None:
    """In its order; what no service of the flow measures stands in a line, or says so."""
    shown = seen["boards"][board.uid]
    assert shown["rows"] == [row.title for row in board.rows]
    foreign = {panel.title: program_of([query.expr for query in panel.queries]) for panel in board.panels}
    rows = [row.panels for row in board.rows if not all(foreign[panel.title] for panel in row.panels)]
    assert shown["panels"] == [panel.title for panels in rows for panel in panels]
    assert shown["problems"] == []
    assert not shown["overflows"]


def test_panels_are_drawn_with_a_table_for_each_chart(seen: dict[str, Any]) -> None:
    overview = seen["boards"]["search-overview"]
    assert set(overview["empty"]) <= {"Requests", "Error budget left"}
    assert overview["tables"] > 5
    assert overview["axe"] == seen["boards"]["search-encoder"]["axe"] == []  # together they have every kind of panel


def test_buckets_of_whole_numbers_are_named_by_them(seen: dict[str, Any]) -> None:
    """Their bounds lie between the numbers: a minibatch of `1.5 to 2.5` documents is one of 2."""
    sizes = seen["boards"]["search-encoder"]["sizes"]
    assert {"1", "2", "3 to 4"} & set(sizes)
    assert not [name for name in sizes if ".5" in name]


def test_a_board_fits_a_phone_in_the_dark(seen: dict[str, Any]) -> None:
    assert seen["phone"]["panels"] == seen["boards"]["search-overview"]["panels"]
    assert not seen["phone"]["overflows"]
    assert seen["phone"]["axe"] == []


def test_a_row_leads_to_its_traces_by_keyboard(seen: dict[str, Any]) -> None:
    """What the bar chooses holds on the board; a panel says what it shows."""
    assert set(seen["regions"]) == {"cl"}
    assert "Platforms and regions" in seen["about"]
    assert seen["links"][:3] == ["Their traces", "Their failed traces", "This board, for these clients only"]
    assert (seen["followed"]["region"], "platform" in seen["followed"]) == ("cl", True)
    assert "var-operation" not in seen["followed"]
