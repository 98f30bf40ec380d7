"""The boards as the desk reads them: the same as the others', with queries that need no rules."""

import json

import promql_parser as promql
import pytest

from dashboards.alerts.inlining import inlined
from dashboards.alerts.rendering import groups
from dashboards.alerts.rule import Record
from dashboards.boards import BOARDS
from dashboards.model import Tone
from dashboards.rendering.desk import program_of, text

FILE = json.loads(text(BOARDS))
RECORDED = {rule.name for group in groups() for rule in group.rules if isinstance(rule, Record)}


def test_titles_order_units_and_thresholds_are_the_source_s() -> None:
    for shown, board in zip(FILE["boards"], BOARDS, strict=True):
        assert [row["title"] for row in shown["rows"]] == [row.title for row in board.rows]
        panels = [panel for row in shown["rows"] for panel in row["panels"]]
        for panel, source in zip(panels, board.panels, strict=True):
            assert (panel["title"], panel["unit"], panel["draw"]) == (
                source.title,
                source.unit.value,
                source.draw.value,
            )
            assert [step["at"] for step in panel.get("steps", [])] == [step.at for step in source.steps]
            assert len(panel["queries"]) == len(source.queries)
            assert panel.get("least") == source.least


def test_no_percentile_has_the_colour_of_what_is_good() -> None:
    """Beside it may stand, in red, how much longer that is than what others see, or than before."""
    percentiles = [
        (board.uid, panel.title, [step.tone for step in query.steps or panel.steps])
        for board in BOARDS for panel in board.panels for query in panel.queries if "histogram_quantile" in query.expr
    ]  # fmt: skip
    assert len(percentiles) > 20
    assert [found for found in percentiles if Tone.GOOD in found[2]] == []


def test_no_query_asks_for_what_a_rule_records() -> None:
    """And each parses, once its places are filled."""
    queries = [
        query["expr"] for board in FILE["boards"] for row in board["rows"] for panel in row["panels"]
        for query in panel["queries"]
    ]  # fmt: skip
    assert len(queries) > 100
    for expr in queries:
        assert not any(name in expr for name in RECORDED)
        promql.parse(expr.replace("$__rate_interval", "1m").replace("$__range", "1h"))


def test_conditions_on_a_recorded_series_choose_its_rules_and_stand_at_their_series() -> None:
    expr = inlined('search_slo:burn:ratio{slo="availability", window="5m", job=~"$namespace/x"} offset 1h')
    assert 'search_entry="true"' in expr
    assert "search_client_duration" not in expr
    assert "[30m]" not in expr
    assert expr.count("[5m] offset 1h") == expr.count("search_request_duration_seconds_count")
    assert expr.count('job=~"$namespace/x"') == expr.count("search_request_duration_seconds_count")
    assert "vector(0.999)" in expr
    assert inlined("sum(up)") == "sum(up)"


@pytest.mark.parametrize(
    ("expressions", "program"),
    [
        (["count(up == 0) or vector(0)"], "Prometheus"),
        (["rate(otelcol_exporter_sent_spans[$__rate_interval])"], "the Collector"),
        (["sum(qdrant_memory_resident_bytes)", "up"], "Prometheus and Qdrant"),
        (["up * on (job) search_queue_length"], ""),
        (["upper_total"], ""),
    ],
)
def test_what_no_service_of_a_flow_measures_names_who_does(expressions: list[str], program: str) -> None:
    assert program_of(expressions) == program


def test_links_lead_to_the_desk_s_own_views() -> None:
    """With labels as places; the summary is of the operation that is meant."""
    overview = FILE["boards"][0]
    (affected,) = [panel for row in overview["rows"] for panel in row["panels"] if panel["title"] == "Who is affected?"]
    found = {link["title"]: (link["path"], link.get("query")) for link in affected["links"]}
    who = {"platform": "${client_platform}", "region": "${client_region}"}
    assert found["Their traces"] == ("/traces", who)
    assert found["Their failed traces"] == ("/traces", {**who, "filter": "status=error"})
    assert found["Summary"] == ("/summary", {"operation": "/$operation", **who})
    assert found["This board, for these clients only"] == ("/dashboard/search-overview", who)
