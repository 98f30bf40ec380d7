"""The libraries that ours is compared with, each in an environment of its own, from its current release.

In: requirements. Out: an interpreter and the versions that it has. State: environments in the user's cache, kept by
what they hold; without a package index, the latest that is there is used.
"""

import compileall
import re
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.engine.rows import OURS, SDK
from tests.environments import CACHE, UV, NotMade, call, made

ROOT: Final = Path(__file__).parents[2]
REQUIREMENTS: Final = {
    SDK: (
        "opentelemetry-sdk",
        "opentelemetry-exporter-otlp-proto-grpc",
        "opentelemetry-exporter-otlp-proto-http",
        "opentelemetry-instrumentation-grpc",
    ),
    "ddtrace": ("ddtrace",),
    "logfire": ("logfire",),
    "sentry": ("sentry-sdk",),
    "fastotel": ("fastotel",),
}
"""What is installed of each; the first one's version is the library's."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter, the version of the library that it has, and the folder that it imports from before others."""

    python: str
    version: str
    folder: Path = ROOT


def ours() -> Environment:
    """Return the environment that this runs in, its library compiled as an installed one is."""
    compileall.compile_dir(ROOT / "telemetry", quiet=2)
    return Environment(sys.executable, version("search-telemetry"))


@contextmanager
def before(revision: str) -> Iterator[Environment]:
    """Yield the same with the library of another revision of this repository. Raises `NotMade`."""
    with tempfile.TemporaryDirectory(prefix="bench-before-") as name:
        packed = Path(name) / "telemetry.tar"
        call("git", "archive", "--output", str(packed), revision, "telemetry", cwd=ROOT)
        with tarfile.open(packed) as file:
            file.extractall(name, filter="data")
        compileall.compile_dir(name, quiet=2)
        yield Environment(sys.executable, revision[:8], Path(name))


def find(library: str) -> Environment:
    """Return a library's environment, made where it is not there yet. Raises `NotMade`."""
    if library == OURS:
        return ours()
    wanted = REQUIREMENTS[library]
    try:
        asked = ("pip", "compile", "-", "--no-header", "--no-annotate", "--upgrade", "--python", sys.executable)
        lock = call(*UV, *asked, given="\n".join(wanted))
        folder = made(f"bench-{library}", sys.executable, lock)
    except NotMade:
        there = sorted(CACHE.glob(f"bench-{library}-*/ready"), key=lambda ready: ready.stat().st_mtime)
        if not there:
            raise
        folder = there[-1].parent
    return Environment(str(folder / "bin/python"), _version(folder, wanted[0]))


def _version(folder: Path, package: str) -> str:
    found = re.search(rf"^{re.escape(package)}==(\S+)", (folder / "lock.txt").read_text("utf-8"), re.MULTILINE)
    return found[1] if found else "?"
