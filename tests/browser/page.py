"""`make dashboards-page`: builds the page of `telemetry dashboards preview`. Does nothing where it is built.

In: its sources, the packages of npm that their lock file names. Out: a folder in the user's cache, which is printed.
"""

import shutil
import sys
from pathlib import Path

from dashboards.preview import bundle
from tests import npm


def build() -> Path:
    """Build what is missing; return the folder."""
    return bundle.folder() if bundle.is_built() else bundle.build(npm.install(bundle.SOURCES))


def main() -> int:
    """Build it; 1 where that cannot be done, with what a person has to do."""
    tools = [name for name in ("node", "npm") if not shutil.which(name)]
    if tools:
        print(f"{' and '.join(tools)} not found; install Node.js 20 or newer", file=sys.stderr)
        return 1
    print(f"The page is in {build()}. See it: telemetry dashboards preview")
    return 0


if __name__ == "__main__":
    sys.exit(main())
