"""The doctor asks Prometheus, which fetches metrics itself: whether it has them, and what it could not fetch."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collector.doctor import options
from collector.doctor.checks import configured
from tests.doctor_stand_in import NOTHING_LISTENS, SOON, backend, examine, line, verdicts
from tests.otlp_stand_in import StandIn

BUILD = {"/api/v1/status/buildinfo": (200, {"status": "success", "data": {}})}


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
    ("targets", "series", "metric", "scraping", "message"),
    [
        ([target, never], FOUND, "ok", "ok", "all 2 are up"),
        ([target, refused], FOUND, "ok", "skipped target_down", "1 of 2 targets are down"),
        ([], (), "failed not_scraped", "failed not_scraped", "no targets"),
        ([refused], (), "failed target_down", "failed target_down", "8889/metrics (connect: connection refused)"),
        ([old], (), "failed scrape_old", "failed scrape_old", "8889/metrics (12"),
        ([of_a_machine], (), "failed not_scraped", "ok", "all 1 are up"),
    ],
    ids=["well", "another target down", "no targets", "target down", "scrape too old", "the Collector is not a target"],
)
def test_metrics_that_are_scraped_or_not(
    collector: StandIn, targets: Any, series: Any, metric: str, scraping: str, message: str
) -> None:
    """Prometheus scrapes: its targets show why it has nothing."""
    with backend(prometheus(*(make() for make in targets), series=series)) as running:
        report = examine(environ(collector), timeout=SOON, prometheus=running.url)
    found = verdicts(report)
    assert (found["prometheus: metric"], found["prometheus targets"]) == (metric, scraping)
    assert message in line(report, "prometheus targets").detail
    queries = {parameters["query"][0] for path, parameters, _ in running.asked if path == "/api/v1/query"}
    plain, dotted = f'{{search_doctor="{report.mark}"}}', f'{{"search.doctor"="{report.mark}"}}'
    assert queries == ({plain} if series else {plain, dotted})


def test_a_prometheus_that_keeps_dots_is_asked_with_them(collector: StandIn) -> None:
    """As its own OTLP receiver may be configured; older versions reject the query."""

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
    assert (found.code, "--header" in found.hint) == ("unauthorized", True)
    assert options.headers(["prometheus:authorization=Bearer abc=", "loki:X-Scope-OrgID=shop"]) == {
        "prometheus": {"authorization": "Bearer abc="},
        "loki": {"X-Scope-OrgID": "shop"},
    }


# ── Backends that it knows ───────────────────────────────────────────────────────────────────────────────────────────


def job(name: str, health: str, scraped: int = 0) -> Any:
    """A target of a job, in a list where everything was scraped at some second of a minute."""
    reported = target(health, error="connection refused" if health == "down" else "", port=14888)
    return {
        **reported,
        "lastScrape": f"2026-01-01T00:00:{scraped:02}Z",
        "scrapeInterval": "9999d",
        "labels": {"job": name},
    }


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing listen where Jaeger and Loki usually are."""
    away = {"jaeger": NOTHING_LISTENS, "loki": NOTHING_LISTENS}
    monkeypatch.setattr(options, "DEFAULTS", {**options.DEFAULTS, **away})
    monkeypatch.setattr(configured, "_NEXT_SCRAPE", 0.0)


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    ("targets", "jaeger", "loki"),
    [
        ((job("jaeger", "down"),), "failed target_down", "skipped not_configured"),
        ((job("jaeger", "down"), job("loki", "down")), "failed target_down", "failed target_down"),
        ((job("node", "down"),), "skipped not_configured", "skipped not_configured"),
        ((job("jaeger", "up"),), "skipped not_configured", "skipped not_configured"),
        ((job("loki", "up"), {**job("loki", "down"), "scrapeUrl": "x"}), "skipped not_configured",
         "skipped not_configured"),
        ((job("jaeger", "unknown"),), "skipped not_configured", "skipped not_configured"),
    ],
    ids=["Jaeger down", "both down", "an unknown job down", "elsewhere", "one of two down", "not yet scraped"],
)  # fmt: skip
def test_a_backend_that_prometheus_knows_and_cannot_reach_is_configured(
    collector: StandIn, targets: Any, jaeger: str, loki: str
) -> None:
    """It is not configured and nothing listens: its dead target shows that it is down; the targets stay a note."""
    with backend(prometheus(target(), *targets, series=FOUND)) as running:
        only_metrics = {**environ(collector), "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
        report = examine(only_metrics, prometheus=running.url, jaeger="", loki="")
    found = verdicts(report)
    assert (found["jaeger"], found["loki"]) == (jaeger, loki)
    assert report.exit_status == int("failed" in jaeger + loki)
    assert not found["prometheus targets"].startswith("failed")
    if jaeger.startswith("failed"):
        reported = line(report, "jaeger")
        assert "127.0.0.1:9, " in reported.detail
        assert "14888/metrics (connection refused)" in reported.detail
        assert "start it" in reported.hint
        assert "--jaeger" in reported.hint


@pytest.mark.usefixtures("nobody")
def test_a_backend_that_died_just_now_is_found_by_the_next_scrape(
    collector: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prometheus lists it as up until it scrapes it again: that is waited for."""
    monkeypatch.setattr(configured, "_NEXT_SCRAPE", 10.0)
    lists = iter([job("jaeger", "up", 5), job("jaeger", "up", 5), job("jaeger", "up", 5), job("jaeger", "down", 10)])

    def targets(_: object) -> tuple[int, Any]:
        return 200, {"data": {"activeTargets": [target(), next(lists)]}}

    with backend({**prometheus(series=FOUND), "/api/v1/targets": targets}) as running:
        report = examine(environ(collector), prometheus=running.url, jaeger="")
    assert verdicts(report)["jaeger"] == "failed target_down"
    assert next(lists, None) is None


@pytest.mark.usefixtures("nobody")
def test_a_backend_that_is_left_out_or_of_another_machine_is_not_a_failure(collector: StandIn) -> None:
    """`none` leaves it out; a guessed Prometheus without our metric knows others' backends."""
    elsewhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc.replace("127.0.0.1", "0.0.0.0")}
    with backend(prometheus(target(), job("jaeger", "down"), series=FOUND)) as running:
        left_out = examine(environ(collector), prometheus=running.url, jaeger="none")
    assert "jaeger" not in verdicts(left_out)
    assert left_out.ok
    with backend(prometheus(target(), job("jaeger", "down"))) as running, pytest.MonkeyPatch.context() as patch:
        patch.setattr(options, "DEFAULTS", {**options.DEFAULTS, "prometheus": running.url})
        guessed = examine(elsewhere, timeout=SOON, prometheus="", jaeger="")
    assert (verdicts(guessed)["prometheus: metric"], verdicts(guessed)["jaeger"]) == (
        "skipped elsewhere", "skipped not_configured"
    )  # fmt: skip
