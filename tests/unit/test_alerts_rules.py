"""The alerts' source: thresholds that are bounds, windows that can be shortened, guards, and what every alert has."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from benchmarks.incident_alerts import EXPECTED
from dashboards.alerts.counting import count_up_to
from dashboards.alerts.objectives import OBJECTIVES
from dashboards.alerts.rendering import alerts, groups, texts, write
from dashboards.alerts.routes import ROUTES
from dashboards.alerts.rule import Alert, Record
from dashboards.alerts.windows import BURNS, WINDOWS, Scale
from demo_flow.incidents.table import INCIDENTS
from telemetry import conventions as c

RULES = [rule for group in groups() for rule in group.rules]


def seconds(duration: str) -> float:
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|[dhms])", duration))


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda each: f"{each.slo.value} {each.operation}")
def test_an_objective_is_counted_exactly(objective: Any) -> None:
    """It allows some bad requests, and its time is a bound of its histogram."""
    assert 0 < objective.share < 1
    assert objective.within is None or objective.within in objective.metric.buckets


def test_a_threshold_between_two_bounds_is_refused() -> None:
    """Whoever promises 0.3 s learns which times can be counted."""
    with pytest.raises(ValueError, match=r"0\.3 is not a bound of search\.request\.duration: \(0\.0005, .*0\.25, 0\.5"):
        count_up_to(c.REQUEST_DURATION, (), {}, "5m", 0.3)


def test_the_table_of_windows_is_the_books() -> None:
    """Each burn is seen in two windows of the table, the shorter one a twelfth of the longer."""
    names = [window.name for window in WINDOWS]
    assert names == ["5m", "30m", "1h", "2h", "6h", "1d", "3d"]
    for burn in BURNS:
        assert seconds(burn.long) == 12 * seconds(burn.short)
    assert [(burn.factor, burn.severity) for burn in BURNS] == [
        (14.4, "page"), (6, "page"), (3, "ticket"), (1, "ticket"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("duration", "divided"), [("3d", "3h36m"), ("1h", "3m"), ("5m", "15s"), ("30s", "1s500ms"), ("15s", "1s")]
)
def test_a_duration_is_divided_down_to_a_second(duration: str, divided: str) -> None:
    """By twenty; a group is not evaluated more often than once a second."""
    assert Scale(20)(duration) == divided


def durations(text: str) -> list[str]:
    """Return the windows, offsets, waits and intervals of a file, and the name of no window."""
    without_names = re.sub(r'window(="|: )\w+', "", text)
    found = re.findall(r"\[(\w+)(?::(\w+))?\]|offset (\w+)|(?:for|interval): (\w+)", without_names)
    return [part for parts in found for part in parts if part]


def test_shortened_rules_differ_in_durations_alone() -> None:
    """All of them are divided: windows, offsets, waits and intervals; labels and names of windows stay."""
    usual, short = texts(Scale()), texts(Scale(20))
    assert usual.keys() == short.keys()
    for name, text in usual.items():
        before, after = durations(text), durations(short[name])
        assert len(before) == len(after) > 0
        assert [max(seconds(each) / 20, 1) for each in before] == pytest.approx([seconds(each) for each in after])
        names = re.compile(r"window(?:=\"|: )(\w+)")
        assert names.findall(text) == names.findall(short[name])


def test_the_rules_are_written_to_any_folder(tmp_path: Path) -> None:
    """A Prometheus of a test reads them as files of YAML, one for each group."""
    write(tmp_path / "rules", Scale(20))
    found = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in (tmp_path / "rules").iterdir()}
    assert found.keys() == texts().keys()
    assert found["search_slo_alerts.yml"]["groups"][0]["rules"][0]["for"] == "6s"


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: f"{alert.name} {alert.severity}")
def test_an_alert_says_what_and_where(alert: Alert) -> None:
    """Its value or what is down, a board of ours, and labels of its own expression alone."""
    assert alert.severity in {"page", "ticket"}
    assert re.match(r"/d/search-(overview|stage|encoder|index|telemetry)\?", alert.dashboard)
    assert "$labels" in alert.summary
    assert alert.description.endswith(".")
    valueless = {"SearchTelemetrySilent", "SearchCollectorDown", "SearchTargetDown", "SearchRulesFail"}
    assert ("$value" in alert.summary) == (alert.name not in valueless)


def test_an_alert_that_fires_at_once_stays_for_a_while() -> None:
    """Longer than Alertmanager waits before it sends a ticket."""
    (wait,) = (route.wait for route in ROUTES if route.severity == "ticket")
    for alert in alerts():
        assert (alert.pending == "0s") == (alert.kept != "0s")
        assert alert.kept == "0s" or seconds(alert.kept) > seconds(wait)


def walk(expr: Any) -> Iterator[Any]:
    """Yield an expression and all parts of it."""
    yield expr
    for part in ("lhs", "rhs", "expr", "arg"):
        if hasattr(expr, part):
            yield from walk(getattr(expr, part))
    for argument in getattr(expr, "args", None) or ():
        yield from walk(argument)


def guarded(divisor: Any) -> bool:
    """Return whether the divisor was compared before, or is not a measurement."""
    while isinstance(divisor, promql_parser.ParenExpr):
        divisor = divisor.expr
    if isinstance(divisor, promql_parser.BinaryExpr):
        return str(divisor.op) in {">", ">="} or "objective" in divisor.prettify()
    return isinstance(divisor, promql_parser.NumberLiteral)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_denominator_is_compared(rule: Record | Alert) -> None:
    """A share of nothing is not a share: no divisor may be zero."""
    divisions = [
        each
        for each in walk(promql_parser.parse(rule.expr))
        if isinstance(each, promql_parser.BinaryExpr) and str(each.op) == "/"
    ]
    assert [each.prettify() for each in divisions if not guarded(each.rhs)] == []
    assert not guarded(promql_parser.parse("sum (search_requests)"))


def test_every_incident_of_the_demo_has_an_alert() -> None:
    """One that exists and links the board that is expected; what else may page is a page."""
    assert EXPECTED.keys() == INCIDENTS.keys()
    boards = {alert.name: alert.board for alert in alerts()}
    pages = {alert.name for alert in alerts() if alert.severity == "page"}
    for expected in EXPECTED.values():
        assert boards[expected.alert] == expected.board
        assert expected.pages <= pages
