"""What tests in a real browser need beside Python: Chromium, Node, and packages of npm, outside the checkout.

In: `package.json` and its lock file. Out: where things are, and what is missing. State: see `tests/npm.py`.
"""

import shutil
from pathlib import Path

from dashboards.desk import vendor
from dashboards.preview import bundle
from tests import npm

HERE = Path(__file__).parent
MODULES = npm.modules(HERE)
VENDORING = HERE.parents[1] / "demo_flow" / "shop" / "vendoring"
"""The recipe of what the shop's page has from others."""
PAGE = bundle.folder()
"""The built page of the boards, in the caller's cache."""
VENDORED = npm.modules(vendor.HERE)
"""The packages that the desk vendors."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The path of Chromium, or of a browser that is made of it."""
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


def missing() -> str:
    """Why no browser can be driven here; empty where one can."""
    absent = [name for name in ("node", "npm") if not shutil.which(name)]
    absent += [] if chromium() else ["chromium"]
    absent += (
        [] if all(folder.is_dir() for folder in (MODULES, npm.modules(VENDORING), VENDORED)) else ["packages of npm"]
    )
    absent += [] if PAGE.is_dir() else ["page of the boards"]
    return f"no {', no '.join(absent)}: make browser" if absent else ""
