"""Boards as dashboards of Perses, and the panels that the preview's page draws by itself."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from dashboards.boards import BOARDS
from dashboards.model import Board, Draw, Link, Panel, Query, Row, Step, Text, Tone, Unit, Variable
from dashboards.preview.panels import OWN
from dashboards.rendering.perses import PERSES, dashboard, render

FILES = Path(__file__).parents[2] / "dashboards" / "perses"
BY_UID = pytest.mark.parametrize("board", BOARDS, ids=[board.uid for board in BOARDS])
STEPS = (Step(None, Tone.GOOD), Step(0.1, Tone.WARNING), Step(0.5, Tone.BAD))


def of(*panels: Panel, **parts: Any) -> Board:
    return Board("uid", "Title", "Question?", parts.pop("variables", ()), (Row("Row", panels),), **parts)


def only(panel: Panel, own: bool = False) -> dict[str, Any]:
    """A panel's spec, as Perses or as the page gets it."""
    made = dashboard(of(panel), OWN if own else None)["spec"]["panels"]
    return dict(made["panel1"]["spec"])


@BY_UID
def test_every_panel_stands_once_and_over_no_other(board: Board) -> None:
    """In the row that it belongs to, inside of 24 columns, in the board's order."""
    spec = dashboard(board)["spec"]
    assert [grid["spec"]["display"]["title"] for grid in spec["layouts"]] == [row.title for row in board.rows]
    items = [grid["spec"]["items"] for grid in spec["layouts"]]
    named = [item["content"]["$ref"].removeprefix("#/spec/panels/") for grid in items for item in grid]
    assert [spec["panels"][name]["spec"]["display"]["name"] for name in named] == [p.title for p in board.panels]
    assert len(set(named)) == len(spec["panels"])
    for grid in items:
        assert all(item["x"] + item["width"] <= 24 and item["y"] >= 0 for item in grid)
        for one, other in itertools.combinations(grid, 2):
            assert (
                one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
                or one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
            )  # fmt: skip


@BY_UID
@pytest.mark.parametrize("renderers", [PERSES, OWN], ids=["perses", "own"])
def test_every_query_is_asked_with_variables_that_the_board_has(board: Board, renderers: Any) -> None:
    """Each panel asks something; each `$name` in a query or a variable's series is on the board, or Perses' own."""
    spec = dashboard(board, renderers)["spec"]
    known = {variable["spec"]["name"] for variable in spec["variables"]} | {"__rate_interval", "__range"}
    asked = [
        [query["spec"]["plugin"]["spec"]["query"] for query in panel["spec"]["queries"]]
        for panel in spec["panels"].values()
    ]
    assert all(asked)
    matchers = [str(v["spec"].get("plugin", {}).get("spec", {}).get("matchers")) for v in spec["variables"]]
    for text in (*itertools.chain(*asked), *matchers):
        assert set(re.findall(r"\$([a-z_]\w*)", text)) <= known, text


@BY_UID
def test_the_file_is_the_board(board: Board) -> None:
    """What is committed is what is rendered, as JSON."""
    assert json.loads((FILES / f"{board.uid}.json").read_text(encoding="utf-8")) == json.loads(render(board))


def test_every_way_of_drawing_is_rendered() -> None:
    """By Perses and by the page."""
    assert set(PERSES) == set(OWN) == set(Draw)


def test_variables_have_their_choices() -> None:
    """All values by their own expression, one value, a part of a value, a first choice; texts are for links alone."""
    several = Variable("a", "A", "job", "up", everything="[^/]+", pattern="(.*)/.*")
    one = Variable("b", "B", "x", 'up{job=~"$a"}', several=False, hidden=True)
    first = Variable("c", "C", "y", "up", first="search")
    linked = Panel("Up", "About.", Draw.LINES, (Query("up"),), links=(Link("There", "${t}/"),))
    texts = (Text("t", "T", "http://x", "About."), Text("unlinked", "U", "http://u", "No link leads there."))
    made = dashboard(of(linked, variables=(several, one, first), texts=texts))
    a, b, c, t = (each["spec"] for each in made["spec"]["variables"])
    assert (a["defaultValue"], a["customAllValue"], a["capturingRegexp"]) == ("$__all", "[^/]+", "(.*)/.*")
    assert (b["allowMultiple"], b["allowAllValue"], b["display"]["hidden"]) == (False, False, True)
    assert ("defaultValue" in b, b["plugin"]["spec"]["matchers"]) == (False, ['up{job=~"$a"}'])
    assert c["defaultValue"] == ["search"]
    assert (t["value"], t["display"]["hidden"]) == ("http://x", True)


