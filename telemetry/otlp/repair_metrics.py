"""Repairs what OTLP and Prometheus cannot spell in metrics.

In: the SDK's data and our own sums, as collected. Out: the same where everything in it can be spelled, else copies; how
many data points could not be saved. State: none; each repair is counted.

A value that is a boolean becomes 0 or 1, an integer beyond 64 bits a fraction; a data point whose value is not a number
is left out. One such value would cost every metric of the process, for as long as it holds.
"""

import dataclasses
import math
import operator
from typing import Any, Final

from opentelemetry.sdk.metrics.export import Gauge, MetricsData, NumberDataPoint, ResourceMetrics, ScopeMetrics

from telemetry.otlp.repair import attributes, repaired_resource, repaired_scope, text
from telemetry.privacy.metrics import merged_points
from telemetry.repairs import repairs

_MOST: Final = 2**63
_FRACTIONS: Final = ("sum", "min", "max")


def repaired_metrics(data: MetricsData) -> tuple[MetricsData, int]:
    """Return metrics that can be encoded, and how many data points were left out."""
    lost = 0
    resources = []
    for of_resource in data.resource_metrics:
        scopes = []
        for of_scope in of_resource.scope_metrics:
            found = [_metric(metric) for metric in of_scope.metrics]
            lost += sum(missing for _, missing in found)
            metrics = [metric for metric, _ in found if metric.data.data_points]
            scope = repaired_scope(of_scope.scope)
            assert scope is not None  # noqa: S101  it was none before
            scopes.append(ScopeMetrics(scope, metrics, of_scope.schema_url))
        resources.append(ResourceMetrics(repaired_resource(of_resource.resource), scopes, of_resource.schema_url))
    return MetricsData(resources), lost


def _metric(metric: Any) -> tuple[Any, int]:
    given = metric.data.data_points
    points = [point for point in (_point(point) for point in given) if point is not None]
    if len(points) < len(given) or any(made is not point for made, point in zip(points, given, strict=True)):
        merged = merged_points(points, latest=isinstance(metric.data, Gauge))
        metric = dataclasses.replace(metric, data=dataclasses.replace(metric.data, data_points=merged))
    texts = {name: text(getattr(metric, name) or "") for name in ("name", "description", "unit")}
    if any(made is not getattr(metric, name) for name, made in texts.items()):
        metric = dataclasses.replace(metric, **texts)
    return metric, len(given) - len(points)


def _point(point: Any) -> Any:
    """Return a point that can be encoded; None where its value is not a number."""
    try:
        numbers = {"value": _number(point.value)} if isinstance(point, NumberDataPoint) else _fractions(point)
        other = {"attributes": attributes(point.attributes), "exemplars": _exemplars(point.exemplars), **numbers}
    except Exception:  # noqa: BLE001  a number of a class of the user's
        repairs.add("a measurement that is not a number")
        return None
    if all(made is getattr(point, name) for name, made in other.items()):
        return point
    return dataclasses.replace(point, **other)


def _exemplars(given: Any) -> Any:
    made = [exemplar for exemplar in map(_exemplar, given) if exemplar is not None]
    same = len(made) == len(given) and all(one is other for one, other in zip(made, given, strict=True))
    return given if same else made


def _exemplar(exemplar: Any) -> Any:
    try:
        other = {
            "value": _number(exemplar.value),
            "filtered_attributes": attributes(exemplar.filtered_attributes),
        }
    except Exception:  # noqa: BLE001  as above
        return None
    if all(made is getattr(exemplar, name) for name, made in other.items()):
        return exemplar
    return dataclasses.replace(exemplar, **other)


def _number(given: Any) -> int | float:
    """Return a value as one that OTLP can spell. Raises where it is not a number."""
    kind = type(given)
    if kind is float or (kind is int and -_MOST <= given < _MOST):
        return given  # type: ignore[no-any-return]  # just tested
    if isinstance(given, str | bytes):
        raise TypeError("a text")
    try:
        whole = operator.index(given)
    except TypeError:
        return _fraction(given)
    if kind is bool or not -_MOST <= whole < _MOST:
        repairs.add("a measurement that is a boolean" if kind is bool else "a measurement beyond 64 bits")
    return whole if -_MOST <= whole < _MOST else _fraction(whole)


def _fractions(point: Any) -> dict[str, Any]:
    given = {name: getattr(point, name) for name in _FRACTIONS}
    return {
        name: value if type(value) is float else _fraction(value) for name, value in given.items() if value is not None
    }


def _fraction(given: Any) -> float:
    try:
        return float(given)
    except OverflowError:
        return math.inf if given > 0 else -math.inf
