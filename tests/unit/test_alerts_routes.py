"""Alertmanager's files: every name in routes and inhibitions exists."""

import re
from typing import Any

import pytest
import yaml

from dashboards.alerts.rendering import alerts
from dashboards.alerts.routes import INHIBITIONS, NOBODY, URL_FILE, Inhibition, text
from tests.unit.test_alerts_pages import OVERVIEW

NAMES = {alert.name for alert in alerts()}


def file(*, webhook: bool) -> Any:
    return yaml.safe_load(text(webhook=webhook))


def test_pages_and_tickets_have_a_receiver_each() -> None:
    """A message says by its receiver how urgent it is; what has no route is sent to nobody."""
    found = file(webhook=True)
    routes = {route["matchers"][0]: route["receiver"] for route in found["route"]["routes"]}
    assert routes == {'severity="page"': "page", 'severity="ticket"': "ticket"}
    assert {alert.severity for alert in alerts()} <= {"page", "ticket"}
    receivers = {receiver["name"]: receiver.get("webhook_configs") for receiver in found["receivers"]}
    assert receivers.keys() == {NOBODY, "page", "ticket"}
    assert receivers[NOBODY] is None
    assert receivers["page"][0]["url_file"] == URL_FILE
    assert found["route"]["receiver"] == NOBODY


def test_without_a_webhook_nothing_is_sent() -> None:
    """The one receiver is called nobody, and sends nothing."""
    found = file(webhook=False)
    assert found["receivers"] == [{"name": NOBODY}]
    assert "routes" not in found["route"]
    assert found["inhibit_rules"] == file(webhook=True)["inhibit_rules"]


@pytest.mark.parametrize("inhibition", INHIBITIONS, ids=lambda inhibition: inhibition.why)
def test_what_an_inhibition_names_exists(inhibition: Inhibition) -> None:
    """A renamed alert would send twice; no alert inhibits itself."""
    for matcher in (*inhibition.source, *inhibition.target):
        for name in re.findall(r"Search\w+", matcher):
            assert name in NAMES
    assert set(inhibition.source) != set(inhibition.target)
    assert inhibition.why.endswith(".")


def test_the_overview_has_a_row_for_each() -> None:
    """docs/alerts.md lists every inhibition."""
    table = OVERVIEW.partition("Alertmanager inhibits:")[2].partition("\n\n`flow`")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) == len(INHIBITIONS)
