"""Fifth row of the Search overview: are the objectives kept, and how fast is their error budget spent?

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


def _calls(window: str) -> tuple[Step, ...]:
    """Return how fast the budget must be spent over a window, and another, until someone is called."""
    burns = sorted((burn for burn in BURNS if window in {burn.long, burn.short}), key=lambda burn: burn.factor)
    tones = {"page": Tone.BAD, "ticket": Tone.WARNING}
    return (Step(None, Tone.PLAIN), *(Step(burn.factor, tones[burn.severity]) for burn in burns))


def left() -> Panel:
    """Return the error budget that is left by objective."""
    steps = (Step(None, Tone.BAD), Step(0.1, Tone.WARNING), Step(0.5, Tone.GOOD))
    return Panel(
        "How much of the error budget is left?",
        "What is left of the failures that each objective allows in three days: 100 % untouched, 0 % the promise is"
        " broken.",
        Draw.BARS,
        (Query(f"min {_BY} ({BUDGET_LEFT}{{{_WHICH}}})", f"{{{{slo}}}}, {{{{{_OPERATION}}}}}"),),
        Unit.SHARE, steps, width=6, least=0, most=1, links=_LINKS,
    )  # fmt: skip


def burn() -> Panel:
    """Return how fast each budget is spent, by window."""

    def of(window: str) -> str:
        return f'max {_BY} ({BURN}{{{_WHICH}, window="{window}"}})'

    return Panel(
        "How fast is it spent?",
        "Times as fast as the objective allows, over the last 5 minutes to 3 days: at 1 the budget is spent when its"
        " time is over. Someone is called when a short and a long window are coloured together.",
        Draw.TABLE,
        tuple(Query(of(window.name), title=window.name, steps=_calls(window.name)) for window in WINDOWS),
        Unit.NUMBER, width=12, labels=(("slo", "Objective"), (_OPERATION, "Operation")), links=_LINKS,
    )  # fmt: skip


def burn_over_time() -> Panel:
    """Return how fast the budgets are spent, over time."""
    query = f'max by (slo, {_OPERATION}) ({BURN}{{{_WHICH}, window="1h"}})'
    return Panel(
        "How fast over the last hour?",
        "Times as fast as the objective allows, each moment over the hour before it. Above the line, and the last five"
        " minutes as well: someone is called.",
        Draw.LINES,
        (Query(query, f"{{{{slo}}}}, {{{{{_OPERATION}}}}}"),),
        Unit.NUMBER, _calls("1h"), width=6, least=0, links=_LINKS,
    )  # fmt: skip


def row() -> Row:
    """Return the row."""
    return Row("Objectives", (left(), burn(), burn_over_time()))
