"""Each alert by `promtool test rules`: it fires, says what and where, stays quiet on few samples, and resolves."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.alerts.rendering import alerts, texts, write
from dashboards.alerts.windows import Scale
from dashboards.promql import name
from telemetry import conventions as c
from tests.alerts.case import Case, Firing
from tests.alerts.flow import AFTER, BEFORE, DURING, Changes, Course, series
from tests.alerts.search_cases import SEARCH_CASES
from tests.alerts.telemetry_cases import TELEMETRY_CASES

CASES = (*SEARCH_CASES, *TELEMETRY_CASES)

FOUND = BEFORE + DURING - 1
"""The minute at which an incident must have been found."""
OVER = BEFORE + DURING + AFTER - 1
BY_NAME = {(alert.name, alert.severity): alert for alert in alerts()}
USUALLY = Course()
FIRING = 'ALERTS{alertstate="firing"}'


def check(promtool: Path, rules: Path, folder: Path, *tests: Mapping[str, Any]) -> None:
    """Run tests, each of them on series of its own."""
    order = sorted(path.stem for path in rules.glob("*.yml"))  # what is recorded before the alerts that read it
    document = {
        "rule_files": [f"{rules}/*.yml"], "evaluation_interval": "1m", "group_eval_order": order, "tests": list(tests),
    }  # fmt: skip
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump(document, sort_keys=False, width=1000), encoding="utf-8")
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def timeline(
    about: str, changes: Changes, at: Mapping[int, Iterable[Firing]], course: Course = USUALLY
) -> dict[str, Any]:
    """Return a test: which alerts fire at each minute, and no others."""
    expected = [
        {"expr": FIRING, "eval_time": f"{minute}m", "exp_samples": [_sample(firing) for firing in firings]}
        for minute, firings in at.items()
    ]
    return {"name": about, "interval": "1m", "input_series": series(changes, course), "promql_expr_test": expected}


def _labels(firing: Firing) -> dict[str, str]:
    flow = {"flow": "pamazon"} if firing.labels.get("job", "").startswith("pamazon/") else {}
    return {**firing.labels, **flow, "severity": firing.severity}


def _lost(**labels: str) -> Mapping[str, str]:
    return {"job": "pamazon/gateway", "instance": "gateway-1", **labels}


def _sample(firing: Firing) -> dict[str, Any]:
    labels = {"alertname": firing.alert, "alertstate": "firing", **_labels(firing)}
    text = ", ".join(f'{key}="{value}"' for key, value in labels.items())
    return {"labels": f"ALERTS{{{text}}}", "value": 1}


def saying(minute: int, firings: Iterable[Firing]) -> list[dict[str, Any]]:
    """Return what alerts must say, word by word, of the firings that have a summary."""
    said = [firing for firing in firings if firing.summary]
    return [
        {
            "eval_time": f"{minute}m",
            "alertname": name,
            "exp_alerts": [_said(each) for each in said if each.alert == name],
        }
        for name in dict.fromkeys(firing.alert for firing in said)
    ]


def _said(firing: Firing) -> dict[str, Any]:
    alert = BY_NAME[firing.alert, firing.severity]
    annotations = {
        "summary": firing.summary,
        "description": _filled(alert.description, firing),
        "dashboard_url": firing.dashboard,
        "runbook_url": f"docs/runbooks/{firing.alert}.md",
    }
    return {"exp_labels": _labels(firing), "exp_annotations": annotations}


def _filled(template: str, firing: Firing) -> str:
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: firing.labels[found[1]], template)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_an_incident_fires_its_alerts_and_no_others(promtool: Path, rules: Path, tmp_path: Path, case: Case) -> None:
    """Quiet before it; at its end they name what is at fault; later only those of longer windows still fire."""
    lasting = [firing for firing in case.fires if "Budget" in firing.alert and firing.severity == "ticket"]
    test = timeline(case.about, case.changes, {BEFORE: (), FOUND: case.fires, OVER: lasting})
    check(promtool, rules, tmp_path, {**test, "alert_rule_test": saying(FOUND, case.fires)})


@pytest.mark.parametrize("case", [case for case in CASES if case.few], ids=lambda case: case.about)
def test_few_samples_fire_nothing(promtool: Path, rules: Path, tmp_path: Path, case: Case) -> None:
    """The same incident at a thousandth of the requests, less than one a minute."""
    check(promtool, rules, tmp_path, timeline(case.about, case.changes, {FOUND: ()}, Course(scale=0.001)))


BRIEF = [case for case in CASES if all(BY_NAME[f.alert, f.severity].pending != "0s" for f in case.fires)]


@pytest.mark.parametrize("case", [case for case in BRIEF if not case.few], ids=lambda case: case.about)
def test_a_minute_fires_nothing(promtool: Path, rules: Path, tmp_path: Path, case: Case) -> None:
    """A target that misses a scrape, a pool or a queue that is full for a moment: over before somebody could look."""
    at = dict.fromkeys((BEFORE + 1, BEFORE + 2, BEFORE + 4), ())
    check(promtool, rules, tmp_path, timeline(case.about, case.changes, at, Course(minutes=1)))


@pytest.mark.parametrize("divisor", [1, 20])
def test_prometheus_accepts_the_rules(promtool: Path, tmp_path: Path, divisor: int) -> None:
    """As they are shipped and as the incident test has them, without two that record the same."""
    write(tmp_path, Scale(divisor))
    command = [str(promtool), "check", "rules", "--lint-fatal", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") == len(texts())


@pytest.mark.parametrize("about", ["a service stands still", "a service is gone"])
def test_a_silent_service_pages_after_seven_minutes(promtool: Path, rules: Path, tmp_path: Path, about: str) -> None:
    """Five in which no export is seen, and two in which that holds, although metrics of its spans go on."""
    (case,) = (case for case in CASES if case.about == about)
    check(promtool, rules, tmp_path, timeline(about, case.changes, {BEFORE + 5: (), BEFORE + 8: case.fires}))


@pytest.mark.parametrize(
    ("alert", "series", "labels"),
    [
        (
            "SearchTelemetryDropped",
            name(c.TELEMETRY_DROPPED),
            _lost(search_telemetry_signal="spans", search_telemetry_reason="queue_full"),
        ),
        (
            "SearchExportsFail",
            f"{name(c.TELEMETRY_EXPORT_DURATION)}_count",
            _lost(search_telemetry_signal="spans", error_type="UNAVAILABLE"),
        ),
    ],
)
def test_a_gap_does_not_end_an_alert(
    promtool: Path, rules: Path, tmp_path: Path, alert: str, series: str, labels: Mapping[str, str]
) -> None:
    """Alertmanager waits a minute: an alert that is away in between would be sent when it is back, or never."""
    selector = ", ".join(f'{key}="{value}"' for key, value in labels.items())
    expected = {key: value for key, value in labels.items() if key not in {"instance", "error_type"}}
    samples = [_sample(Firing(alert, expected))]
    test = {
        "name": alert,
        "interval": "1m",
        "input_series": [{"series": f"{series}{{{selector}}}", "values": "0x5 100 stale _x8"}],
        "promql_expr_test": [
            {"expr": FIRING, "eval_time": f"{minute}m", "exp_samples": found}
            for minute, found in ((5, []), (6, samples), (8, samples), (15, samples), (17, []))
        ],
    }
    check(promtool, rules, tmp_path, test)


def test_usual_traffic_fires_nothing(promtool: Path, rules: Path, tmp_path: Path) -> None:
    """Neither at the beginning, when nothing is known of the time before, nor after an hour."""
    check(promtool, rules, tmp_path, timeline("usual", {}, dict.fromkeys((1, 2, 5, 15, 30, 60, OVER), ())))


def test_every_alert_has_a_case_and_says_what_and_where() -> None:
    """Of each alert and severity there is one that fires; of each symptom its words are compared."""
    assert {(firing.alert, firing.severity) for case in CASES for firing in case.fires} == BY_NAME.keys()
    assert {firing.alert for case in CASES for firing in case.fires if firing.summary} == {name for name, _ in BY_NAME}
