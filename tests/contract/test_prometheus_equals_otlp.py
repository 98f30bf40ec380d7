"""What is pulled equals what is pushed: names, labels, buckets, values, exemplars."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.otlp_stand_in import StandIn, attributes
from tests.unit.own_process import python
from tests.unit.pulled import SCRAPE_AND_SEARCH, families

UNITS = {"s": "_seconds", "By": "_bytes"}


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_what_is_pulled_equals_what_is_pushed(collector: StandIn, temporality: str) -> None:
    """One run, both ways: the same names, labels, buckets, values and exemplars, though the export be one of deltas."""
    ended = python(
        SCRAPE_AND_SEARCH
        + """
from opentelemetry import metrics
handle = telemetry.configure("enc", namespace="shop", version="1.2", metrics="otlp,prometheus", prometheus_port=0)
meter = metrics.get_meter("theirs", "0.9", schema_url="https://schema")
meter.create_up_down_counter("theirs.depth", "{item}").add(-4, {"queue.name": "q", "n": 1})
meter.create_gauge("theirs.share", "1").set(0.25)
meter.create_counter("theirs.sent", "By").add(12)
for _ in range(3):
    search(["a", "b"])
show(scrape())
assert handle.flush(20)
show(scrape())
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=temporality,
        OTEL_METRIC_EXPORT_INTERVAL="3600000",
    )
    assert (ended.status, ended.err) == (0, "")
    pushed, exemplars = translated(collector.got("metrics")[0])
    for text, content_type in ended.shown:
        found = families(text, content_type)
        pulled = {
            (sample.name, frozenset(sample.labels.items())): sample
            for family in found.values()
            for sample in family.samples
            if family.name != "search_telemetry_export_duration_seconds"  # the push itself, which comes between
        }
        assert {key: sample.value for key, sample in pulled.items()} == pushed
        assert {key for key, sample in pulled.items() if sample.exemplar} == exemplars
    assert {
        "target", "search_request_duration_seconds", "search_stage_duration_seconds", "search_documents",
        "search_batch_size", "search_results", "search_result_score", "search_index_points", "search_telemetry_dropped",
        "search_telemetry_overflow", "theirs_depth", "theirs_share_ratio", "theirs_sent_bytes",
    } <= set(found)  # fmt: skip


Series = tuple[str, frozenset[tuple[str, str]]]


def translated(request: Any) -> tuple[dict[Series, float], set[Series]]:
    """Translate an export by the documented rules; return values and which series have an exemplar."""
    values: dict[Series, float] = {}
    exemplars: set[Series] = set()
    (of_resource,) = request.resource_metrics
    resource = attributes(of_resource.resource.attributes)
    job = f"{resource.pop('service.namespace')}/{resource.pop('service.name')}"
    service = {"job": job, "instance": resource.pop("service.instance.id")}
    values["target_info", labels(resource, service)] = 1
    for scope in of_resource.scope_metrics:
        common = service | {
            f"otel_scope_{name}": value
            for name, value in (
                ("name", scope.scope.name), ("version", scope.scope.version), ("schema_url", scope.schema_url),
            )
            if value
        }  # fmt: skip
        for metric in scope.metrics:
            kind = metric.WhichOneof("data")
            for point in getattr(metric, kind).data_points:
                name, own = translated_name(metric, kind), labels(attributes(point.attributes), common)
                if kind == "histogram":
                    values |= buckets(name, own, point, exemplars)
                else:
                    values[name, own] = number(point)
                    exemplars |= {(name, own)} if point.exemplars and kind == "sum" else set()
    return values, exemplars


def number(point: Any) -> float:
    return float(point.as_double if point.HasField("as_double") else point.as_int)


def translated_name(metric: Any, kind: str) -> str:
    """Words with `_`, the unit, `_total` for a counter, `_ratio` for a gauge of unit 1."""
    ending = "_total" if kind == "sum" and metric.sum.is_monotonic else ""
    ending = "_ratio" if kind == "gauge" and metric.unit == "1" else ending
    return str(metric.name).replace(".", "_") + UNITS.get(metric.unit, "") + ending


def labels(own: Mapping[str, Any], common: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    written = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in own.items()}
    return frozenset({**{name.replace(".", "_"): value for name, value in written.items()}, **common}.items())


def buckets(name: str, own: frozenset[tuple[str, str]], point: Any, exemplars: set[Series]) -> dict[Series, float]:
    values: dict[Series, float] = {(f"{name}_count", own): point.count, (f"{name}_sum", own): point.sum}
    below, count = float("-inf"), 0
    for bound, in_bucket in zip([*point.explicit_bounds, float("inf")], point.bucket_counts, strict=True):
        count += in_bucket
        series = (f"{name}_bucket", own | {("le", "+Inf" if bound == float("inf") else str(bound))})
        values[series] = count
        if any(below < number(exemplar) <= bound for exemplar in point.exemplars):
            exemplars.add(series)
        below = bound
    return values
