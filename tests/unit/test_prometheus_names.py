"""The names that metrics have in Prometheus: those of the Collector's exporter."""

import pytest

from telemetry import conventions as c
from telemetry.prometheus import names
from telemetry.prometheus.names import Kind

# What prometheus/otlptranslator 1.0.0 gave, as the Collector 0.158 calls it.
TRANSLATED: list[tuple[str, str, Kind, str]] = [
    ("search.request.duration", "s", "histogram", "search_request_duration_seconds"),
    ("search.documents", "{document}", "counter", "search_documents_total"),
    ("search.documents", "1", "counter", "search_documents_total"),
    ("search.documents", "1", "gauge", "search_documents_ratio"),
    ("search.documents", "1", "updowncounter", "search_documents"),
    ("search.documents", "1", "histogram", "search_documents"),
    ("a.total.b", "", "counter", "a_b_total"),
    ("a.total.b", "By", "counter", "a_b_bytes_total"),
    ("hit.ratio", "1", "gauge", "hit_ratio"),
    ("hit.ratio", "%", "gauge", "hit_ratio_percent"),
    ("x.seconds", "s", "histogram", "x_seconds"),
    ("http.bytes", "By/s", "counter", "http_bytes_per_second_total"),
    ("system.io", "By/s", "gauge", "system_io_bytes_per_second"),
    ("system.io", "{x}/s", "gauge", "system_io_per_second"),
    ("system.io", "1/s", "counter", "system_io_per_second_total"),
    ("system.io", "foo bar/baz", "gauge", "system_io_foo_bar_per_baz"),
    ("system.io", "s/", "gauge", "system_io_seconds"),
    ("system.io", "/s", "gauge", "system_io_per_second"),
    ("system.io", "m/{y}", "gauge", "system_io_meters"),
    ("system.io", "KiBy/min", "gauge", "system_io_kibibytes_per_min"),
    ("system.io", "a!", "gauge", "system_io_a_"),
    ("system.io", "_u_", "gauge", "system_io_u_"),
    ("system.io", " s ", "histogram", "system_io_seconds"),
    ("system.io", "foo/bar/baz", "counter", "system_io_foo_per_bar_baz_total"),
    ("system.io", "Cel", "gauge", "system_io_celsius"),
    ("9lives", "", "gauge", "_9lives"),
    ("a..b//c", "", "gauge", "a_b_c"),
    ("(lambda).f(#)", "", "gauge", "lambda_f"),
    ("a:b", "", "gauge", "a:b"),
    ("_lead", "", "gauge", "lead"),
    ("trail_", "", "counter", "trail_total"),
    ("per_second.x", "1/s", "gauge", "per_second_x_per_second"),
    ("ünï", "1", "counter", "n_total"),
]


@pytest.mark.parametrize(("name", "unit", "kind", "expected"), TRANSLATED)
def test_a_metric_is_called_as_the_collector_calls_it(name: str, unit: str, kind: Kind, expected: str) -> None:
    """Words joined by `_`, the unit where the name does not have it, `_total` and `_ratio`."""
    assert names.metric_name(name, unit, kind) == expected


def test_a_name_without_a_valid_character_is_empty() -> None:
    """Such a metric is left out, as in the Collector."""
    assert (names.metric_name("ü", "", "gauge"), names.metric_name("_._", "", "histogram")) == ("", "")


@pytest.mark.parametrize(
    ("spelled", "unit", "kind", "expected"),
    [
        ("x_seconds", "s", "histogram", "seconds"),
        ("x_bytes_per_second", "By/s", "gauge", "bytes_per_second"),
        ("x_ratio", "1", "gauge", "ratio"),
        ("x", "1", "histogram", ""),
        ("x", "{document}", "counter", ""),
        ("seconds_of_x", "s", "gauge", ""),
    ],
)
def test_a_unit_is_declared_where_the_name_ends_in_it(spelled: str, unit: str, kind: Kind, expected: str) -> None:
    """OpenMetrics allows no other."""
    assert names.base_unit(spelled, unit, kind) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("search.operation", "search_operation"),
        ("a..b", "a__b"),
        ("9x", "key_9x"),
        ("_p", "_p"),
        ("ünï", "_n_"),
        ("A-1", "A_1"),
        ("__name__", "_name__"),
    ],
)
def test_a_label_is_called_as_the_collector_calls_it(name: str, expected: str) -> None:
    """Every other character is one `_`; a name that Prometheus keeps for itself is never used."""
    assert names.label_name(name) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (True, "true"),
        (7, "7"),
        (1.5, "1.5"),
        (2.0, "2"),
        (-0.25, "-0.25"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (0.0, "0"),
        (float("inf"), "Infinity"),
        (("p", "q<ü"), '["p","q<ü"]'),
        ((1, 2), "[1,2]"),
        ("half \ud800", "half ?"),
    ],
)
def test_a_label_has_the_value_that_the_collector_gives_it(value: object, expected: str) -> None:
    """Numbers and lists as JSON has them; half a surrogate pair, which nothing can encode, does not end a scrape."""
    assert names.label_value(value) == expected


def test_two_attributes_of_one_label_share_it() -> None:
    """Both values stand in it, in the order of the attributes' names, as the specification wants."""
    assert names.labels({"a_b": "second", "a.b": "first", "ü": "no name"}) == {"a_b": "first;second"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0005, "0.0005"),
        (5, "5.0"),
        (262144.5, "262144.5"),
        (1048576.5, "1.0485765e+06"),
        (16777216.5, "1.67772165e+07"),
        (1e6, "1e+06"),
        (2.5e10, "2.5e+10"),
        (1e21, "1e+21"),
        (-1.0, "-1.0"),
        (1e-7, "1e-07"),
        (float("inf"), "+Inf"),
    ],
)
def test_a_bound_is_written_as_go_writes_it(value: float, expected: str) -> None:
    """`le` is a text: one that is spelled otherwise is another series."""
    assert names.bound(value) == expected


def test_no_bound_of_ours_is_a_whole_number() -> None:
    """The plain format of the Collector writes `5`, OpenMetrics `5.0`: ours are the same in both."""
    assert [bound for metric in c.METRICS for bound in metric.buckets if bound == int(bound)] == []
