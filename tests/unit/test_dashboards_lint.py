"""Our boards keep the rules for boards; a board that breaks one is found, and told which.

The rules are those of Grafana's dashboard-linter, and ours. Each is broken once.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from dashboards.boards import BOARDS
from dashboards.boards.overview import OVERVIEW
from dashboards.checks import rules
from dashboards.checks.lint import lint, panels
from dashboards.model import Board
from dashboards.rendering.grafana import dashboard

Json = dict[str, Any]
WHOLE = dashboard(OVERVIEW)


def _panel(board: Json, title: str) -> Json:
    (found,) = [panel for panel in panels(board) if panel["title"] == title]
    return found


def _variable(board: Json, name: str) -> Json:
    found: Json
    (found,) = [each for each in board["templating"]["list"] if each["name"] == name]
    return found


def _set(path: str, value: object) -> Callable[[Json], None]:
    """Set a value of the panel `Failed`, by a path such as `targets.0.expr`."""

    def change(board: Json) -> None:
        where: Any = _panel(board, "Failed")
        *before, last = path.split(".")
        for step in before:
            where = where[int(step) if step.isdigit() else step]
        where[last] = value

    return change


def _expr(old: str, new: str, title: str = "Failed") -> Callable[[Json], None]:
    """Replace a part of the first query of a panel."""

    def change(board: Json) -> None:
        target = _panel(board, title)["targets"][0]
        assert old in target["expr"]
        target["expr"] = target["expr"].replace(old, new)

    return change


def _without(name: str) -> Callable[[Json], None]:
    def change(board: Json) -> None:
        board["templating"]["list"].remove(_variable(board, name))

    return change


BROKEN: dict[str, tuple[Callable[[Json], object], str]] = {
    "uneditable-dashboard": (lambda board: board.update(editable=True), "can be edited"),
    "template-datasource-rule": (_without("datasource"), "has no data source as a variable"),
    "template-job-rule": (_without("service"), "has no variable $service"),
    "template-instance-rule": (_without("version"), "has no variable $version"),
    "template-label-promql-rule": (
        lambda board: _variable(board, "region")["query"].update(query="label_values(search_lost, region)"),
        "no such series: search_lost",
    ),
    "template-on-time-change-reload-rule": (
        lambda board: _variable(board, "region").update(refresh=1), "is not asked for again when the time changes",
    ),
    "panel-datasource-rule": (_set("datasource", {"uid": "prometheus"}), "does not ask the chosen data source"),
    "panel-title-description-rule": (_set("description", "Errors."), "is not described"),
    "panel-units-rule": (_set("fieldConfig.defaults.unit", ""), "has no unit"),
    "panel-no-targets-rule": (_set("targets", []), "asks nothing"),
    "target-promql-rule": (_expr("sum (", "summ ("), "does not parse"),
    "target-rate-interval-rule": (_expr("[5m]", "[1m]"), "has a rate over 1m"),
    "target-job-rule": (_expr('job=~"(?:$namespace/)$service", ', ""), "of all flows"),
    "target-counter-agg-rule": (
        _set("targets.0.expr", 'search_documents_total{job=~"(?:$namespace/)$service"}'), "not its rate",
    ),
    "a metric that is misspelt": (_expr("request_duration", "request_durations"), "no such series"),
    "a label that is misspelt": (_expr("search_entry", "search_entri"), "has no label search_entri"),
    "a group that is misspelt": (
        _expr("by (search_outcome)", "by (search_outcom)", "How do requests end?"), "grouped by search_outcom",
    ),
    "a name by a label that there is not": (
        _set("targets.0.legendFormat", "{{client_region}}"), "names a series by the label client_region",
    ),
    "a link by a label that there is not": (
        _set(
            "fieldConfig.defaults.links",
            [{"title": "x", "url": "${jaeger}/${__field.labels.model}?${__from}", "targetBlank": True}],
        ),
        "links by the label model",
    ),
    "a link without the time": (
        _set("fieldConfig.defaults.links", [{"title": "x", "url": "/d/x", "targetBlank": True}]),
        "has a link without the time",
    ),
    "traces without their logs": (
        _set("fieldConfig.defaults.links", [{"title": "x", "url": "${jaeger}/?${__from}", "targetBlank": True}]),
        "but not to logs and to Sentry",
    ),
    "no link": (_set("fieldConfig.defaults.links", []), "leads nowhere"),
    "a link to nowhere": (
        _set("fieldConfig.defaults.links", [{"title": "x", "url": "x?${__from}", "targetBlank": True}]),
        "has a link to nowhere",
    ),
    "an average of percentiles": (
        _expr("(histogram_quantile", "avg (histogram_quantile", "How long do requests take? (p95)"),
        "averages percentiles",
    ),
    "the last two samples": (_expr("rate(", "irate("), "uses irate or idelta"),
    "no value in place of a value": (_set("fieldConfig.defaults.noValue", ""), "in place of a value"),
    "thresholds that fall": (
        _set(
            "fieldConfig.defaults.thresholds.steps",
            [{"value": None, "color": "green"}, {"value": 2, "color": "red"}, {"value": 1, "color": "red"}],
        ),
        "thresholds that do not rise",
    ),
    "a hidden legend": (
        lambda board: _panel(board, "How do requests end?")["options"]["legend"].update(showLegend=False),
        "hides its legend",
    ),
    "a series without a name": (_set("targets.0.legendFormat", ""), "has series without a name"),
    "no refId": (_set("targets.0.refId", None), "without a refId"),
    "no id": (_set("id", None), "without an id"),
    "a title twice": (_set("title", "Requests"), "two panels called Requests"),
    "a panel on another": (_set("gridPos.x", 0), "stands on"),
    "a gap": (_set("gridPos.w", 3), "has a gap beside Requests"),
    "a panel that is too wide": (_set("gridPos.w", 24), "is wider than the board"),
    "another time": (lambda board: board.update(refresh="1m"), "does not show the last hour"),
    "no crosshair": (lambda board: board.update(graphTooltip=0), "has no shared crosshair"),
    "another schema": (lambda board: board.update(schemaVersion=39), "is not of schema 42"),
    "no marks": (lambda board: board["annotations"].update(list=[]), "does not mark firing alerts"),
    "a variable that nobody uses": (
        lambda board: board["templating"]["list"].append({**_variable(board, "region"), "name": "shop"}),
        "$shop is not used",
    ),
    "exemplars of one moment": (
        lambda board: _panel(board, "Who is affected?")["targets"][0].update(exemplar=True),
        "asks for exemplars of one moment",
    ),
}  # fmt: skip


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_a_board_keeps_every_rule(board: Board) -> None:
    """Each of ours."""
    assert lint(dashboard(board)) == []


def test_rules_ask_for_series_that_there_are() -> None:
    """With labels that they have; alerts name no others."""
    assert rules.lint() == []


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_found(rule: str) -> None:
    """By a line that names the board and says what is wrong."""
    change, said = BROKEN[rule]
    board = copy.deepcopy(WHOLE)
    change(board)
    found = lint(board)
    assert any(said in line for line in found), found
    assert all(line.startswith("Search overview: ") for line in found)
