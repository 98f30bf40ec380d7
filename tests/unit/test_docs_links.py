"""The documentation leads somewhere: its links and anchors resolve, and the files and modules that it names exist."""

import importlib
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.unit.test_docs import PAGES, ROOT, name

LANDING: Final = ROOT / "docs/README.md"
ARCHITECTURE: Final = ROOT / "docs/architecture.md"
FENCED: Final = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\]\((?!https?://|mailto:)([^)\s]+)\)|^\[[^\]]+\]: (?!https?://)(\S+)", re.MULTILINE)
HEADING: Final = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
FILE: Final = re.compile(r"`([\w.-]+(?:/[\w.-]+)*/[\w-]+\.(?:py|md|toml|yaml|yml|json|go|proto|js))[`:]")
"""A file of the checkout, by its path from the root."""
PACKAGES: Final = ("telemetry", "collector", "dashboards", "demo_flow", "benchmarks")
MODULE_FILE: Final = re.compile(r"`((?:\w+/)*\w+\.py)`")
"""A module of ours, by the end of its path."""
STEP: Final = re.compile(r"^\| `([\w/]+\.py)` \| `([\w.]+)` \|", re.MULTILINE)
"""A row that names a file and a function or method in it."""
MODULE: Final = re.compile(
    r"(?:`|from |import )((?:collector|demo_flow|benchmarks|telemetry(?!\.(?:py|duckdb|distro)\b))(?:\.[a-zA-Z_]\w*)+)"
)
"""A dotted name of ours; a file `telemetry.py`, the store's name and `telemetry.distro.*` are not names of ours."""


@cache
def prose(page: Path) -> str:
    """Return a page without its blocks of code, whose `#` and brackets are not Markdown's."""
    return FENCED.sub("", page.read_text("utf-8"))


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as GitHub makes them; of equal ones the first alone."""
    headings = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in HEADING.findall(prose(page)))
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def links(page: Path) -> list[tuple[Path, str]]:
    """Return the targets of a page's relative links: a path and an anchor, which may be empty."""
    found = (inline or reference for inline, reference in LINK.findall(prose(page)))
    parts = (link.partition("#") for link in found)
    return [((page.parent / path).resolve() if path else page, anchor) for path, _, anchor in parts]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_links_of_a_page_resolve(page: Path) -> None:
    """Every relative link names a file of the checkout, and every anchor one of its headings."""
    broken = [
        f"{path}#{anchor}"
        for path, anchor in links(page)
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path))
    ]
    assert broken == []


def test_every_page_is_reachable_from_the_landing_page() -> None:
    """A reader who follows links from `docs/README.md` finds every page of the folder."""
    found, waiting = set[Path](), [LANDING]
    while waiting:
        page = waiting.pop()
        found.add(page)
        waiting += {path for path, _ in links(page) if path in PAGES} - found
    assert {name(page) for page in PAGES if page.parent != ROOT} - {name(page) for page in found} == set()


def test_modules_that_a_docstring_or_a_page_names_by_the_end_of_their_path_exist() -> None:
    """Such as `views.py`, or `spans/tables.py`: a module that is moved leaves no name behind."""
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    known = {
        "/".join(path.parts[-length:]) for path in (*modules, *(ROOT / "tests").rglob("*.py")) for length in range(1, 7)
    }
    gone = {
        f"{name(text)}: {named}"
        for text in (*PAGES, *modules)
        for named in MODULE_FILE.findall(text.read_text("utf-8"))
        if named not in known and not (ROOT / named).exists()
    }
    assert gone == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    """A path is written from the root of the checkout, in `tests/` or beside the page."""
    places = (ROOT, ROOT / "tests", page.parent)
    named = set(FILE.findall(page.read_text("utf-8")))
    assert {path for path in named if not any((place / path).exists() for place in places)} == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_modules_that_a_page_names_exist(page: Path) -> None:
    """A dotted name is a module, or an attribute of the longest part of it that is one."""
    assert {dotted for dotted in MODULE.findall(page.read_text("utf-8")) if not _exists(dotted)} == set()


def test_the_functions_that_a_request_passes_exist() -> None:
    """Each step of the architecture page names a file, and a function or a method that the file defines."""
    steps = STEP.findall(ARCHITECTURE.read_text("utf-8"))
    assert len(steps) > 20
    assert [step for step in steps if not _defines(*step)] == []


def test_the_rooms_of_the_architecture_page_are_the_folders() -> None:
    """Each folder of code is a room on the page, and each room a folder."""
    rooms = re.findall(r"^\| `([\w/]+)/` \|", ARCHITECTURE.read_text("utf-8"), re.MULTILINE)
    folders = {
        name(path.parent)
        for package in ("telemetry", "collector", "collector/local", "demo_flow")
        for path in [*(ROOT / package).glob("*/*.py"), *(ROOT / package).glob("*/*.yaml")]
    }
    assert sorted(rooms) == sorted(folders)


def _defines(path: str, function: str) -> bool:
    """Tell whether a file defines every part of a dotted name: classes, functions, methods."""
    source = (ROOT / path).read_text("utf-8")
    return all(
        re.search(rf"^ *(?:async )?(?:def|class) {part}\b", source, re.MULTILINE) for part in function.split(".")
    )


def _exists(dotted: str) -> bool:
    """Tell whether a dotted name is there: a module, or what a module or class of it has."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        if _is_module(".".join(parts[:length])):
            found: object = importlib.import_module(".".join(parts[:length]))
            for part in parts[length:]:
                if not hasattr(found, part):
                    return False
                found = getattr(found, part)
            return True
    return False


def _is_module(dotted: str) -> bool:
    try:
        return importlib.util.find_spec(dotted) is not None
    except (ModuleNotFoundError, AttributeError):
        return False
