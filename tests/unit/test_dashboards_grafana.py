"""A board becomes JSON that Grafana reads as it is meant: what is not said in the model is decided once."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import variables
from dashboards.boards import BOARDS
from dashboards.checks.check import check, wrong
from dashboards.checks.files import FILES
from dashboards.model import Board, Draw, Link, Mark, Panel, Query, Row, Step, Tone, Unit, Variable
from dashboards.rendering.grafana import dashboard, render

ROOT = Path(__file__).parents[2]
LINK = Link("Region", "/d/x?var-region=${__field.labels.client_region}")


def _board(*panels: Panel, **options: Any) -> dict[str, Any]:
    return dashboard(Board("x", "X", "Is it?", variables.FLOW, (Row("Row", panels),), **options))


def _only(panel: Panel) -> dict[str, Any]:
    rendered: dict[str, Any] = _board(panel)["panels"][1]
    return rendered


def _panel(draw: Draw, *queries: Query, **options: Any) -> Panel:
    return Panel("Title", "Description.", draw, queries or (Query("up", "{{job}}"),), **options)


def test_the_same_board_is_the_same_text() -> None:
    """So that what is committed can be compared with what is written."""
    for board in BOARDS:
        assert render(board) == render(board)
        assert json.loads(render(board))["uid"] == board.uid


def test_panels_stand_side_by_side() -> None:
    """Under the title of their row; what does not fit into 24 columns stands below, and ids are their own."""
    board = _board(*(_panel(Draw.LINES, width=width, height=5) for width in (8, 16, 12)))
    row, *panels = board["panels"]
    assert row["gridPos"] == {"x": 0, "y": 0, "w": 24, "h": 1}
    assert [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels] == [(0, 1), (8, 1), (0, 6)]
    assert [each["id"] for each in board["panels"]] == [1, 2, 3, 4]


def test_a_figure_has_its_course_and_its_change() -> None:
    """The figure is asked for over time; what compares with an hour ago is asked for once. Both have their names."""
    panel = _only(_panel(Draw.STAT, Query("a", title="now"), Query("b", title="change", after="1h")))
    assert [(t["refId"], t["instant"], t["legendFormat"]) for t in panel["targets"]] == [
        ("A", False, "now"), ("B", True, "change"),
    ]  # fmt: skip
    assert panel["options"]["textMode"] == "value_and_name"


def test_a_query_may_have_a_unit_and_steps_of_its_own() -> None:
    """By its letter."""
    steps = (Step(None, Tone.GOOD), Step(1, Tone.BAD))
    panel = _only(_panel(Draw.LINES, Query("a"), Query("b", unit=Unit.BYTES, steps=steps)))
    (override,) = panel["fieldConfig"]["overrides"]
    assert override["matcher"] == {"id": "byFrameRefID", "options": "B"}
    assert {each["id"]: each["value"] for each in override["properties"]} == {
        "unit": "bytes",
        "thresholds": {
            "mode": "absolute",
            "steps": [{"value": None, "color": "green"}, {"value": 1, "color": "red"}],
        },
    }


def test_lines_have_legends_and_exemplars() -> None:
    """Legends are hidden unless they are asked for."""
    panel = _only(_panel(Draw.LINES, Query("a", "{{job}}", exemplars=True), tones=(("ok", Tone.GOOD),)))
    assert panel["options"]["legend"]["showLegend"] is True
    assert panel["targets"][0]["exemplar"] is True
    assert panel["fieldConfig"]["overrides"][0]["matcher"] == {"id": "byName", "options": "ok"}


def test_a_heat_map_has_buckets() -> None:
    """Each series is a bucket by its `le`."""
    (target,) = _only(_panel(Draw.HEAT))["targets"]
    assert (target["format"], target["legendFormat"]) == ("heatmap", "{{le}}")


def test_states_have_names() -> None:
    """A value is shown as the text of its state."""
    panel = _only(_panel(Draw.STATES, states=((0, "queue", Tone.BAD), (1, "forward", Tone.GOOD))))
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    assert {key: each["text"] for key, each in mapping["options"].items()} == {"0": "queue", "1": "forward"}


def test_a_table_has_a_row_for_each_set_of_labels() -> None:
    """Columns have their titles, and their order; rows are sorted by one, even a hidden one; the first columns link."""
    table = _panel(
        Draw.TABLE, Query("a", title="Excess", hidden=True), Query("b", title="Requests"), sort="Excess",
        labels=(("client_region", "Region"),), links=(LINK,), gray_below=("Requests", 30),
    )  # fmt: skip
    panel = _only(table)
    merge, sort, organize = panel["transformations"]
    assert (merge["id"], sort["options"]["sort"]) == ("merge", [{"field": "Value #A", "desc": True}])
    assert organize["options"] == {
        "excludeByName": {"Time": True, "Value #A": True},
        "indexByName": {"client_region": 0, "Value #A": 1, "Value #B": 2},
        "renameByName": {"client_region": "Region", "Value #A": "Excess", "Value #B": "Requests"},
    }
    region, requests = panel["fieldConfig"]["overrides"]
    assert region["properties"][0]["value"][0]["url"] == "/d/x?var-region=${__data.fields.client_region}"
    cell = {each["id"]: each["value"] for each in requests["properties"]}
    assert cell["custom.cellOptions"]["applyToRow"] is True
    assert cell["thresholds"]["steps"][1]["value"] == 30
    assert all(target["instant"] and target["format"] == "table" for target in panel["targets"])


def test_a_table_may_be_sorted_by_a_label() -> None:
    """By the alphabet, so that rows of one service stand together."""
    table = _panel(Draw.TABLE, labels=(("service_name", "Service"),), sort="Service")
    assert _only(table)["transformations"][1]["options"]["sort"] == [{"field": "service_name", "desc": False}]


def test_variables_are_offered_by_the_data() -> None:
    """All at first, or the one that is named; a part of a label by its pattern."""
    shown = Variable("operation", "Operation", "search_operation", "up", first="search")
    board = dashboard(Board("x", "X", "?", (variables.NAMESPACE, shown), ()))
    source, namespace, operation = board["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    assert namespace["regex"] == "/(.+)\\/.*/"
    assert namespace["current"]["value"] == ["$__all"]
    assert operation["current"]["value"] == ["search"]
    assert operation["query"]["query"] == "label_values(up, search_operation)"


def test_what_only_links_need_is_there_if_they_need_it() -> None:
    """No address of Sentry is asked for above a board that does not lead there."""
    to_jaeger = _panel(Draw.LINES, links=(Link("Traces", "${jaeger}/search?service=${entry}"),))
    names = [each["name"] for each in _board(to_jaeger, texts=variables.ADDRESSES)["templating"]["list"]]
    assert names == ["datasource", "namespace", "service", "version", "entry", "jaeger"]


def test_marks_are_drawn_through_the_board() -> None:
    """A value that is a time is one in milliseconds; labels are shown where an event has them."""
    marks = (
        Mark("New", "start", "{{job}}", Tone.GOOD, value_is_time=True),
        Mark("On", "on", "on", Tone.BAD, labels=("a",)),
    )
    new, on = _board(marks=marks)["annotations"]["list"]
    assert (new["expr"], new["useValueForTime"]) == ("1000 * (start)", True)
    assert (on["expr"], on["useValueForTime"], on["tagKeys"], on["iconColor"]) == ("on", False, "a", "red")


def test_boards_are_provisioned_from_where_they_are_mounted() -> None:
    """Compose's Grafana finds them, and nobody can change them there."""
    (provider,) = yaml.safe_load((ROOT / "dashboards/grafana/provisioning/dashboards/boards.yaml").read_text())[
        "providers"
    ]
    grafana = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    mounted = dict(volume.removesuffix(":ro").split(":") for volume in grafana["volumes"])
    assert mounted["./dashboards/grafana/boards"] == provider["options"]["path"]
    assert provider["allowUiUpdates"] is False
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (ROOT / "dashboards/grafana/boards" / home.name).is_file()


def test_what_is_committed_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """Every generated file: else `telemetry dashboards check` says which, and fails."""
    assert wrong() == []
    assert check() == 0
    assert "nothing is wrong" in capsys.readouterr().out
    assert len(FILES) > len(BOARDS)


@pytest.mark.parametrize("command", ["build", "check"])
def test_without_the_packages_that_generate_it_is_said(command: str) -> None:
    """Where only users' packages are installed: a message with what to do, and no trace."""
    program = (
        "import sys; sys.modules['grafana_foundation_sdk'] = None\n"
        f"from telemetry.cli import main; sys.argv[1:] = ['dashboards', '{command}']; raise SystemExit(main())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert "grafana_foundation_sdk is not installed" in done.stderr
    assert "make env" in done.stderr
    assert "Traceback" not in done.stderr
