"""Prints what our distributions need from elsewhere, so that an image can install that before their source.

    python packaging/requirements.py 'search-telemetry[sentry]' 'search-telemetry-demo[clip]'

It prints one requirement a line, none of them ours.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT, ROOT / "packaging" / "stack", ROOT / "packaging" / "demo")


def projects() -> dict[str, dict[str, Any]]:
    """Our distributions by name: the table `project` of each pyproject.toml."""
    found = (tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"] for folder in FOLDERS)
    return {project["name"]: project for project in found}


def needed(requirement: str, ours: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield what a requirement comes down to: itself, or where it is ours what that needs, with its extras."""
    match = re.match(r"([A-Za-z0-9._-]+)(?:\[([^]]*)\])?", requirement)
    if match is None or match[1] not in ours:
        yield requirement
        return
    project, extras = ours[match[1]], (match[2] or "").replace(" ", "").split(",")
    parts = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras if extra)]
    for part in parts:
        for each in part:
            yield from needed(each, ours)


if __name__ == "__main__":
    OURS = projects()
    print(*sorted({each for asked in sys.argv[1:] for each in needed(asked, OURS)}), sep="\n")
