"""Draws the guides of a tree in text, from the depths of its rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.local.render.text import Glyphs


@dataclass(frozen=True)
class Guides:
    """The text before a row's name, and before further lines of the row."""

    row: str
    beneath: str


def guides(depths: Sequence[int], glyphs: Glyphs, indent: int, width: int) -> Iterator[Guides]:
    """The guides of every row.

    Args:
        depths: of the rows, in tree order; roots have 0 and no guides.
        glyphs: to draw with.
        indent: cells for each level.
        width: cells at most; the outer levels of a deeper row become an ellipsis.
    """
    last = _last_siblings(depths)
    open_levels: list[bool] = []  # for each level above the row: does a sibling of that ancestor follow?
    for position, depth in enumerate(depths):
        del open_levels[max(0, depth - 1) :]
        shown = open_levels[-(width // indent + 1) :]
        outer = "".join(_cell(glyphs.along if is_open else " ", indent) for is_open in shown)
        here = _cell(glyphs.last if last[position] else glyphs.branch, indent) if depth else ""
        after = _cell(" " if last[position] else glyphs.along, indent) if depth else ""
        has_children = position + 1 < len(depths) and depths[position + 1] > depth
        below = _cell(glyphs.along if has_children else " ", 2)
        yield Guides(_shorten(outer + here, width, glyphs), _shorten(outer + after, width, glyphs) + below)
        if depth:
            open_levels.append(not last[position])


def _cell(sign: str, indent: int) -> str:
    return sign + " " * (indent - 1)


def _shorten(text: str, width: int, glyphs: Glyphs) -> str:
    return text if len(text) <= width else glyphs.ellipsis + text[len(text) - width + 1 :]


def _last_siblings(depths: Sequence[int]) -> list[bool]:
    """Return for each row whether it is the last of its siblings."""
    last = [False] * len(depths)
    followed: list[bool] = []  # by depth, looking back from the end
    for position in range(len(depths) - 1, -1, -1):
        depth = depths[position]
        del followed[depth + 1 :]
        followed.extend([False] * (depth + 1 - len(followed)))
        last[position] = not followed[depth]
        followed[depth] = True
    return last
