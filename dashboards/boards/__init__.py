"""The boards, a module each, in the order in which an engineer opens them."""

from typing import Final

from dashboards.boards.overview import OVERVIEW
from dashboards.model import Board

BOARDS: Final[tuple[Board, ...]] = (OVERVIEW,)
