"""The pinned versions.

In: `versions.toml`. Out: one table for each program. State: none.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

VERSIONS: Final[Mapping[str, Mapping[str, str]]] = tomllib.loads(
    (Path(__file__).parent / "versions.toml").read_text(encoding="utf-8")
)
"""For each program what `versions.toml` says of it."""
