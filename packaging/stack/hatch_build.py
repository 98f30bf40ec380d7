"""Build hook: takes the rooms from the checkout's root into the wheel, two folders up from here.

An editable install gets none of them: it points at the checkout instead (`dev-mode-dirs`), so that an edit is seen.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOMS = ("collector", "demo_flow")
ROOT = Path(__file__).resolve().parents[2]


class RoomsFromTheRoot(BuildHookInterface[Any]):
    """Adds each room to a standard wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Names the folders to include, unless the wheel is an editable one."""
        if version == "standard":
            build_data["force_include"].update({str(ROOT / room): room for room in ROOMS})
