"""Search overview: are users served?

In: the metrics of requests, results, the critical path and the objectives. Out: the board `search-overview`, whose rows
are modules beside this one. State: none.
"""

from typing import Final

from dashboards import variables
from dashboards.boards import affected, now, objectives, over_time, results, versions
from dashboards.model import Board

OVERVIEW: Final = Board(
    "search-overview",
    "Search overview",
    "Are users served? And if not: who, where, and since which version?",
    (*variables.FLOW, variables.OPERATION, variables.PLATFORM, variables.REGION),
    (now.row(), over_time.row(), affected.row(), results.row(), objectives.row(), versions.row()),
    variables.MARKS,
    variables.ADDRESSES,
)
