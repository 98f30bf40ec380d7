"""`make browser`: installs what tests in a real browser need. Does nothing where it is there.

In: nothing. Out: Debian's Chromium on the system, where this user may install it; packages of npm, and the page of the
boards, in the user's cache.
"""

import os
import shutil
import subprocess
import sys

from dashboards.desk import vendor
from dashboards.preview.bundle import SOURCES
from tests import npm
from tests.browser import page
from tests.browser.environment import HERE, VENDORING, chromium

PACKAGES = (HERE, VENDORING, vendor.HERE, SOURCES, HERE.parent / "sentry_cli", HERE.parent / "grafana")
"""Folders with a lock file of npm."""


def main() -> int:
    """Install what is missing; 1 where that cannot be done, with what a person has to do."""
    tools = [name for name in ("node", "npm") if not shutil.which(name)]
    if tools:
        return _failed(f"{' and '.join(tools)} not found; install Node.js 20 or newer")
    if not chromium() and not _install_chromium():
        return _failed("Chromium not found; install it: apt-get install chromium")
    for folder in PACKAGES:
        if not npm.modules(folder).is_dir():
            print(f"Installing packages of npm for {folder.name} …", flush=True)
            npm.install(folder)
    page.build()
    return 0


def _install_chromium() -> bool:
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    print("Installing Debian's Chromium …", flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-qq"], check=True, **quiet)  # type: ignore[call-overload]
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
    subprocess.run(install, check=True, **quiet)  # type: ignore[call-overload]
    return chromium() is not None


def _failed(why: str) -> int:
    print(why, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
