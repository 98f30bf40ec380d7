"""Converts collected metrics to metric families of prometheus_client, with exemplars.

Data points are distinguished by their fields: ours have those of the SDK's. The labels are those of the Collector's
exporter: the attributes, `job` and `instance` for the service, and `otel_scope_name` etc. for the scope. Labels without
a value are left out, which means the same to Prometheus.
"""

import logging
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from prometheus_client import core

from telemetry import conventions as c
from telemetry.prometheus import names
from telemetry.recording.guard import guard
from telemetry.recording.metrics.points import Exemplar, HistogramDataPoint, Metric, ScopeMetrics

_log = logging.getLogger("search_telemetry")
_conflicts: set[str] = set()


def families(collected: Any) -> list[core.Metric]:
    """Return the families, `target_info` first. A metric that cannot be converted is left out."""
    found: dict[str, core.Metric] = {}
    service = service_labels(collected.resource)
    for scope in collected.scope_metrics:
        common = service | _scope_labels(scope)
        for metric in scope.metrics:
            with guard:
                _add(found, metric, common)
    return [target_info(collected.resource), *found.values()]


def service_labels(resource: Resource) -> dict[str, str]:
    """Return the labels `job` and `instance`, which every series has."""
    name, namespace, instance = (
        names.label_value(resource.attributes.get(attribute.name, ""))
        for attribute in (c.SERVICE_NAME, c.SERVICE_NAMESPACE, c.SERVICE_INSTANCE_ID)
    )
    return _filled({"job": f"{namespace}/{name}" if namespace else name, "instance": instance})


def target_info(resource: Resource) -> core.Metric:
    """Return `target_info`, whose labels are the other attributes of the resource."""
    in_service = {c.SERVICE_NAME.name, c.SERVICE_NAMESPACE.name, c.SERVICE_INSTANCE_ID.name}
    others = {name: value for name, value in resource.attributes.items() if name not in in_service}
    family = core.Metric("target", "Target metadata", "info")
    family.add_sample("target_info", _filled(names.labels(others)) | service_labels(resource), 1)
    return family


def _scope_labels(scope: ScopeMetrics) -> dict[str, str]:
    own = {f"otel.scope.{name}": value for name, value in (scope.scope.attributes or {}).items()}
    named = {
        "otel_scope_name": scope.scope.name,
        "otel_scope_version": scope.scope.version or "",
        "otel_scope_schema_url": scope.schema_url or "",
    }
    return _filled(names.labels(own)) | _filled(named)


def _filled(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if value}


def _add(found: dict[str, core.Metric], metric: Metric, common: dict[str, str]) -> None:
    """Add a metric to its family. If two metrics of one name differ in kind, the first stays, as in the Collector."""
    kind = _kind(metric.data)
    name = "" if kind is None else names.metric_name(metric.name, metric.unit or "", kind)
    if kind is None or not name:
        return
    new = family_of(name, metric.description or "", metric.unit or "", kind)
    family = found.setdefault(name, new)
    if family.type != new.type:
        _warn_of_conflict(name, family.type, new.type)
        return
    points: Sequence[Any] = metric.data.data_points
    for point in points:
        labels = _labels(point.attributes or {}, common)
        if kind == "histogram":
            family.samples.extend(_buckets(name, labels, point))
        else:
            exemplar = _exemplar(point.exemplars[-1]) if kind == "counter" and point.exemplars else None
            family.samples.append(core.Sample(name, labels, point.value, None, exemplar))


def _labels(attributes: Mapping[str, object], common: dict[str, str]) -> dict[str, str]:
    """Return the labels of a series; attributes with the name of a reserved label get the prefix `exported_`."""
    own = _filled(names.labels(attributes))
    return {f"exported_{name}" if name in common or name == "le" else name: own[name] for name in own} | common


def _kind(data: Any) -> names.Kind | None:
    """Return the kind of a metric; None for an exponential histogram, which Prometheus's formats do not have."""
    if hasattr(data, "is_monotonic"):
        return "counter" if data.is_monotonic else "updowncounter"
    if not hasattr(data, "aggregation_temporality"):
        return "gauge"
    return "histogram" if all(hasattr(point, "explicit_bounds") for point in data.data_points) else None


def family_of(name: str, brief: str, unit: str, kind: names.Kind) -> core.Metric:
    """Return the family of the metric `name`, without samples."""
    base = name.removesuffix("_total") if kind == "counter" else name
    type_ = "gauge" if kind == "updowncounter" else kind
    return core.Metric(base, names.label_value(brief), type_, names.base_unit(base, unit, kind))


def _buckets(name: str, labels: dict[str, str], point: HistogramDataPoint) -> Iterator[core.Sample]:
    """Yield the samples of a histogram; in Prometheus each bucket counts all values up to its bound."""
    exemplars = _by_bucket(point.explicit_bounds, point.exemplars)
    bounds = [*(names.bound(value) for value in point.explicit_bounds), "+Inf"]
    count = 0
    for index, (le, in_bucket) in enumerate(zip(bounds, point.bucket_counts, strict=True)):
        count += in_bucket
        yield core.Sample(f"{name}_bucket", labels | {"le": le}, count, None, exemplars.get(index))
    yield core.Sample(f"{name}_count", labels, point.count)
    if point.sum is not None:  # None if a value was negative
        yield core.Sample(f"{name}_sum", labels, point.sum)


def _by_bucket(bounds: Sequence[float], exemplars: Sequence[Exemplar]) -> dict[int, core.Exemplar]:
    """Return the last exemplar of each bucket."""
    return {bisect_left(bounds, exemplar.value): _exemplar(exemplar) for exemplar in exemplars}


def _exemplar(exemplar: Exemplar) -> core.Exemplar:
    """Return an exemplar with trace id and span id only: 63 of the 128 characters that OpenMetrics allows."""
    labels = {}
    if exemplar.trace_id:
        labels["trace_id"] = f"{exemplar.trace_id:032x}"
    if exemplar.span_id:
        labels["span_id"] = f"{exemplar.span_id:016x}"
    seconds, nanoseconds = divmod(exemplar.time_unix_nano, 1_000_000_000)
    return core.Exemplar(labels, exemplar.value, core.Timestamp(seconds, nanoseconds))


def _warn_of_conflict(name: str, served: str, ignored: str) -> None:
    if name not in _conflicts and len(_conflicts) < 100:
        _conflicts.add(name)
        _log.warning("the metric %s is a %s and a %s at once; only the first is served: rename the other",
                     name, served, ignored)  # fmt: skip
