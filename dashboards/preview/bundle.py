"""The page as one script: where it is, and how it is built.

In: the sources beside this module, and the packages of npm that their lock file names. Out: a folder with `index.html`
and `assets/`. State: a folder in the user's cache for each digest of the sources, whole or not there.
"""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import platformdirs

from dashboards.preview.errors import PreviewError

SOURCES: Final = Path(__file__).parent / "page"
_INDEX: Final = "index.html"
_BUILD: Final = "make dashboards-page"


def folder() -> Path:
    """Return where the built page is, or would be."""
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(path.relative_to(SOURCES).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return platformdirs.user_cache_path("search-telemetry") / f"dashboards-page-{digest.hexdigest()[:12]}"


def is_built() -> bool:
    """Return whether the page of these sources is built."""
    return (folder() / _INDEX).is_file()


def find(given: Path | None = None) -> Path:
    """Return the folder of the built page.

    Raises:
        PreviewError: it is not there.
    """
    page = given or folder()
    if not (page / _INDEX).is_file():
        hint = f"Name the folder that {_BUILD} has printed." if given else f"Build it, in a checkout: {_BUILD}"
        raise PreviewError(f"The page is not built: {page / _INDEX} does not exist.", hint)
    return page


def build(modules: Path) -> Path:
    """Check the page's types and build it, with the packages in `modules`, unless it is built; return its folder."""
    built = folder()
    if is_built():
        return built
    built.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=built.parent) as name:
        work, out = Path(name, "work"), Path(name, "out")
        for path in _sources():
            (work / path.relative_to(SOURCES)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, work / path.relative_to(SOURCES))
        (work / "node_modules").symlink_to(modules)
        for command in (
            [str(modules / ".bin" / "tsc"), "--project", "."],
            ["node", "build.mjs", str(modules), str(out)],
        ):
            subprocess.run(command, cwd=work, check=True)
        if not built.is_dir():  # another may have been faster
            out.rename(built)
    return built


def _sources() -> Iterator[Path]:
    """Return the files that the page is made of, in a fixed order."""
    return (path for path in sorted((*SOURCES.glob("*.*"), *SOURCES.glob("src/**/*.*"))) if path.is_file())
