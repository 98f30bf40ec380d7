"""Decodes metric points of all five types, with their exemplars, from OTLP to rows.

`point_id` counts from 0 in each export: the store makes it unique.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isnan
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from collector.local.decode.decoded import DEFAULT, TIME_TOO_LATE, Bounds, Decoded, UnfitError
from collector.local.decode.reasons import Rejected
from collector.local.store.rows import Row
from collector.local.store.schema import EXEMPLARS, METRIC_POINTS

TEMPORALITIES = ("unspecified", "delta", "cumulative")
COLUMNS = tuple(column.name for column in METRIC_POINTS.columns[:-1])


@dataclass
class _Rows:
    points: list[Row] = field(default_factory=list)
    exemplars: list[Row] = field(default_factory=list)


def decode_metrics(request: ExportMetricsServiceRequest, bounds: Bounds = DEFAULT) -> Decoded:
    """All points of one export. One that cannot be stored is rejected, the others are kept."""
    decoded = Decoded("metrics", bounds=bounds)
    rows = _Rows()
    for service, resource_id, scope_id, scope in decoded.scopes_of(
        request.resource_metrics, "scope_metrics", lambda scope: sum(len(points_of(metric)) for metric in scope.metrics)
    ):
        shared = {"service": service, "resource_id": resource_id, "scope_id": scope_id}
        for metric in scope.metrics:
            try:
                _metric(decoded, rows, metric, shared)
            except UnfitError as error:  # of what all its points share
                decoded.reject(error.reason, f"metric {metric.name[:100]!r}: {error}", len(points_of(metric)))
    decoded.records = len(rows.points)
    if rows.points:
        decoded.rows[METRIC_POINTS.name] = rows.points
    if rows.exemplars:
        decoded.rows[EXEMPLARS.name] = rows.exemplars
    return decoded


def points_of(metric: Metric) -> Sequence[Any]:
    """The points of a metric of any type."""
    return getattr(metric, metric.WhichOneof("data") or "gauge").data_points  # type: ignore[no-any-return]


def _metric(decoded: Decoded, rows: _Rows, metric: Metric, shared: dict[str, Any]) -> None:
    kind = metric.WhichOneof("data")
    if kind is None:  # a metric without a type has no points
        return
    data = getattr(metric, kind)
    temporality = getattr(data, "aggregation_temporality", None)
    shared = shared | {
        "name": metric.name,
        "type": kind,
        "unit": metric.unit,
        "description": metric.description,
        "metadata": decoded.attributes(metric.metadata),
        "temporality": ""
        if temporality is None
        else TEMPORALITIES[temporality]
        if 0 <= temporality < 3
        else TEMPORALITIES[0],
        "monotonic": kind == "sum" and data.is_monotonic,
    }
    for point in data.data_points:
        exemplars = getattr(point, "exemplars", ())
        try:
            decoded.few(exemplars, "exemplars")
            _check_times(point.time_unix_nano, point.start_time_unix_nano, *(e.time_unix_nano for e in exemplars))
            values = shared | _common(decoded, point) | _VALUES[kind](decoded, point) | {"point_id": len(rows.points)}
            its_exemplars = [_exemplar(decoded, exemplar, len(rows.points)) for exemplar in exemplars]
        except UnfitError as error:
            decoded.reject(error.reason, f"metric {metric.name[:100]!r}: {error}")
            continue
        rows.points.append(tuple(values.get(column) for column in COLUMNS))
        rows.exemplars.extend(its_exemplars)


def _check_times(*times: int) -> None:
    if any(time >> 63 for time in times):
        raise UnfitError(Rejected.TIME, f"a {TIME_TOO_LATE}")


def _common(decoded: Decoded, point: Any) -> dict[str, Any]:
    return {
        "attributes": decoded.attributes(point.attributes),
        "start_unix_ns": point.start_time_unix_nano,
        "time_unix_ns": point.time_unix_nano,
        "flags": point.flags,
    }


def _number(_: Decoded, point: Any) -> dict[str, Any]:
    """The value of a gauge, a sum or an exemplar: integer, double or none."""
    kind = point.WhichOneof("value")
    return {
        "int_value": str(point.as_int) if kind == "as_int" else None,
        "double_value": repr(point.as_double) if kind == "as_double" else None,
    }


def _distribution(point: Any) -> dict[str, Any]:
    """The values that both types of histogram have."""
    return {
        "count": str(point.count),
        "sum": repr(point.sum) if point.HasField("sum") else None,
        "min": repr(point.min) if point.HasField("min") else None,
        "max": repr(point.max) if point.HasField("max") else None,
    }


def _histogram(decoded: Decoded, point: Any) -> dict[str, Any]:
    bounds, counts = point.explicit_bounds, point.bucket_counts
    decoded.few(counts, "buckets")
    if len(counts) != len(bounds) + 1 and (bounds or counts):
        raise _misshapen(f"{len(counts)} buckets do not fit {len(bounds)} bounds; there is one bucket more than bounds")
    if any(map(isnan, bounds)) or not all(lower < upper for lower, upper in pairwise(bounds)):
        raise _misshapen("the bounds of a histogram do not increase")
    return _distribution(point) | {"bounds": _list(bounds), "bucket_counts": _list(counts)}


def _misshapen(message: str) -> UnfitError:
    return UnfitError(Rejected.BUCKETS, message)


def _exponential(decoded: Decoded, point: Any) -> dict[str, Any]:
    decoded.few(point.positive.bucket_counts, "buckets")
    decoded.few(point.negative.bucket_counts, "buckets")
    return _distribution(point) | {
        "scale": str(point.scale),
        "zero_count": str(point.zero_count),
        "zero_threshold": repr(point.zero_threshold),
        "positive_offset": str(point.positive.offset),
        "positive_counts": _list(point.positive.bucket_counts),
        "negative_offset": str(point.negative.offset),
        "negative_counts": _list(point.negative.bucket_counts),
    }


def _summary(decoded: Decoded, point: Any) -> dict[str, Any]:
    decoded.few(point.quantile_values, "quantiles")
    return {
        "count": str(point.count),
        "sum": repr(point.sum),
        "quantiles": _list(item.quantile for item in point.quantile_values),
        "quantile_values": _list(item.value for item in point.quantile_values),
    }


def _list(numbers: Iterable[float]) -> str:
    """A list as text that DuckDB casts; `repr` of a double is exact, also for NaN and infinity."""
    return f"[{','.join(map(repr, numbers))}]"


def _exemplar(decoded: Decoded, exemplar: Any, point_id: int) -> Row:
    number = _number(decoded, exemplar)
    return (
        point_id,
        exemplar.time_unix_nano,
        number["int_value"],
        number["double_value"],
        decoded.id_or_none(exemplar.trace_id, 16),
        decoded.id_or_none(exemplar.span_id, 8),
        decoded.attributes(exemplar.filtered_attributes),
    )


_VALUES = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
    "summary": _summary,
}
