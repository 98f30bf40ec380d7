"""Metrics in OTLP: what is parsed again is what OpenTelemetry's own encoder makes of the same metrics."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics as encode_by_the_library
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics import export as sdk
from opentelemetry.sdk.metrics._internal.point import Buckets
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from telemetry.otlp.repair import repaired_metrics
from telemetry.otlp.writing import metrics as writing
from telemetry.otlp.writing.metrics import encode_metrics_data
from telemetry.privacy import scrubber
from telemetry.privacy.metrics import scrub_metrics
from telemetry.privacy.options import Scrub
from telemetry.privacy.scrubber import NoScrubber
from tests.otlp_values import ATTRIBUTES, NANOSECONDS, TEXTS, canonical

FLOATS = st.floats()
COUNTS = st.integers(0, 2**64 - 1)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | FLOATS
IDS = st.none() | st.integers(0, 2**64 - 1)
EXEMPLARS = st.lists(st.builds(Exemplar, ATTRIBUTES, NUMBERS, NANOSECONDS, IDS, IDS), max_size=2)
SERIES = ATTRIBUTES | st.none()
TEMPORALITY = st.sampled_from(list(sdk.AggregationTemporality))


def points(kind: Any, *fields: Any) -> st.SearchStrategy[Any]:
    return st.lists(
        st.builds(kind, SERIES, NANOSECONDS, NANOSECONDS, *fields, exemplars=EXEMPLARS),
        min_size=1, max_size=3, unique_by=lambda point: repr(sorted((point.attributes or {}).items(), key=repr)),
    )  # fmt: skip


NUMBER_POINTS = points(sdk.NumberDataPoint, NUMBERS)
HISTOGRAM_POINTS = points(
    sdk.HistogramDataPoint, COUNTS, FLOATS, st.lists(COUNTS, max_size=3), st.lists(FLOATS, max_size=3), FLOATS, FLOATS
)
BUCKETS = st.builds(Buckets, st.integers(-(2**31), 2**31 - 1), st.lists(COUNTS, max_size=3))
EXPONENTIAL_POINTS = points(
    sdk.ExponentialHistogramDataPoint, COUNTS, FLOATS, st.integers(-10, 20), COUNTS, BUCKETS, BUCKETS,
    st.integers(0, 1), FLOATS, FLOATS,
)  # fmt: skip
METRICS = st.builds(
    sdk.Metric, TEXTS, TEXTS, TEXTS,
    st.one_of(
        st.builds(sdk.Gauge, NUMBER_POINTS), st.builds(sdk.Sum, NUMBER_POINTS, TEMPORALITY, st.booleans()),
        st.builds(sdk.Histogram, HISTOGRAM_POINTS, TEMPORALITY),
        st.builds(sdk.ExponentialHistogram, EXPONENTIAL_POINTS, TEMPORALITY),
    ),
)  # fmt: skip
SCOPES = [InstrumentationScope("a"), InstrumentationScope("b", "1.2", "https://schema", {"x": 1})]
RESOURCES = [Resource({"service.name": "gateway"}), Resource({"a": (1, 2)}, "https://schema")]


@st.composite
def collected(draw: Any) -> sdk.MetricsData:
    """What a reader collects: each scope once in a resource."""
    return sdk.MetricsData(
        [
            sdk.ResourceMetrics(
                resource,
                [
                    sdk.ScopeMetrics(scope, draw(st.lists(METRICS, max_size=2)), scope.schema_url or "")
                    for scope in SCOPES
                ],
                resource.schema_url,
            )
            for resource in RESOURCES[: draw(st.integers(0, 2))]
        ]
    )


def assert_same(data: sdk.MetricsData, expected: sdk.MetricsData) -> None:
    assert canonical(ExportMetricsServiceRequest, encode_metrics_data(data)) == canonical(
        ExportMetricsServiceRequest, encode_by_the_library(expected).SerializeToString()
    )


def test_any_metrics_come_out_as_the_library_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums, gauges, histograms, exponential histograms, exemplars, resources and scopes."""
    nothing = NoScrubber()
    monkeypatch.setattr(writing, "current", lambda: nothing)

    @settings(max_examples=30, deadline=None)
    @given(collected())
    def check(data: sdk.MetricsData) -> None:
        assert_same(data, data)

    check()


SECRETS = ["ada@example.com", "bob@example.com", "nobody", 5, 0.5]
NAMES = ["user", "password", "note"]
SECRET_SERIES = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, st.sampled_from(SECRETS))), min_size=1, max_size=5
)


@settings(max_examples=50, deadline=None)
@given(SECRET_SERIES, TEMPORALITY)
def test_series_that_become_equal_are_merged_as_in_a_scrape(series: list[dict[str, Any]], temporality: Any) -> None:
    """The writer and what Prometheus is given hide the same, and add up the same."""
    hiding = scrubber.use(Scrub())
    series = [dict(sorted(own.items())) for own in series]  # merged ones may differ in the order of their attributes
    numbers = [sdk.NumberDataPoint(own, n, n + 1, n, []) for n, own in enumerate(series)]
    sizes = [sdk.HistogramDataPoint(own, n, n, 3, 0.5 * n, [1, n], [0.5], 0, n, []) for n, own in enumerate(series)]
    wide = [
        sdk.ExponentialHistogramDataPoint(own, 1, 2, 3, 4, 5, 6, Buckets(1, [1, 2]), Buckets(0, []), 0, 1, 2, [])
        for own in series
    ]
    metrics = [
        sdk.Metric("sum", "", "1", sdk.Sum(numbers, temporality, True)),
        sdk.Metric("gauge", "", "1", sdk.Gauge(numbers)),
        sdk.Metric("histogram", "", "s", sdk.Histogram(sizes, temporality)),
        sdk.Metric("exponential", "", "s", sdk.ExponentialHistogram(wide, temporality)),
    ]
    given_data = sdk.MetricsData([sdk.ResourceMetrics(RESOURCES[0], [sdk.ScopeMetrics(SCOPES[0], metrics, "")], "")])
    if len({repr(sorted(own.items())) for own in series}) == len(series):  # else they are not series of the SDK's
        assert_same(given_data, scrub_metrics(given_data, hiding))


def test_an_empty_metric_and_one_without_words() -> None:
    """A metric that lost all its points, and one whose description is None."""
    empty = sdk.Metric("a", None, None, sdk.Gauge([]))
    data, lost = repaired_metrics(
        sdk.MetricsData([sdk.ResourceMetrics(RESOURCES[0], [sdk.ScopeMetrics(SCOPES[0], [empty], "")], "")])
    )
    assert lost == 0
    assert_same(data, data)
    request = ExportMetricsServiceRequest.FromString(
        encode_metrics_data(
            sdk.MetricsData([sdk.ResourceMetrics(RESOURCES[0], [sdk.ScopeMetrics(SCOPES[0], [empty], "")], "")])
        )
    )
    assert request.resource_metrics[0].scope_metrics[0].metrics[0].name == "a"
