"""Where each panel of a board stands, on Grafana's grid.

In: rows of panels. Out: positions. State: none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dashboards.model import COLUMNS, Board, Panel, Row


@dataclass(frozen=True, slots=True)
class Place:
    """The rectangle of a panel, or of a row's title: 24 columns wide, from the upper left corner of the board."""

    x: int
    y: int
    width: int
    height: int


def places(board: Board) -> Iterator[tuple[Row | Panel, Place]]:
    """Return each row's title and each panel, with its place, in their order."""
    y = 0
    for row in board.rows:
        yield row, Place(0, y, COLUMNS, 1)
        y += 1
        x = height = 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            yield panel, Place(x, y, panel.width, panel.height)
            x, height = x + panel.width, max(height, panel.height)
        y += height
