"""Builds a program whose source is one Go module.

The module is built in a copy of its own folder, so that its own go.sum locks all dependencies; `go install` would
resolve the versions of today.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collector.stack.recipes import go
from collector.stack.shell import Shell
from collector.stack.versions import VERSIONS


@dataclass(frozen=True)
class GoModule:
    """One module, and the packages to build.

    Arguments: `packages`, from the name of a binary to its package; `version_variable`, the Go variable with the
    program's version.
    """

    name: str
    packages: Mapping[str, str] = field(hash=False)
    version_variable: str

    @property
    def tools(self) -> Sequence[str]:
        """Go."""
        return go.TOOLS

    @property
    def version(self) -> str:
        """The released version."""
        return VERSIONS[self.name]["version"]

    @property
    def outputs(self) -> Sequence[str]:
        """Its binaries."""
        return tuple(f"bin/{binary}" for binary in self.packages)

    @property
    def build_inputs(self) -> Sequence[bytes]:
        """Its pin, its packages and the flags."""
        pin = VERSIONS[self.name]
        parts = (pin["module_version"], pin["sum"], dict(self.packages), self.version_variable, go.FLAGS, go.LINK)
        return [repr(part).encode() for part in parts]

    def make(self, shell: Shell, work: Path, out: Path) -> None:
        """Download and compile."""
        pin = VERSIONS[self.name]
        go.download(shell, pin["module"], pin["module_version"], work / "source", pin["sum"])
        for binary, package in self.packages.items():
            link = f"-X {self.version_variable}={self.version}"
            go.compile_package(shell, work / "source", package, out / "bin" / binary, link)
