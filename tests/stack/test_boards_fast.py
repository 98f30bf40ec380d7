"""Boards and rules on a day of data: no query takes a second."""

import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from benchmarks.day_of_data import DAY, PART, backfill
from collector.stack import cache
from collector.stack.stack import Stack
from dashboards.alerts.rendering import groups
from dashboards.model import Draw
from tests.stack.asked_boards import QUERIES, filled
from tests.stack.backfilled import Backfilled
from tests.stack.watched import PATIENCE, Watched

pytestmark = pytest.mark.timeout(2 * PATIENCE)

EVERY = 15
"""Seconds between two samples."""
POINTS = 1_000
"""That Grafana asks for at most, for a panel of half a wide screen."""
LIMIT = 1.0
"""Seconds."""
TRIES = 3
"""The fastest of them counts: others share the machine."""
OVER_TIME = {Draw.LINES, Draw.AREAS, Draw.HEAT, Draw.STATES}


def answered(client: httpx.Client, path: str, asked: Mapping[str, str]) -> float:
    """Seconds until an answer."""
    began = time.monotonic()
    answer = client.post(f"/api/v1/{path}", data=dict(asked), timeout=60)
    took = time.monotonic() - began
    assert answer.json()["status"] == "success", answer.text
    return took


@pytest.mark.slow
def test_no_query_takes_a_second_on_a_day(watched: Watched, tmp_path: Path) -> None:
    """Each query of each panel, as Grafana asks for the last day, and of each rule; the slowest are printed.

    The series are all that Prometheus has of the watched flow, with a sample every 15 seconds.
    """
    end = int(time.time()) // PART * PART
    series = watched.watching.query('{__name__!=""}')
    folder = tmp_path / "prometheus" / "series"
    folder.mkdir(parents=True)
    began = time.monotonic()
    samples = backfill(cache.binary("promtool"), series, folder, end, every=EVERY)
    print(f"{len(series)} series, {samples:,} samples, written in {time.monotonic() - began:.0f} s")
    step = DAY / POINTS
    took: dict[str, float] = {}
    with (
        Stack([Backfilled()], data_dir=tmp_path) as stack,
        httpx.Client(base_url=stack.url("prometheus.web")) as client,
    ):
        for name, (board, panel, query) in QUERIES.items():
            asked = filled(query.expr, board, interval=f"{int(step) + 5}s", shown="1d")
            path, when = "query", {"time": str(end - EVERY)}
            if panel.draw in OVER_TIME:
                path, when = "query_range", {"start": str(end - DAY), "end": str(end), "step": f"{step:.0f}"}
            took[name] = min(answered(client, path, {"query": asked, **when}) for _ in range(TRIES))
        for rule in (rule for group in groups() for rule in group.rules):
            began = time.monotonic()
            answer = client.post("/api/v1/query", data={"query": rule.expr, "time": str(end - EVERY)}, timeout=60)
            name = f"rule {rule.name}"
            took[name] = max(took.get(name, 0.0), time.monotonic() - began)
            assert answer.json()["status"] == "success", answer.text
    slowest = sorted(took, key=lambda name: -took[name])
    print(*(f"{took[name] * 1000:6.0f} ms  {name}" for name in slowest[:10]), sep="\n")
    assert {name: round(seconds, 2) for name, seconds in took.items() if seconds > LIMIT} == {}
