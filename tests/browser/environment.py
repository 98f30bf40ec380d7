"""What tests in a real browser need beside Python: Chromium, Node, and packages of npm, outside the checkout.

In: `package.json` and its lock file. Out: where things are, and what is missing. State: a folder in the user's cache,
whose name ends in a digest of the lock file.
"""

import hashlib
import shutil
from pathlib import Path

import platformdirs

HERE = Path(__file__).parent
LOCK = HERE / "package-lock.json"
CACHE = platformdirs.user_cache_path("search-telemetry") / "browser"
"""The caller's environment, before any test changes it."""
MODULES = CACHE / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12] / "node_modules"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The path of Chromium, or of a browser that is made of it."""
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


def missing() -> str:
    """Why no browser can be driven here; empty where one can."""
    absent = [name for name in ("node", "npm") if not shutil.which(name)]
    absent += [] if chromium() else ["chromium"]
    absent += [] if MODULES.is_dir() else ["packages of npm"]
    return f"no {', no '.join(absent)}: make browser" if absent else ""
