"""Sentry's own command line reads the monitor that we publish."""

import json
from pathlib import Path

import pytest

from dashboards.publishing import to_sentry
from dashboards.publishing.sentry import Sentry
from dashboards.sentry.alerts import SLOW_SEARCH
from tests.sentry_api_stand_in import ORGANIZATION, PROJECT, TOKEN, sentry_api
from tests.sentry_cli.cli import command, output, start


@pytest.mark.timeout(300)
def test_the_command_line_of_sentry_reads_our_monitor(tmp_path: Path) -> None:
    """It finds a metric alert of spans, over 5 minutes, bad above and good below the latency objective."""
    assert SLOW_SEARCH.monitor
    limit = SLOW_SEARCH.monitor.above
    with sentry_api() as sentry:
        list(to_sentry.publish(Sentry(sentry.url, ORGANIZATION, TOKEN), PROJECT, dry_run=False))
        (number,) = [key for key, monitor in sentry.monitors.items() if monitor["name"] == SLOW_SEARCH.title]
        words = command("alert", "metrics", "view", f"{ORGANIZATION}/{number}", "--json")
        found = json.loads(output(start(sentry.url, tmp_path, words)))
    read = {key: found[key] for key in ("name", "query", "aggregate", "dataset", "timeWindow", "status")}
    assert read == {
        "name": SLOW_SEARCH.title,
        "query": SLOW_SEARCH.monitor.where,
        "aggregate": "p95(span.duration)",
        "dataset": "spans",
        "timeWindow": 5,
        "status": 0,  # active
    }
    keys = ("type", "comparison", "conditionResult")
    conditions = [tuple(each[key] for key in keys) for each in found["conditionGroup"]["conditions"]]
    assert conditions == [("gt", limit, 75), ("lte", limit, 0)]
