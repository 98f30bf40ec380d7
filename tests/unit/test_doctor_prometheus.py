"""The doctor asks Prometheus, which fetches metrics itself: whether it has them, and what it could not fetch."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collector.doctor import options
from tests.doctor_stand_in import backend, examine, line, verdicts
from tests.otlp_stand_in import StandIn, stand_in

SOON = 0.4
"""Seconds to wait for what will never come."""
BUILD = {"/api/v1/status/buildinfo": (200, {"status": "success", "data": {}})}


@pytest.fixture
def collector() -> Iterator[StandIn]:
    with stand_in() as running:
        yield running


def environ(collector: StandIn) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc}


def target(health: str = "up", age: timedelta = timedelta(seconds=3), error: str = "", port: int = 8889) -> Any:
    """A row of `/api/v1/targets`, as Prometheus 3 writes it."""
    when = (datetime.now(UTC) - age).isoformat().replace("+00:00", "123Z")
    return {
        "scrapeUrl": f"http://127.0.0.1:{port}/metrics", "health": health, "lastError": error, "lastScrape": when,
        "scrapeInterval": "5s", "labels": {"job": "pipeline"},
    }  # fmt: skip


def prometheus(*targets: Any, series: Any = ()) -> dict[str, Any]:
    return {
        **BUILD,
        "/api/v1/query": (200, {"status": "success", "data": {"result": list(series)}}),
        "/api/v1/targets": (200, {"status": "success", "data": {"activeTargets": list(targets)}}),
    }


def refused() -> Any:
    return target("down", error="connect: connection refused")


def never() -> Any:
    return {**target("unknown"), "lastScrape": "0001-01-01T00:00:00Z"}


def old() -> Any:
    return target(age=timedelta(minutes=2))


def of_a_machine() -> Any:
    return target(port=9100)


FOUND = [{"metric": {"__name__": "search_doctor_runs_total"}}]


@pytest.mark.parametrize(
    ("targets", "series", "metric", "scraping", "says"),
    [
        ([target, never], FOUND, "ok", "ok", "all 2 are up"),
        ([target, refused], FOUND, "ok", "skipped target_down", "1 of 2 targets are down"),
        ([], (), "failed not_scraped", "failed not_scraped", "nothing to scrape"),
        ([refused], (), "failed target_down", "failed target_down", "8889/metrics (connect: connection refused)"),
        ([old], (), "failed scrape_old", "failed scrape_old", "8889/metrics (12"),
        ([of_a_machine], (), "failed not_scraped", "ok", "all 1 are up"),
    ],
    ids=["well", "another target down", "no targets", "target down", "scrape too old", "the Collector is no target"],
)
def test_metrics_that_are_scraped_or_not(
    collector: StandIn, targets: Any, series: Any, metric: str, scraping: str, says: str
) -> None:
    """Prometheus fetches: its targets say why it has nothing."""
    with backend(prometheus(*(make() for make in targets), series=series)) as running:
        report = examine(environ(collector), timeout=SOON, prometheus=running.url)
    found = verdicts(report)
    assert (found["prometheus: metric"], found["prometheus targets"]) == (metric, scraping)
    assert says in line(report, "prometheus targets").detail
    queries = {parameters["query"][0] for path, parameters, _ in running.asked if path == "/api/v1/query"}
    plain, dotted = f'{{search_doctor="{report.mark}"}}', f'{{"search.doctor"="{report.mark}"}}'
    assert queries == ({plain} if series else {plain, dotted})


def test_a_prometheus_that_keeps_dots_is_asked_with_them(collector: StandIn) -> None:
    """As its own OTLP receiver may be told to; older ones do not understand the question."""

    def dotted(parameters: dict[str, list[str]]) -> tuple[int, Any]:
        kept = parameters["query"][0].startswith('{"search.doctor"=')
        return 200, {"data": {"result": FOUND if kept else []}}

    def older(parameters: dict[str, list[str]]) -> tuple[int, Any]:
        return (
            (400, {"error": "parse error"}) if '"search.' in parameters["query"][0] else (200, {"data": {"result": []}})
        )

    codes = {}
    for name, answer in (("dotted", dotted), ("older", older)):
        with backend({**prometheus(target()), "/api/v1/query": answer}) as running:
            report = examine(environ(collector), timeout=SOON, prometheus=running.url)
        codes[name] = verdicts(report)["prometheus: metric"]
    assert codes == {"dotted": "ok", "older": "failed not_scraped"}


def test_a_prometheus_that_wants_a_token_gets_it_by_an_option(collector: StandIn) -> None:
    """401 without it; the header goes to the backend that it is named for."""
    with backend({"/api/v1/status/buildinfo": (401, {})}) as running:
        found = line(examine(environ(collector), prometheus=running.url), "prometheus")
    assert (found.code, "--header" in found.mend) == ("unauthorized", True)
    assert options.headers(["prometheus:authorization=Bearer abc=", "loki:X-Scope-OrgID=shop"]) == {
        "prometheus": {"authorization": "Bearer abc="},
        "loki": {"X-Scope-OrgID": "shop"},
    }
