"""Loads a catalogue: the shipped pack, or a folder of your own pictures.

A folder has a `catalogue.jsonl` or `catalogue.parquet`. A row that cannot be used is returned as a `Problem`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from demo_flow.catalogue.item import Item
from demo_flow.catalogue.own import CatalogueError, Problem, read_folder
from demo_flow.catalogue.shipped import read_pack

__all__ = ["CatalogueError", "Item", "Problem", "load"]


def load(path: Path | None = None, on_problem: Callable[[Problem], None] | None = None) -> Sequence[Item]:
    """Return the items of a catalogue, in its order.

    Args:
        path: a folder with pictures and a catalogue file; None for the shipped pack.
        on_problem: called with each row that is skipped; without it such rows are skipped in silence.

    Raises:
        CatalogueError: `path` is not a folder, has no catalogue file, or the file cannot be read.
    """
    if path is None:
        return read_pack()
    return read_folder(path, on_problem or _ignore)


def _ignore(_problem: Problem) -> None:
    pass
