"""What goes wrong in the series of `flow`, and which alerts must fire then: these and no others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dashboards.alerts.rule import Severity
from tests.alerts.flow import Changes

Labels = Mapping[str, str]
FLOW: Final = "from=now-1h&var-namespace=pamazon"
"""How the address of an alert's board begins."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert that fires: its name and labels, without `flow`; what it says, where the case is about it."""

    alert: str
    labels: Labels
    severity: Severity = "ticket"
    summary: str = ""
    dashboard: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What changes, and the alerts that fire.

    Attributes:
        about: the test's name.
        changes: during the incident.
        fires: all alerts at its end; the first are those that it is about.
        few: at a thousandth of the requests nothing fires; False where a single event is one too many.
    """

    about: str
    changes: Changes
    fires: Sequence[Firing]
    few: bool = True


def job(service: str, **labels: str) -> Labels:
    """Return the labels of a service's alert."""
    return {"job": f"pamazon/{service}", **labels}
