"""Each alert has its page, each page its alert: `telemetry dashboards check` finds whatever is missing or left over."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboards.alerts.objectives import OBJECTIVES
from dashboards.alerts.rendering import alerts
from dashboards.alerts.windows import BURNS
from dashboards.checks import files, pages
from dashboards.checks.check import wrong

ROOT = Path(__file__).parents[2]
OVERVIEW = (ROOT / "docs/alerts.md").read_text("utf-8")
PAGE = "docs/runbooks/SearchQueueWait.md"


def test_nothing_is_wrong_with_our_pages() -> None:
    """Each alert has one, with its sections, and is in the overview."""
    assert pages.lint() == []
    assert {alert.runbook for alert in alerts()} == {
        str(page.relative_to(ROOT)) for page in (ROOT / "docs/runbooks").iterdir()
    }


def _without(pattern: str, by: str = "") -> Callable[[Path], object]:
    """Return what replaces in a file what is there now."""

    def change(file: Path) -> None:
        text = file.read_text("utf-8")
        changed = re.sub(pattern, by, text, flags=re.DOTALL | re.MULTILINE)
        assert changed != text
        file.write_text(changed, "utf-8")

    return change


WRONG: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "missing": (PAGE, Path.unlink, f"{PAGE} is missing"),
    "all missing": ("docs/runbooks", shutil.rmtree, f"{PAGE} is missing"),
    "empty": (PAGE, lambda page: page.write_text(""), f"{PAGE}: its headings are none"),
    "extra": ("docs/runbooks/SearchLost.md", Path.touch, "docs/runbooks/SearchLost.md is of no alert"),
    "renamed": (
        PAGE, lambda page: page.rename(page.with_name("SearchWaits.md")), "docs/runbooks/SearchWaits.md is of no alert",
    ),
    "another title": (PAGE, _without("^# Search", "# "), f"{PAGE}: its headings are ['QueueWait'"),
    "no causes": (PAGE, _without("^## Likely causes.*"), f"{PAGE}: its headings are"),
    "nothing seen": (PAGE, _without("(## What you see).*?##", r"\1\n##"), f'{PAGE}: "What you see" is empty'),
    "no query": (PAGE, _without("```promql.*?```", "Ask."), f"{PAGE}: its first query is missing"),
    "another series": (PAGE, _without("search_queue", "search_queues"), f"{PAGE}: its first query: no such"),
    "no PromQL": (PAGE, _without("```promql", "```promql\n(("), f"{PAGE}: its first query: does not parse"),
    "one cause": (PAGE, _without(r"(\|---.*?\n.*?\n).*", r"\1"), f"{PAGE}: it has fewer than 2 likely causes"),
    "nothing to undo": (PAGE, _without(r"\| [^|]* \|\n\Z", "|  |\n"), f"{PAGE}: a cause does not say"),
    "not in the overview": (
        "docs/alerts.md", _without(r"^\| \[SearchQueueWait.*?\n"), "docs/alerts.md does not list SearchQueueWait",
    ),
    "another severity": (
        "docs/alerts.md", _without(r"(\[SearchQueueWait\]\S+ \|) ticket", r"\1 page"),
        "docs/alerts.md: SearchQueueWait is ticket",
    ),
    "an alert that is gone": (
        "docs/alerts.md", _without(r"^\| \[SearchQueueWait", "| [SearchWaits"), "docs/alerts.md lists SearchWaits",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_page_is_said(what: str, tmp_path: Path) -> None:
    """The check names the page, and what it lacks."""
    file, change, said = WRONG[what]
    (tmp_path / "pyproject.toml").touch()
    shutil.copytree(ROOT / "docs/runbooks", tmp_path / "docs/runbooks")
    shutil.copy(ROOT / "docs/alerts.md", tmp_path / "docs")
    assert pages.lint(tmp_path) == []
    change(tmp_path / file)
    assert [line for line in pages.lint(tmp_path) if line.startswith(said)]


def test_an_installed_package_has_no_pages(tmp_path: Path) -> None:
    """They are in a checkout alone."""
    assert pages.lint(tmp_path) == []


@pytest.mark.parametrize(
    "extra", ["grafana/boards/old.json", "perses/old.json", "alerts/rules/old.yaml", "alerts/old.yml"]
)
def test_a_file_that_nothing_generates_is_found(extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grafana and Prometheus would load it; source beside generated files is left alone."""
    monkeypatch.setattr(files, "HERE", tmp_path)
    files.build()
    (tmp_path / "alerts/rule.py").touch()
    assert files.extra() == []
    (tmp_path / extra).touch()
    assert files.extra() == [Path(extra)]
    assert wrong() == [f"dashboards/{extra} is not generated: delete it, or keep it elsewhere"]


def test_the_check_has_what_is_wrong_with_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command fails when a runbook is missing."""
    monkeypatch.setattr(pages, "lint", lambda: ["a page is missing"])
    assert wrong() == ["a page is missing"]


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
