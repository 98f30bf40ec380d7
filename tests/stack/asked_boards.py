"""What boards and rules ask, as a test sends it."""

from typing import Final

from benchmarks.watching import DIVISOR
from dashboards.alerts import rendering
from dashboards.alerts.rule import Alert, Record
from dashboards.alerts.windows import Scale
from dashboards.boards import BOARDS
from dashboards.model import Board, Panel, Query

PANELS: Final = {f"{board.uid}: {panel.title}": (board, panel) for board in BOARDS for panel in board.panels}
QUERIES: Final[dict[str, tuple[Board, Panel, Query]]] = {
    f"{name} {number}": (board, panel, query)
    for name, (board, panel) in PANELS.items()
    for number, query in enumerate(panel.queries, 1)
}
_RULES: Final = [rule for group in rendering.groups(Scale(DIVISOR)) for rule in group.rules]
RECORDS: Final = {f"{number}: {rule.name}": rule for number, rule in enumerate(_RULES) if isinstance(rule, Record)}
ALERTS: Final = {f"{rule.name} {rule.severity}": rule for rule in _RULES if isinstance(rule, Alert)}


def filled(expr: str, board: Board, *, interval: str, shown: str) -> str:
    """A panel's expression as Grafana sends it: every variable chosen, with the interval and the time shown."""
    values = {f"${variable.name}": variable.everything for variable in board.variables}
    values |= {"$__rate_interval": interval, "$__range": shown}
    for name in sorted(values, key=len, reverse=True):
        expr = expr.replace(name, values[name])
    return expr
