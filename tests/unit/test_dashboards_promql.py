"""PromQL is written with the names of the conventions, for the chosen flow, and has no value where there is none."""

from typing import Any

import pytest

from dashboards import promql
from dashboards.promql import ALL, BEFORE, NAMESPACE, now, quantile, rate, ratio
from telemetry import conventions as c
from telemetry.errors import TelemetryError

FLOW = r'job=~"(?:$namespace/)$service"'
CHOSEN = 'target_info{service_version=~"$version"}'


def test_a_rate_is_of_the_chosen_flow() -> None:
    """By job; and by the version, which only `target_info` has."""
    written = rate(c.DOCUMENTS, (c.SEARCH_OPERATION,), {c.SEARCH_OUTCOME: '="ok"'})
    assert written == (
        "sum by (search_operation) (sum by (job, instance, search_operation) "
        f'(rate(search_documents_total{{{FLOW}, search_outcome="ok"}}[$__rate_interval]))'
        f" and on (job, instance) {CHOSEN})"
    )


def test_without_a_flow_nothing_is_joined() -> None:
    """In a rule, and for what the collector makes of all flows."""
    assert rate(c.DOCUMENTS, window="5m", flow=ALL) == "sum (rate(search_documents_total{}[5m]))"


def test_clients_have_versions_of_their_own() -> None:
    """So that a version of a service does not hide them."""
    assert "target_info" not in rate(c.CLIENT_DURATION, part="count", flow=NAMESPACE)


def test_a_version_is_taken_from_its_process() -> None:
    """One for each process, though two collectors may be scraped for it."""
    written = rate(c.DOCUMENTS, (c.SERVICE_VERSION,), flow=ALL, window="5m")
    assert written == (
        "sum by (service_version) (sum by (job, instance) (rate(search_documents_total{}[5m]))"
        " * on (job, instance) group_left (service_version) max by (job, instance, service_version) (target_info{}))"
    )


def test_a_service_is_the_end_of_its_job() -> None:
    """`job` is `namespace/service`, or the service alone."""
    written = now(c.QUEUE_LENGTH, (c.SERVICE_NAME,), flow=ALL)
    assert written == (
        'sum by (service_name) (label_replace(search_queue_length{}, "service_name", "$1", "job", "(?:.*/)?(.+)"))'
    )


def test_before_is_before_for_the_process_too() -> None:
    """A process that has ended since then is still counted then."""
    written = rate(c.DOCUMENTS, window="5m", ago=BEFORE)
    assert written.count("offset 1h") == 2


def test_a_percentile_is_of_one_histogram() -> None:
    """Buckets are summed before; where nothing was measured there is none, in place of NaN."""
    written = quantile(0.95, c.STAGE_DURATION, (c.SEARCH_STAGE,), flow=ALL, window="5m")
    assert written == (
        "(histogram_quantile(0.95, sum by (le, search_stage) (rate(search_stage_duration_seconds_bucket{}[5m]))) >= 0)"
    )


def test_a_share_of_nothing_is_zero() -> None:
    """A part without series is 0 of the whole; a whole of 0 has no share."""
    assert ratio("a", "b") == "((a or 0 * b) / (b > 0))"
    assert ratio("a", "b", (c.MODEL,)) == "((a or on (model) 0 * b) / on (model) (b > 0))"


def test_what_is_not_a_metric_is_named_with_its_place() -> None:
    """A name in place of a metric: the line of the board that has it, and where metrics are."""
    metric: Any = "search_documents_total"
    with pytest.raises(TelemetryError) as caught:
        rate(metric)
    assert caught.value.message.startswith(f"{__file__}, line ")
    assert caught.value.message.endswith("'search_documents_total' is not a metric.")
    assert "telemetry.conventions" in caught.value.hint


def test_few_series_are_joined() -> None:
    """Those of a process are summed before they get its version: it has one for each platform, region and outcome."""
    written = rate(c.REQUEST_DURATION, ("le", c.SERVICE_VERSION), part="bucket", flow=ALL, window="5m")
    assert written.startswith("sum by (le, service_version) (sum by (job, instance, le) (rate(")


def test_a_label_stays_as_it_is() -> None:
    """An attribute becomes its label."""
    assert promql.grouped(("job", c.DB_COLLECTION_NAME)) == " by (job, db_collection_name)"
