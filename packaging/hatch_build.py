"""Build hook of the distributions whose rooms lie at the checkout's root, two folders up from their pyproject.toml.

The sdist takes the rooms with it, and as a file what is a link in the checkout; the wheel is built from there, or from
the checkout, where `pip install ./packaging/…` asks for that. An editable install gets no room: it points at the
checkout (`dev-mode-dirs`), so that an edit is seen.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RoomsFromTheRoot(BuildHookInterface[Any]):
    """Adds each folder that the option `rooms` names."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name what to include, unless the wheel is an editable one."""
        here = Path(self.root)
        root = here if (here / "PKG-INFO").is_file() else here.parents[1]  # in an sdist all is here
        included = {str(Path(source).resolve()): target for source, target in build_data["force_include"].items()}
        if self.target_name == "sdist" or version == "standard":
            included.update({str(root / room): room for room in self.config["rooms"]})
        build_data["force_include"] = included
