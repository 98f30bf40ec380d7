"""Installs npm packages by their lock file, unless they are installed: for tests, and for the boards' page.

In: a folder with `package.json` and `package-lock.json`. Out: the folder `node_modules` with them. State: a folder in
the user's cache for each lock file, complete or absent.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import platformdirs

CACHE = platformdirs.user_cache_path("search-telemetry") / "npm"
"""The caller's, before any test changes the environment."""
CI = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
"""By the lock file alone; esbuild's binary is in its package, so that no script has to fetch it."""


def modules(folder: Path) -> Path:
    """Return where the packages of a folder's lock file are, or would be."""
    digest = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()[:12]
    return CACHE / f"{folder.name}-{digest}" / "node_modules"


def install(folder: Path) -> Path:
    """Install what is missing; return `modules`."""
    wanted = modules(folder)
    if wanted.is_dir():
        return wanted
    unfinished = CACHE / f".unfinished-{folder.name}-{os.getpid()}"
    unfinished.mkdir(parents=True)
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(folder / name, unfinished)
        subprocess.run(CI, cwd=unfinished, check=True)
        if not wanted.is_dir():  # another may have been faster
            unfinished.rename(wanted.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return wanted
