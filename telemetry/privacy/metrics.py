"""Scrubs the attributes of collected metrics, in copies.

Series that differ only in a secret become one, and their data points are merged: of two data points with equal
attributes, a backend would keep only one.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from telemetry.privacy.scrubber import Scrubs

if TYPE_CHECKING:  # the SDK's metrics load where they are used
    from opentelemetry.sdk.metrics import Exemplar
    from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics

K = TypeVar("K")


def scrub_metrics(data: "MetricsData", scrubber: Scrubs) -> "MetricsData":
    """Return `data` with the attributes of resources, scopes, data points and exemplars scrubbed."""
    scrubbed = [_resource_metrics(of_resource, scrubber) for of_resource in data.resource_metrics]
    return dataclasses.replace(data, resource_metrics=scrubbed)


def _resource_metrics(data: "ResourceMetrics", scrubber: Scrubs) -> "ResourceMetrics":
    scopes = [
        dataclasses.replace(
            scope, scope=_scope(scope.scope, scrubber), metrics=[_metric(metric, scrubber) for metric in scope.metrics]
        )
        for scope in data.scope_metrics
    ]
    return dataclasses.replace(data, resource=scrub_resource(data.resource, scrubber), scope_metrics=scopes)


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
    points = merged_points(points, latest=is_gauge(metric.data))
    return dataclasses.replace(metric, data=dataclasses.replace(metric.data, data_points=points))


def _point(point: Any, scrubber: Scrubs) -> Any:
    attributes = scrubber.attributes(point.attributes or {})
    exemplars = [_exemplar(exemplar, scrubber) for exemplar in point.exemplars]
    if attributes == dict(point.attributes or {}) and exemplars == list(point.exemplars):
        return point
    return dataclasses.replace(point, attributes=attributes, exemplars=exemplars)


def _exemplar(exemplar: "Exemplar", scrubber: Scrubs) -> "Exemplar":
    if not exemplar.filtered_attributes:
        return exemplar
    return dataclasses.replace(exemplar, filtered_attributes=scrubber.attributes(exemplar.filtered_attributes))


def is_gauge(data: Any) -> bool:
    """Return whether the data of a metric are those of a gauge: they have no temporality."""
    return not hasattr(data, "aggregation_temporality")


def merged_points(points: Sequence[Any], *, latest: bool) -> list[Any]:
    """Return one point per set of attributes, as `merged` does."""
    return [point for _, point in merged([(_key(point.attributes), point) for point in points], latest=latest)]


def merged(points: Sequence[tuple[K, Any]], *, latest: bool) -> list[tuple[K, Any]]:
    """Return one point per key, with its key: the sum of its points; for a gauge (`latest`), the latest."""
    found: dict[object, tuple[K, Any]] = {}
    for key, point in points:
        if key not in found:
            found[key] = key, point
        elif latest:
            found[key] = key, max(point, found[key][1], key=lambda one: one.time_unix_nano)
        else:
            added = _sum(found[key][1], point)
            found[key if added is not None else (key, len(found))] = key, point if added is None else added
    return list(found.values())


def _sum(one: Any, other: Any) -> Any:
    """Return the sum of two points; None if they cannot be added."""
    common: dict[str, Any] = {
        "start_time_unix_nano": min(one.start_time_unix_nano, other.start_time_unix_nano),
        "time_unix_nano": max(one.time_unix_nano, other.time_unix_nano),
        "exemplars": [*one.exemplars, *other.exemplars],
    }
    if hasattr(one, "value"):
        return dataclasses.replace(one, value=one.value + other.value, **common)
    if hasattr(one, "explicit_bounds") and one.explicit_bounds == other.explicit_bounds:
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
