"""What `make incidents` finds wrong with the alerts of an incident."""

from dataclasses import replace

import pytest

from benchmarks.incident_alerts import EXPECTED, faults, matching
from benchmarks.watching import Fired, Stretch
from dashboards.alerts.rendering import alerts
from dashboards.boards import BOARDS
from demo_flow.incidents.table import INCIDENTS

RIGHT = Fired(
    "SearchClientsFail",
    {"severity": "ticket", "client_platform": "ios", "search_operation": "search"},
    {"summary": "9% of search fail for platform ios", "dashboard_url": "/d/search-overview?from=now-1h"},
    12.0,
)
ANOTHER = Fired(
    "SearchCollectorDown", {"severity": "page"}, {"summary": "down", "dashboard_url": "/d/search-telemetry"}, 1
)


def during(*fired: Fired) -> Stretch:
    return Stretch("platform-fails", 0.0, 1.0, fired)


def test_each_incident_has_an_alert_and_a_board_that_there_are() -> None:
    """None is left out, and none expects an alert of a name that was changed."""
    assert EXPECTED.keys() == INCIDENTS.keys()
    assert {each.alert for each in EXPECTED.values()} <= {alert.name for alert in alerts()}
    assert {each.board for each in EXPECTED.values()} <= {board.uid for board in BOARDS}


def test_the_right_alert_is_right() -> None:
    """Others that only open a ticket are not faults, and pages that follow from it are not either."""
    budget = replace(ANOTHER, name="SearchErrorBudgetBurns")
    ticket = replace(ANOTHER, labels={"severity": "ticket"})
    assert faults(during(RIGHT, budget, ticket), EXPECTED["platform-fails"]) == []


@pytest.mark.parametrize(
    ("fired", "why"),
    [
        ((), "did not fire"),
        ((replace(RIGHT, labels={**RIGHT.labels, "client_platform": "web"}),), "did not fire"),
        ((replace(RIGHT, annotations={**RIGHT.annotations, "summary": "some fail"}),), "does not name client_platform"),
        (
            (replace(RIGHT, annotations={**RIGHT.annotations, "dashboard_url": "/d/search-stage?"}),),
            "not search-overview",
        ),
        ((RIGHT, ANOTHER), "others page"),
    ],
)
def test_what_is_wrong_is_said(fired: tuple[Fired, ...], why: str) -> None:
    """No alert, one that names another, one that says nothing, one that leads elsewhere, one more."""
    (fault,) = faults(during(*fired), EXPECTED["platform-fails"])
    assert why in fault


def test_labels_of_any_value_must_be_there() -> None:
    """Which replica is slow is known only while it runs."""
    slower = replace(RIGHT, name="SearchReplicaSlower", labels={**EXPECTED["slow-replica"].at_fault})
    named = replace(slower, labels={**slower.labels, "instance": "a"})
    assert matching(during(slower), EXPECTED["slow-replica"]) is None
    assert matching(during(named), EXPECTED["slow-replica"]) is named
