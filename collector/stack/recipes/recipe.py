"""What a recipe is.

In: nothing. Out: the shape that each program's recipe has. State: none.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from collector.stack.shell import Shell


class Recipe(Protocol):
    """How one program is made.

    `name` and `version` are what people call it; `tools` are the commands that make it; `outputs` are the paths that it
    leaves in its folder; `material` is everything that decides what comes out: other material, another folder.
    """

    @property
    def name(self) -> str:
        """What the program is called here."""

    @property
    def version(self) -> str:
        """The version that its project released."""

    @property
    def tools(self) -> Sequence[str]:
        """Names of `shell.TOOLS`."""

    @property
    def outputs(self) -> Sequence[str]:
        """Paths below the program's folder that exist once it is made."""

    @property
    def material(self) -> Sequence[bytes]:
        """What decides what comes out."""

    def make(self, shell: Shell, work: Path, out: Path) -> None:
        """Make it: `work` is an empty folder to work in, `out` an empty one that becomes the program's.

        Raises:
            BuildError: a tool is missing, or failed.
        """
