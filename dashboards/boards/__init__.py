"""The boards, a module each, in the order in which an engineer opens them."""

from typing import Final

from dashboards.boards.encoder import ENCODER
from dashboards.boards.health import HEALTH
from dashboards.boards.index import INDEX
from dashboards.boards.overview import OVERVIEW
from dashboards.boards.stage import STAGE
from dashboards.model import Board

BOARDS: Final[tuple[Board, ...]] = (OVERVIEW, STAGE, ENCODER, INDEX, HEALTH)
