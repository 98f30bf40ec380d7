"""Every series that a board or a rule may ask for, but those that rules record, with its labels.

In: `telemetry.conventions`, the own metrics of the Collector and of Prometheus, and those of Qdrant. Out: the labels of
a series by its name. State: none. A series that is not here, or has not the label, is a mistake.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from dashboards.promql import OF_JOB, label, name
from telemetry import conventions as c

METRICS: Final = tuple(value for value in vars(c).values() if isinstance(value, c.Metric))
"""Of the library, the collector's critical path and the doctor."""
SERIES_OF_A_PROCESS: Final = frozenset({"job", "instance", "collector", "otel_scope_name", "otel_scope_version"})
"""Labels of every series that came through a Collector; `collector` is that Collector's name."""
_SCRAPED: Final = frozenset({"job", "instance", "collector"})

_OTELCOL: Final[Mapping[str, frozenset[str]]] = {
    "otelcol_exporter_queue_size": frozenset({"exporter", "data_type"}),
    "otelcol_exporter_queue_capacity": frozenset({"exporter", "data_type"}),
    "otelcol_process_memory_rss": frozenset(),
    "otelcol_process_uptime": frozenset(),
    **{
        f"otelcol_{metric}_{signal}": frozenset(labels)
        for metric, labels in {
            "receiver_accepted": {"receiver", "transport"},
            "receiver_refused": {"receiver", "transport"},
            "receiver_failed": {"receiver", "transport"},
            "exporter_sent": {"exporter"},
            "exporter_send_failed": {"exporter"},
            "exporter_enqueue_failed": {"exporter"},
        }.items()
        for signal in ("spans", "metric_points", "log_records")
    },
}
"""Of the Collector 0.158 at `:8888/metrics`: its documentation of each component's own telemetry."""

_OF_SPANS: Final = frozenset({"service_name", "span_name", "span_kind", "status_code", label(c.SEARCH_OPERATION)})
_SPAN_METRICS: Final[Mapping[str, frozenset[str]]] = {
    "traces_span_metrics_calls_total": _OF_SPANS,
    "traces_span_metrics_duration_seconds_bucket": _OF_SPANS | {"le"},
    "traces_span_metrics_duration_seconds_count": _OF_SPANS,
    "traces_span_metrics_duration_seconds_sum": _OF_SPANS,
}
"""Of `collector/otelcol/span-metrics.yaml`."""

_ALERT: Final = frozenset({"alertname", "alertstate", "severity", "slo", label(c.SERVICE_NAME)})
_PROMETHEUS: Final[Mapping[str, frozenset[str]]] = {
    "up": frozenset(),
    "scrape_duration_seconds": frozenset(),
    "scrape_samples_scraped": frozenset(),
    "scrape_samples_post_metric_relabeling": frozenset(),
    "ALERTS": _ALERT | {label(attribute) for metric in c.METRICS for attribute in metric.attributes},
    "alertmanager_notifications_failed_total": frozenset({"integration", "reason"}),
    "prometheus_notifications_dropped_total": frozenset({"alertmanager"}),
    "prometheus_rule_evaluation_failures_total": frozenset({"rule_group"}),
}
"""Of Prometheus 3, about itself and about what it scrapes, and of Alertmanager."""

_RESPONSES: Final = frozenset({"method", "endpoint", "status", "collection"})
_QDRANT: Final[Mapping[str, frozenset[str]]] = {
    **{
        f"qdrant_collection_{metric}": frozenset({"id"})
        for metric in (
            "points", "indexed_only_excluded_points", "update_queue_length", "update_queue_deferred_points",
            "running_optimizations", "hardware_metric_cpu", "dead_replicas",
        )
    },
    **{
        f"qdrant_{kind}_responses_{part}": _RESPONSES | ({"le"} if part.endswith("bucket") else frozenset())
        for kind in ("rest", "grpc")
        for part in ("total", "duration_seconds_bucket", "duration_seconds_count", "duration_seconds_sum")
    },
    "qdrant_memory_resident_bytes": frozenset(),
}  # fmt: skip
"""Of Qdrant 1.17 and newer with `service.metrics_prefix: qdrant_`; of its source, `src/common/metrics`."""


def _of_metric(metric: c.Metric) -> Iterator[tuple[str, frozenset[str]]]:
    """Return the series of a metric of ours."""
    labels = SERIES_OF_A_PROCESS | {label(attribute) for attribute in metric.attributes}
    if metric.instrument is c.Instrument.HISTOGRAM:
        yield f"{name(metric)}_bucket", labels | {"le"}
        yield f"{name(metric)}_count", labels
        yield f"{name(metric)}_sum", labels
    else:
        yield name(metric), labels


def scraped() -> Mapping[str, frozenset[str]]:
    """Return the labels of each series that Prometheus scrapes or makes by itself, by its name."""
    resource = frozenset(map(label, c.RESOURCE)) - set(OF_JOB) - {label(c.SERVICE_INSTANCE_ID)}
    foreign = {**_OTELCOL, **_SPAN_METRICS, **_PROMETHEUS, **_QDRANT}
    return {
        **{series: labels for metric in METRICS for series, labels in _of_metric(metric)},
        "target_info": SERIES_OF_A_PROCESS | resource,
        **{series: labels | _SCRAPED for series, labels in foreign.items()},
    }
