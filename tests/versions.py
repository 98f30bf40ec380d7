"""Runs the library's tests on other versions than the checkout's: `python -m tests.versions [--all] [NAME …]`.

In: `pyproject.toml`, `constraints.txt`, the Pythons of this machine. Out: a line for each environment, with its time,
what failed, and an exit status; a Python that is not here is named and left out. State: environments in the user's
cache, each in a folder named after all that it holds, so that a run without news installs nothing.

| environment | has |
|---|---|
| `floors` | exactly the lowest versions that the library's requirements allow |
| `newest` | the newest that they allow today |
| `python3.12` … | the versions of `constraints.txt`, on another Python |

Each is tested by a few tests of each kind; with `--all`, by every one that needs the library alone
(`tests.library_alone`).
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.environments import UV, NotMade, call, made
from tests.library_alone import ROOT, SMOKE, library_alone

PINNED: Final = ("--constraint", "constraints.txt")
LOWEST_PYTHON: Final = "3.11"


@dataclass(frozen=True)
class Environment:
    """What is installed where."""

    name: str
    python: str
    resolution: tuple[str, ...]

    def find_python(self) -> str | None:
        """Return the interpreter, from the PATH or pyenv's versions, None where there is none."""
        name = f"python{self.python}"
        pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        candidates = [shutil.which(name), *sorted(map(str, pyenv.glob(f"{self.python}.*/bin/{name}")), reverse=True)]
        return next((python for python in candidates if python and _answers(python)), None)

    def make(self, python: str) -> Path:
        """Return its folder, made where it is not there yet; the library is this checkout, as `make env` has it."""
        asked = ("pip", "compile", "pyproject.toml", "--group", "library", "--no-header", "--no-annotate")
        lock = call(*UV, *asked, "--python", python, *self.resolution, cwd=ROOT)
        return made(self.name, python, lock, "--no-deps", "--editable", str(ROOT))


ENVIRONMENTS: Final = (
    Environment("floors", LOWEST_PYTHON, ("--resolution", "lowest-direct")),
    Environment("newest", LOWEST_PYTHON, ("--upgrade",)),
    *(Environment(f"python{version}", version, PINNED) for version in ("3.12", "3.13", "3.14")),
)


def main() -> int:
    """Run them one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *(e.name for e in ENVIRONMENTS)])
    parser.add_argument("--all", action="store_true", help="every test that needs the library alone")
    given = parser.parse_args()
    chosen = [environment for environment in ENVIRONMENTS if environment.name in given.names or not given.names]
    failed = [environment.name for environment in chosen if not _run(environment, everything=given.all)]
    if failed:
        print(f"Failed: {', '.join(failed)}")
    return bool(failed)


def _run(environment: Environment, *, everything: bool) -> bool:
    python = environment.find_python()
    if python is None:
        print(f"── {environment.name}: left out, since this machine has no python{environment.python}", flush=True)
        return True
    began = time.monotonic()
    try:
        folder = environment.make(python)
    except NotMade as error:
        sys.exit(str(error))
    print(f"── {environment.name}: in {folder}, made in {time.monotonic() - began:.0f} s", flush=True)
    tests = library_alone() if everything else SMOKE
    command = [str(folder / "bin/python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, tests)]
    bare = {name: os.environ[name] for name in ("HOME", "PATH")}  # no test may need more
    ended = subprocess.run(command, cwd=ROOT, env=bare, check=False)
    print(f"── {environment.name}: {time.monotonic() - began:.0f} s", flush=True)
    return ended.returncode == 0


def _answers(python: str) -> bool:
    """Say whether an interpreter runs: one that pyenv knows and has not chosen is a script that only complains."""
    return subprocess.run([python, "--version"], check=False, capture_output=True).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
