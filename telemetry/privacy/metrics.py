"""Scrubs the attributes of collected metrics, in copies.

Series that differ only in a secret become one, and their data points are merged: of two data points with equal
attributes, a backend would keep only one.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    Gauge,
    HistogramDataPoint,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from telemetry.privacy.scrubber import Scrubs


def scrub_metrics(data: MetricsData, scrubber: Scrubs) -> MetricsData:
    """Return `data` with the attributes of resources, scopes, data points and exemplars scrubbed."""
    return MetricsData([_resource_metrics(of_resource, scrubber) for of_resource in data.resource_metrics])


def _resource_metrics(data: ResourceMetrics, scrubber: Scrubs) -> ResourceMetrics:
    scopes = [
        dataclasses.replace(
            scope, scope=_scope(scope.scope, scrubber), metrics=[_metric(metric, scrubber) for metric in scope.metrics]
        )
        for scope in data.scope_metrics
    ]
    return ResourceMetrics(scrub_resource(data.resource, scrubber), scopes, data.schema_url)


def _scope(scope: InstrumentationScope, scrubber: Scrubs) -> InstrumentationScope:
    if not scope.attributes:
        return scope
    attributes = scrubber.attributes(scope.attributes)
    return InstrumentationScope(scope.name, scope.version, scope.schema_url, attributes)


def scrub_resource(resource: Resource, scrubber: Scrubs) -> Resource:
    """Return `resource`, or a scrubbed copy if an attribute holds a secret."""
    attributes = scrubber.attributes(resource.attributes)
    return resource if attributes == dict(resource.attributes) else Resource(attributes, resource.schema_url)


def _metric(metric: Any, scrubber: Scrubs) -> Any:
    points = [_point(point, scrubber) for point in metric.data.data_points]
    if all(new is old for new, old in zip(points, metric.data.data_points, strict=True)):
        return metric
    latest = isinstance(metric.data, Gauge)
    return dataclasses.replace(
        metric, data=dataclasses.replace(metric.data, data_points=merged_points(points, latest=latest))
    )


def _point(point: Any, scrubber: Scrubs) -> Any:
    attributes = scrubber.attributes(point.attributes or {})
    exemplars = [_exemplar(exemplar, scrubber) for exemplar in point.exemplars]
    if attributes == dict(point.attributes or {}) and exemplars == list(point.exemplars):
        return point
    return dataclasses.replace(point, attributes=attributes, exemplars=exemplars)


def _exemplar(exemplar: Exemplar, scrubber: Scrubs) -> Exemplar:
    if not exemplar.filtered_attributes:
        return exemplar
    return dataclasses.replace(exemplar, filtered_attributes=scrubber.attributes(exemplar.filtered_attributes))


def merged_points(points: Sequence[Any], *, latest: bool) -> list[Any]:
    """Return one point per set of attributes: the sum of its points; for a gauge, the latest."""
    merged: dict[object, Any] = {}
    for point in points:
        key = _key(point.attributes)
        if key not in merged:
            merged[key] = point
        elif latest:
            merged[key] = max(point, merged[key], key=lambda one: one.time_unix_nano)
        else:
            added = _sum(merged[key], point)
            merged[key if added is not None else (key, len(merged))] = point if added is None else added
    return list(merged.values())


def _sum(one: Any, other: Any) -> Any:
    """Return the sum of two points; None if they cannot be added."""
    common: dict[str, Any] = {
        "start_time_unix_nano": min(one.start_time_unix_nano, other.start_time_unix_nano),
        "time_unix_nano": max(one.time_unix_nano, other.time_unix_nano),
        "exemplars": [*one.exemplars, *other.exemplars],
    }
    if isinstance(one, NumberDataPoint):
        return dataclasses.replace(one, value=one.value + other.value, **common)
    if isinstance(one, HistogramDataPoint) and one.explicit_bounds == other.explicit_bounds:
        total: Any = None if one.sum is None or other.sum is None else one.sum + other.sum
        counts = [a + b for a, b in zip(one.bucket_counts, other.bucket_counts, strict=True)]
        return dataclasses.replace(
            one,
            count=one.count + other.count,
            sum=total,
            bucket_counts=counts,
            min=min(one.min, other.min),
            max=max(one.max, other.max),
            **common,
        )
    return None


def _key(attributes: Mapping[str, Any]) -> object:
    return tuple(sorted((name, type(value).__name__, repr(value)) for name, value in attributes.items()))