def test_a_stat_of_perses_has_the_values_of_its_unit_alone() -> None:
    """The page's has all of them, each with its unit and tones."""
    panel = Panel(
        "p95", "About.", Draw.STAT,
        (
            Query("a", title="client"),
            Query("b", title="server"),
            Query("c", title="change", unit=Unit.SHARE, after="1h"),
        ),
        Unit.SECONDS, STEPS,
    )  # fmt: skip
    plain, own = only(panel), only(panel, own=True)
    assert [query["spec"]["plugin"]["spec"] for query in plain["queries"]] == [
        {"query": "a", "seriesNameFormat": "client"}, {"query": "b", "seriesNameFormat": "server"},
    ]  # fmt: skip
    thresholds = plain["plugin"]["spec"]["thresholds"]
    assert [step["value"] for step in thresholds["steps"]] == [0.1, 0.5]
    assert len({thresholds["defaultColor"], *(step["color"] for step in thresholds["steps"])}) == 3
    columns = own["plugin"]["spec"]["columns"]
    assert [(each["unit"], each["main"]) for each in columns] == [("s", True), ("s", True), ("percentunit", False)]
    assert columns[0]["steps"][2] == {"at": 0.5, "tone": "red"}


def test_a_table_of_perses_joins_its_queries_by_their_labels() -> None:
    """A column for each query that is shown; the page's is also sorted by hidden ones, and has gray rows and links."""
    panel = Panel(
        "Who?", "About.", Draw.TABLE,
        (Query("a", title="Above", hidden=True), Query("b", title="Requests"), Query("c", title="p95")),
        labels=(("client_region", "Region"),), sort="Above", gray_below=("Requests", 30),
        links=(Link("Traces", "http://x"),),
    )  # fmt: skip
    plain, own = only(panel), only(panel, own=True)
    assert len(plain["queries"]) == 2
    spec = plain["plugin"]["spec"]
    assert [column.get("header") for column in spec["columnSettings"]] == ["Region", "Requests", "p95", None]
    assert [column["name"] for column in spec["columnSettings"]] == [
        "client_region",
        "value #1",
        "value #2",
        "timestamp",
    ]
    assert spec["transforms"] == [
        {"kind": "MergeIndexedColumns", "spec": {"column": "client_region"}},
        {"kind": "JoinByColumnValue", "spec": {"columns": ["client_region"]}},
    ]
    spec = own["plugin"]["spec"]
    assert ([column["hidden"] for column in spec["columns"]], spec["sort"]) == ([True, False, False], "Above")
    assert spec["grayBelow"] == {"title": "Requests", "value": 30}
    assert spec["links"] == [{"title": "Traces", "url": "http://x", "newTab": True}]


def test_a_table_of_one_query_is_not_joined() -> None:
    """Perses numbers neither its value nor its labels."""
    panel = Panel("Who?", "About.", Draw.TABLE, (Query("a", title="Requests"),), labels=(("x", "X"),), sort="Requests")
    spec = only(panel)["plugin"]["spec"]
    assert (spec["transforms"], spec["columnSettings"][1]["name"]) == ([], "value")
    assert spec["columnSettings"][1]["sort"] == "desc"


def test_states_have_texts_and_colors() -> None:
    """Each value its own."""
    states = ((0.0, "queue", Tone.WARNING), (1.0, "forward", Tone.GOOD))
    mappings = only(Panel("Bound by?", "About.", Draw.STATES, (Query("a"),), states=states))["plugin"]["spec"][
        "mappings"
    ]
    assert [(m["spec"]["value"], m["spec"]["result"]["value"]) for m in mappings] == [("0", "queue"), ("1", "forward")]
    assert mappings[0]["spec"]["result"]["color"] != mappings[1]["spec"]["result"]["color"]


def test_axes_have_their_ends_and_what_is_stacked_is_stacked() -> None:
    """Lines stand beside each other, areas on each other; steps are lines at their values."""
    lines = Panel("L", "About.", Draw.LINES, (Query("a"),), Unit.SHARE, STEPS, least=0, most=1)
    made = only(lines)["plugin"]["spec"]
    assert (made["yAxis"]["min"], made["yAxis"]["max"], made["yAxis"]["format"]) == (0, 1, {"unit": "percent-decimal"})
    assert ("stack" in made["visual"], [step["value"] for step in made["thresholds"]["steps"]]) == (False, [0.1, 0.5])
    assert only(Panel("A", "About.", Draw.AREAS, (Query("a"),)))["plugin"]["spec"]["visual"]["stack"] == "all"
