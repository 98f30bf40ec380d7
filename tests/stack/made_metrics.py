"""Exports of a quarter of an hour: every declared metric, from four processes, by chance but always the same.

A counter begins again in the middle, as if its process had been restarted with its name; one process ends early.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from dashboards.checks.known import METRICS
from telemetry import conventions as c
from tests.stack.otelcol_raw import put

EVERY: Final = 15
"""Seconds between two exports of a process."""
EXPORTS: Final = 60
_CHOICES: Final[Mapping[str, tuple[Any, ...]]] = {
    "client.platform": ("web", "linux"),
    "client.region": ("us", "cl"),
    "db.collection.name": ("goods",),
    "db.operation.name": ("query", "upsert"),
    "error.type": (None, None, "ValueError"),
    "search.cache.outcome": ("hit", "miss"),
    "search.doctor.level": ("ok", "failed"),
    "search.entry": (True, True, False),
    "search.operation": ("search", "search", "index"),
    "search.outcome": ("ok", "ok", "error"),
    "search.rank": ("top1", "topk"),
    "search.stage": ("forward", "preprocess", "encode", "qdrant_search"),
    "search.telemetry.signal": ("metrics", "spans"),
}
_SERIES: Final = 3
"""Of a metric in a process, at most."""
_PROCESSES: Final = (
    ("gateway", "1.0"), ("clip_encoder", "1.0"), ("clip_encoder", "2.0"), ("qdrant_indexer", "1.0"),
)  # fmt: skip


def exports(begin_s: int, number: int = EXPORTS) -> Iterator[ExportMetricsServiceRequest]:
    """Yield so many exports of each process, from a time in Unix seconds on."""
    chance = random.Random(13)
    state: dict[tuple[int, str, str], list[float]] = {}
    for turn in range(number):
        for process, (service, version) in enumerate(_PROCESSES):
            if process == 3 and turn > number * 3 // 4:
                continue
            at_ms = (begin_s + turn * EVERY) * 1000 + 137 * process + chance.randrange(60)
            request = ExportMetricsServiceRequest()
            resource = request.resource_metrics.add()
            for name, value in _resource(process, service, version).items():
                put(resource.resource.attributes, name, value)
            scope = resource.scope_metrics.add()
            scope.scope.name, scope.scope.version = "search_telemetry", "1"
            for metric in METRICS:
                made = scope.metrics.add(name=metric.name, unit=metric.unit, description="about")
                for attributes in _series(metric, process):
                    values = state.setdefault((process, metric.name, str(attributes)), [])
                    if process == 0 and turn == number // 2:
                        values.clear()
                    _point(made, metric, attributes, values, at_ms, chance)
            yield request


def _resource(process: int, service: str, version: str) -> Mapping[str, str]:
    return {
        "service.name": service, "service.namespace": "pamazon", "service.instance.id": f"process-{process}",
        "service.version": version, c.DISTRO_NAME.name: "search-telemetry", "host.name": "here",
    }  # fmt: skip


def _series(metric: c.Metric, process: int) -> list[Mapping[str, Any]]:
    """The attributes of a metric's series in a process: always the same."""
    chance = random.Random(f"{metric.name} {process}")
    found: dict[str, Mapping[str, Any]] = {}
    for _ in range(_SERIES):
        chosen = {each.name: chance.choice(_CHOICES.get(each.name, ("one", "two"))) for each in metric.attributes}
        kept = {name: value for name, value in chosen.items() if value is not None}
        found[str(kept)] = kept
    return list(found.values())


def _point(
    made: Any, metric: c.Metric, attributes: Mapping[str, Any], values: list[float], at_ms: int, chance: random.Random
) -> None:  # fmt: skip
    """Add the next point of a series; `values` is its state."""
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    match metric.instrument:
        case c.Instrument.HISTOGRAM:
            made.histogram.aggregation_temporality = cumulative
            point = made.histogram.data_points.add()
            values[:] = values or [0.0] * (len(metric.buckets) + 1)
            for _ in range(chance.randrange(12)):
                values[chance.randrange(len(values))] += 1
            point.explicit_bounds.extend(metric.buckets)
            point.bucket_counts.extend(int(value) for value in values)
            point.count = int(sum(values))
            edges = (*metric.buckets, 2 * metric.buckets[-1])
            point.sum = sum(value * edge for value, edge in zip(values, edges, strict=True))
        case c.Instrument.GAUGE:
            point = made.gauge.data_points.add()
            point.as_double = chance.random() * 10
        case _:
            made.sum.aggregation_temporality = cumulative
            made.sum.is_monotonic = metric.instrument is c.Instrument.COUNTER
            point = made.sum.data_points.add()
            values[:] = [(values[0] if values and made.sum.is_monotonic else 0.0) + chance.randrange(1, 9)]
            point.as_int = int(values[0])
    point.time_unix_nano = at_ms * 1_000_000
    for name, value in attributes.items():
        put(point.attributes, name, value)
