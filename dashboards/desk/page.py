"""Where the page is, for the collector, which finds it by an entry point."""

from pathlib import Path


def folder() -> Path:
    """Return the folder with `index.html` and all that it loads."""
    return Path(__file__).parent / "static"
