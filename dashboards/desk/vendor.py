"""`python -m dashboards.desk.vendor`: writes `static/vendor`, the scripts of others that the page uses.

In: the packages of npm that `package-lock.json` names, with their digests. Out: the files of `static/vendor`, each with
the licence that it is under. State: none beside these files.

The files are those of the packages, except for what a browser needs to load them without a build step: a module is
imported by its file, not by its name, and uPlot's script for pages exports what it makes. To take a new version, change
`package.json`, run `npm install --package-lock-only` and then this.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copy
from typing import Final

HERE: Final = Path(__file__).parent
TARGET: Final = HERE / "static" / "vendor"
_CI: Final = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def vendored(modules: Path) -> dict[str, str]:
    """Return the files of `static/vendor` by name, made of the packages in `modules` (a `node_modules`)."""

    def text(name: str) -> str:
        return (modules / name).read_text("utf-8")

    return {
        "preact.js": _without_map(text("preact/dist/preact.mjs")),
        "hooks.js": _without_map(text("preact/hooks/dist/hooks.mjs")).replace('from"preact"', 'from"./preact.js"'),
        "htm.js": text("htm/dist/htm.mjs"),
        "uplot.js": text("uplot/dist/uPlot.iife.min.js").rstrip("\n") + "\nexport default uPlot;\n",
        "uplot.css": text("uplot/dist/uPlot.min.css"),
        "LICENSE-preact.txt": text("preact/LICENSE"),
        "LICENSE-htm.txt": text("htm/LICENSE"),
        "LICENSE-uplot.txt": text("uplot/LICENSE"),
    }


def _without_map(script: str) -> str:
    """Return a script without the address of its source map, which is not here."""
    return "".join(line for line in script.splitlines(keepends=True) if not line.startswith("//# sourceMappingURL"))


def main() -> int:
    """Fetch the packages and write the files."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            copy(HERE / name, folder)
        subprocess.run(_CI, cwd=folder, check=True)
        files = vendored(Path(folder, "node_modules"))
    TARGET.mkdir(exist_ok=True)
    for name, content in files.items():
        (TARGET / name).write_text(content, "utf-8")
        print(f"{TARGET / name}  {len(content):,} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
