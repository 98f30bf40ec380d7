"""The pinned versions, from `versions.toml`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

VERSIONS: Final[Mapping[str, Mapping[str, str]]] = tomllib.loads(
    (Path(__file__).parent / "versions.toml").read_text(encoding="utf-8")
)
"""A table for each program."""
