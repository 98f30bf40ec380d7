"""Finds the page, which is in a package that this one does not import.

In: the installed packages' entry points. Out: the folder with `index.html`, or None. State: none.
"""

from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

ADDED: Final = "search_telemetry.pages"
"""Entry points of other packages: functions that return the folder of a page."""


def find_page() -> Path | None:
    """Return the folder of the page; None where no package with one is installed."""
    for entry in sorted(entry_points(group=ADDED)):
        folder = entry.load()()
        if isinstance(folder, Path) and (folder / "index.html").is_file():
            return folder
    return None
