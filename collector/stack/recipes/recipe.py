"""The interface of a recipe."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from collector.stack.shell import Shell


class Recipe(Protocol):
    """How one program is built.

    `tools` are the required commands; `outputs` are the paths in its folder; `build_inputs` is every input that
    determines the result: other inputs are built into another folder.
    """

    @property
    def name(self) -> str:
        """The program's name in the cache."""

    @property
    def version(self) -> str:
        """The released version."""

    @property
    def tools(self) -> Sequence[str]:
        """Names of `shell.TOOLS`."""

    @property
    def outputs(self) -> Sequence[str]:
        """Paths in the program's folder that exist once it is built."""

    @property
    def build_inputs(self) -> Sequence[bytes]:
        """The inputs that determine the result."""

    def make(self, shell: Shell, work: Path, out: Path) -> None:
        """Build it: `work` is an empty working folder, `out` an empty one that becomes the program's.

        Raises:
            BuildError: a tool is missing, or failed.
        """
