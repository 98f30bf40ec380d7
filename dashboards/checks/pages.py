"""Whether every alert has its runbook and its line in `docs/alerts.md`, and a runbook says what to do.

In: a checkout's `docs`, the alerts. Out: what is wrong, a line each. State: none. An installed package has no runbooks.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from dashboards.alerts.rendering import alerts
from dashboards.alerts.routes import INHIBITIONS
from dashboards.checks import rules
from dashboards.checks.promql import read

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = "docs/runbooks"
OVERVIEW: Final = "docs/alerts.md"
_HEADINGS: Final = ("What you see", "First query", "Likely causes")
_COLUMNS: Final = ("cause", "how to confirm", "how to undo")
_LEAST: Final = 2
"""Likely causes of a runbook."""


def lint(root: Path = ROOT) -> list[str]:
    """Return what is wrong in a checkout, a line each; nothing where there is no checkout."""
    if not (root / "pyproject.toml").is_file():
        return []
    severities: dict[str, set[str]] = {}
    for alert in alerts():
        severities.setdefault(alert.name, set()).add(alert.severity)
    return [*_runbooks(root, severities), *_overview(root, severities), *_inhibitions(severities)]


def _runbooks(root: Path, severities: Mapping[str, set[str]]) -> Iterator[str]:
    there = {path.name for path in (root / FOLDER).glob("*")}
    needed = {f"{name}.md" for name in severities}
    yield from (f"{FOLDER}/{name} is missing: each alert has a runbook" for name in sorted(needed - there))
    yield from (f"{FOLDER}/{name} is of no alert" for name in sorted(there - needed))
    for name in sorted(needed & there):
        text = (root / FOLDER / name).read_text(encoding="utf-8")
        yield from (f"{FOLDER}/{name}: {wrong}" for wrong in _runbook(name.removesuffix(".md"), text))


def _runbook(name: str, text: str) -> Iterator[str]:
    """Yield what is wrong with one: what is seen, a first query, causes, and how to confirm and undo each."""
    wanted, found = [name, *_HEADINGS], re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    if found != wanted:
        yield f"its headings are {found or 'none'}, not {wanted}"
        return
    parts = dict(zip(wanted, re.split(r"^#+ .*$", text, flags=re.MULTILINE)[1:], strict=True))
    yield from (f'"{heading}" is empty' for heading, part in parts.items() if not part.strip())
    queries = re.findall(r"```promql\n(.*?)```", parts["First query"], re.DOTALL)
    if not queries:
        yield "its first query is missing"
    known = {series: labels | {"__name__"} for series, labels in rules.series().items()}
    for query in queries:
        yield from (f"its first query: {wrong}" for wrong in read(query, known).wrong)
    rows = re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \|$", parts["Likely causes"], re.MULTILINE)
    if rows[:1] != [_COLUMNS]:
        yield f"the table of causes does not have the columns {', '.join(_COLUMNS)}"
    elif len(rows) - 1 < _LEAST:
        yield f"it has fewer than {_LEAST} likely causes"
    elif not all(cell.strip() for row in rows for cell in row):
        yield "a cause does not say how to confirm it and how to undo it"


def _overview(root: Path, severities: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield what is wrong in the table of all alerts."""
    path = root / OVERVIEW
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    rows = re.findall(r"^\| \[(\w+)\]\(runbooks/(\w+)\.md\) \| ([a-z, ]+) \|", text, re.MULTILINE)
    there = {alert: set(severity.split(", ")) for alert, _, severity in rows}
    yield from (f"{OVERVIEW} does not list {name}" for name in severities if name not in there)
    yield from (f"{OVERVIEW} lists {name}, which is not an alert" for name in there if name not in severities)
    for name in severities.keys() & there.keys():
        if severities[name] != there[name]:
            yield f"{OVERVIEW}: {name} is {', '.join(sorted(severities[name]))}"
    yield from (f"{OVERVIEW}: {name} links the runbook of {page}" for name, page, _ in rows if name != page)


def _inhibitions(severities: Mapping[str, set[str]]) -> Iterator[str]:
    for inhibition in INHIBITIONS:
        for matcher in (*inhibition.source, *inhibition.target):
            for name in re.findall(r"Search\w+", matcher):
                if name not in severities:
                    yield f"Alertmanager inhibits by {name}, which is not an alert"
