"""Every duration of the rules: the windows of the error budget in one table, and how all of them are shortened.

In: durations as Prometheus writes them, a divisor. Out: durations as Prometheus writes them. State: none.
"""

import re
from dataclasses import dataclass
from typing import Final

from dashboards.alerts.rule import Severity

_UNITS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_LEAST: Final = 1_000
"""Milliseconds: no duration is divided to less than a second."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Divides durations, so that a test of minutes shows what happens in hours; shipped rules have the divisor 1."""

    divisor: int = 1

    def __call__(self, duration: str) -> str:
        """Return a duration such as `5m` divided, as Prometheus writes it: `15s`."""
        return written(max(_milliseconds(duration) // self.divisor, _LEAST))

    def seconds(self, duration: str) -> float:
        """Return the seconds of a divided duration."""
        return max(_milliseconds(duration) // self.divisor, _LEAST) / 1000


SHIPPED: Final = Scale()


@dataclass(frozen=True, slots=True)
class Window:
    """A window of the error budget.

    Attributes:
        name: the label `window`, the same however short the window is made.
        summed: added up from windows of five minutes, because Prometheus would read too many samples otherwise.
    """

    name: str
    summed: bool = False


@dataclass(frozen=True, slots=True)
class Burn:
    """An alert on the speed at which an error budget is spent.

    Attributes:
        factor: times as fast as the objective allows; 14.4 over an hour spend 2 % of a month's budget.
        long: window that shows that it matters.
        short: window that shows that it still goes on.
        severity: of the alert.
    """

    factor: float
    long: str
    short: str
    severity: Severity


WINDOWS: Final = (
    Window("5m"), Window("30m"), Window("1h"), Window("2h"),
    Window("6h", summed=True), Window("1d", summed=True), Window("3d", summed=True),
)  # fmt: skip
SHORTEST: Final = WINDOWS[0].name
"""What the summed windows are made of."""
LONGEST: Final = WINDOWS[-1].name
"""The window of the budget that is left."""
BURNS: Final = (
    Burn(14.4, "1h", "5m", "page"),
    Burn(6, "6h", "30m", "page"),
    Burn(3, "1d", "2h", "ticket"),
    Burn(1, "3d", "6h", "ticket"),
)
"""Google's Site Reliability Workbook, chapter 5, table 5-8."""


def written(milliseconds: int) -> str:
    """Return a duration as Prometheus writes it: `3h36m`, `1s500ms`."""
    text = ""
    for unit, size in _UNITS.items():
        number, milliseconds = divmod(milliseconds, size)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def _milliseconds(duration: str) -> int:
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[dhms])", duration))
