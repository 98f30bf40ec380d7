"""Fifth row of the Search overview: are the objectives met, and how fast is their error budget spent?

The series are recorded by the rules of `dashboards/alerts`.
"""

from typing import Final

from dashboards.alerts.slo import BUDGET_LEFT, BURN
from dashboards.alerts.windows import BURNS, WINDOWS
from dashboards.boards import entry
from dashboards.model import Draw, Panel, Query, Row, Step, Tone, Unit
from dashboards.promql import FLOW, label
from telemetry import conventions as c

_OPERATION: Final = label(c.SEARCH_OPERATION)
_WHICH: Final = f'{FLOW}, {_OPERATION}=~"$operation"'
_BY: Final = f"by (slo, {_OPERATION})"
_LINKS: Final = (*entry.of_operation(), entry.FAILED_TRACES, entry.ERROR_LOGS)


def left_of(which: str, ago: str = "") -> str:
    """Return the budgets that are left; one that is spent is 0, however much was failed beyond it."""
    return f"clamp_min({BUDGET_LEFT}{{{which}}}{f' offset {ago}' if ago else ''}, 0)"


def _burn_steps(window: str) -> tuple[Step, ...]:
    """Return the burn rates at which an alert on this window, together with its other one, fires."""
    burns = sorted((burn for burn in BURNS if window in {burn.long, burn.short}), key=lambda burn: burn.factor)
    tones = {"page": Tone.BAD, "ticket": Tone.WARNING}
    return (Step(None, Tone.PLAIN), *(Step(burn.factor, tones[burn.severity]) for burn in burns))


def left() -> Panel:
    """Return the error budget that is left by objective."""
    steps = (Step(None, Tone.BAD), Step(0.1, Tone.WARNING), Step(0.5, Tone.GOOD))
    return Panel(
        "How much of the error budget is left?",
        "What is left of the failures that each objective allows in three days. At 100 % nothing failed; at 0 % the"
        " budget is spent, and the objective is missed.",
        Draw.BARS,
        (Query(f"min {_BY} ({left_of(_WHICH)})", f"{{{{slo}}}}, {{{{{_OPERATION}}}}}"),),
        Unit.SHARE, steps, width=6, least=0, most=1, links=_LINKS,
    )  # fmt: skip


def burn() -> Panel:
    """Return how fast each budget is spent, by window."""

    def of(window: str) -> str:
        return f'max {_BY} ({BURN}{{{_WHICH}, window="{window}"}})'

    return Panel(
        "How fast is the error budget spent?",
        "Burn rate: times as fast as the objective allows, over windows from 5 minutes to 3 days. At 1 the budget lasts"
        " exactly for the objective's time. An alert fires when a short and a long window are coloured together.",
        Draw.TABLE,
        tuple(Query(of(window.name), title=window.name, steps=_burn_steps(window.name)) for window in WINDOWS),
        Unit.NUMBER, width=12, labels=(("slo", "Objective"), (_OPERATION, "Operation")), links=_LINKS,
    )  # fmt: skip


def burn_over_time() -> Panel:
    """Return how fast the budgets are spent, over time."""
    query = f'max by (slo, {_OPERATION}) ({BURN}{{{_WHICH}, window="1h"}})'
    return Panel(
        "Burn rate over an hour",
        "Times as fast as the objective allows, at each moment over the hour before it. An alert fires when it is above"
        " the line, and the burn rate of the last five minutes is too.",
        Draw.LINES,
        (Query(query, f"{{{{slo}}}}, {{{{{_OPERATION}}}}}"),),
        Unit.NUMBER, _burn_steps("1h"), width=6, least=0, links=_LINKS,
    )  # fmt: skip


def row() -> Row:
    """Return the row."""
    return Row("Objectives", (left(), burn(), burn_over_time()))
