"""Alertmanager and amtool, out of Debian's package.

In: the package's pin. Out: both binaries. State: none: nothing is installed, and apt's own lists stay as they are.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from collector.stack.errors import BuildError
from collector.stack.shell import Shell, require
from collector.stack.versions import VERSIONS


class Alertmanager:
    """Alertmanager's recipe."""

    name = "alertmanager"
    outputs = ("bin/alertmanager", "bin/amtool")

    @property
    def version(self) -> str:
        """The released version, without Debian's own revision."""
        return VERSIONS["alertmanager"]["version"]

    @property
    def material(self) -> Sequence[bytes]:
        """The pin."""
        return [self.version.encode(), VERSIONS["alertmanager"]["package"].encode()]

    def make(self, shell: Shell, work: Path, out: Path) -> None:
        """Download with the lists that apt has, or with fresh ones in a folder of our own; unpack."""
        require("dpkg")
        try:
            self._download(shell, work)
        except BuildError:
            own = _own_lists(work)
            shell.step("asking for Debian's package lists")
            shell.run("apt-get", *own, "update", cwd=work)
            self._download(shell, work, *own)
        (package,) = work.glob("*.deb")
        shell.run("dpkg", "-x", package.name, "unpacked", cwd=work)
        for found, wanted in (("prometheus-alertmanager", "alertmanager"), ("amtool", "amtool")):
            shutil.move(work / "unpacked" / "usr" / "bin" / found, out / "bin" / wanted)

    def _download(self, shell: Shell, work: Path, *options: str) -> None:
        pin = VERSIONS["alertmanager"]
        shell.step("downloading the package")
        shell.run("apt-get", *options, "download", f"{pin['package']}={pin['version']}-*", cwd=work)


def _own_lists(work: Path) -> tuple[str, ...]:
    """Options that make apt keep what it learns in a folder of ours, which needs no rights."""
    for folder in ("lists/partial", "archives/partial"):
        (work / folder).mkdir(parents=True)
    return ("-o", f"Dir::State::Lists={work / 'lists'}", "-o", f"Dir::Cache={work}")
