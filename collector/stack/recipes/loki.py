"""Loki: one Go module with a second one inside, and a web page that its source does not hold.

In: the module's pin. Out: the binary `loki`. State: none.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from collector.stack.errors import BuildError
from collector.stack.recipes import go
from collector.stack.shell import Shell
from collector.stack.versions import VERSIONS

PUSH: Final = "github.com/grafana/loki/pkg/push"
"""Lives in Loki's folder as a module of its own; Loki's go.mod takes it from there."""

VERSION_VARIABLE: Final = "github.com/grafana/loki/v3/pkg/util/build.Version"


class Loki:
    """Loki's recipe."""

    name = "loki"
    outputs = ("bin/loki",)

    @property
    def version(self) -> str:
        """The released version."""
        return VERSIONS["loki"]["version"]

    @property
    def material(self) -> Sequence[bytes]:
        """Its pin and the flags."""
        pin = VERSIONS["loki"]
        return [repr(part).encode() for part in (pin["module_version"], pin["sum"], go.FLAGS, go.LINK)]

    def make(self, shell: Shell, work: Path, out: Path) -> None:
        """Download both modules, put the second in its place, compile."""
        pin, source = VERSIONS["loki"], work / "source"
        go.download(shell, pin["module"], pin["module_version"], source, pin["sum"])
        go.download(shell, PUSH, _push_version(source), source / "pkg" / "push")
        page = source / "pkg" / "ui" / "frontend" / "dist" / "index.html"  # embedded: it must exist
        page.parent.mkdir(parents=True)
        page.write_text("Loki without its own web page: use Grafana.\n", encoding="utf-8")
        link = f"-X {VERSION_VARIABLE}={self.version}"
        go.compile_package(shell, source, "./cmd/loki", out / "bin" / "loki", link)


def _push_version(source: Path) -> str:
    found = re.search(rf"^\s*{re.escape(PUSH)} (\S+)", (source / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise BuildError(f"Loki's go.mod no longer names {PUSH}.", "This recipe has to follow: see recipes/loki.py.")
    return found[1]
