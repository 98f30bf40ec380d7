"""Each alert has its page, each page its alert, and what a page asks can be asked."""

import re
from pathlib import Path

import promql_parser
import pytest

from dashboards.alerts.objectives import OBJECTIVES
from dashboards.alerts.rendering import alerts
from dashboards.alerts.windows import BURNS
from dashboards.promql import label, name
from telemetry import conventions as c

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs/runbooks").glob("*.md"))
OVERVIEW = (ROOT / "docs/alerts.md").read_text("utf-8")
NAMES = {alert.name: {other.severity for other in alerts() if other.name == alert.name} for alert in alerts()}
OURS = {name(metric) for metric in c.METRICS}


def test_alerts_and_pages_are_the_same() -> None:
    """A new alert needs a page, and a page that is left over is deleted."""
    assert {page.stem for page in PAGES} == NAMES.keys()
    assert {alert.runbook for alert in alerts()} == {str(page.relative_to(ROOT)) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_to_do(page: Path) -> None:
    """What is seen, a first query, likely causes, and for each how to confirm it and how to undo it."""
    text = page.read_text("utf-8")
    assert re.findall(r"^#+ (.*)$", text, re.MULTILINE) == [
        page.stem, "What you see", "First query", "Likely causes",
    ]  # fmt: skip
    rows = re.findall(r"^\| (.+?) \| (.*?) \| (.*?) \|$", text.partition("## Likely causes")[2], re.MULTILINE)
    assert rows[0] == ("cause", "how to confirm", "how to undo")
    assert len(rows) >= 3
    assert [cause for cause, *_ in rows if not cause.strip()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_first_query_of_a_page_can_be_asked(page: Path) -> None:
    """It parses, and its names of ours are those of the conventions."""
    asked = page.read_text("utf-8").partition("## First query")[2].partition("##")[0]
    queries = re.findall(r"```promql\n(.*?)```", asked, re.DOTALL)
    assert queries
    labels = {label(attribute) for attribute in c.ATTRIBUTES}
    for query in queries:
        text = promql_parser.parse(query).prettify()
        for found in re.findall(r"\bsearch_\w+", text):
            assert re.sub(r"_(bucket|sum|count)$", "", found) in OURS or found in labels, found


def test_the_overview_lists_every_alert() -> None:
    """With its severity, and a link to its page."""
    rows = re.findall(r"^\| \[(\w+)\]\(runbooks/(\w+)\.md\) \| ([a-z, ]+) \|", OVERVIEW, re.MULTILINE)
    assert {alert: set(severity.split(", ")) for alert, _, severity in rows} == NAMES
    assert [(alert, page) for alert, page, _ in rows if alert != page] == []


def test_the_overview_has_the_objectives_and_the_burns() -> None:
    """The numbers of both tables are those of the source."""
    for objective in OBJECTIVES:
        share = f"{100 * objective.share:g} %"
        (row,) = (
            line
            for line in OVERVIEW.partition("## Objectives")[2].splitlines()
            if line.startswith("|") and f"`{objective.operation}`" in line and share in line
            and (objective.within is None or f"{objective.within:g} s" in line)
        )  # fmt: skip
        assert row
    for burn in BURNS:
        assert re.search(rf"^\| {burn.factor:g} times? \|.*\| {burn.severity} \|", OVERVIEW, re.MULTILINE)
