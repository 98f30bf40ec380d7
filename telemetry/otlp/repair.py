"""Repairs values in spans, log records and metrics that OTLP and Prometheus cannot represent.

One such value would make the export of all other items fail, and OpenTelemetry's encoder logs a stack trace for each.
An object without such values is returned as it is, else a copy; each repair is counted.

In strings that are not valid Unicode (a lone surrogate, as in the name of a file that could not be decoded), the
invalid characters become question marks. Integers beyond 64 bits become strings, invalid times become 0, and attribute
values of other types are left out. A measured boolean becomes 0 or 1, a measured integer beyond 64 bits a float; a data
point whose value is not a number is left out.
"""

import copy
import dataclasses
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import Gauge, MetricsData, NumberDataPoint, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Status

from telemetry.privacy.copied import CopiedSpan
from telemetry.privacy.metrics import merged_points
from telemetry.repairs import repairs

T = TypeVar("T")

_INT64_LIMIT: Final = 2**63
_MAX_DEPTH: Final = 32  # levels of nested containers
_HISTOGRAM_FIELDS: Final = ("sum", "min", "max")
_LEFT_OUT: Final = object()


def repaired_span(span: ReadableSpan) -> ReadableSpan:
    """Return a span that can be encoded."""
    repair: dict[str, Callable[[Any], Any]] = {
        "name": text, "attributes": attributes, "events": _all(_event), "links": _all(_link), "status": _status,
        "start_time": _time, "end_time": _time,
    }  # fmt: skip
    original = {name: getattr(span, name) for name in repair}
    repaired = {name: repair[name](value) for name, value in original.items()}
    return span if _same(repaired.values(), original.values()) else CopiedSpan(span, **repaired)


def repaired_record(record: ReadableLogRecord) -> ReadableLogRecord:
    """Return a log record that can be encoded."""
    inner = record.log_record
    repaired: dict[str, Any] = {
        "body": _body(inner.body),
        "attributes": attributes(inner.attributes),
        "severity_text": _optional(inner.severity_text),
        "event_name": _optional(inner.event_name),
        "timestamp": _time(inner.timestamp),
        "observed_timestamp": _time(inner.observed_timestamp),
    }
    resource, scope = repaired_resource(record.resource), repaired_scope(record.instrumentation_scope)
    if all(value is getattr(inner, name) for name, value in repaired.items()):
        if resource is record.resource and scope is record.instrumentation_scope:
            return record
    else:
        inner = copy.copy(inner)
        for name, value in repaired.items():
            setattr(inner, name, value)
    return ReadableLogRecord(inner, resource, scope, record.limits)


def repaired_resource(resource: Resource) -> Resource:
    """Return a resource that can be encoded."""
    repaired = attributes(resource.attributes)
    return resource if repaired is resource.attributes else Resource(repaired, resource.schema_url)


def repaired_scope(scope: InstrumentationScope | None) -> InstrumentationScope | None:
    """Return a scope that can be encoded."""
    if scope is None:
        return None
    name, version, own = text(scope.name), _optional(scope.version), attributes(scope.attributes)
    if _same((name, version, own), (scope.name, scope.version, scope.attributes)):
        return scope
    return InstrumentationScope(name, version, scope.schema_url, own)


def text(value: Any) -> str:
    """Return valid Unicode; for a value that is not a string, its type in angle brackets."""
    if not isinstance(value, str):
        repairs.add("a name that is not a text")
        return f"<{type(value).__name__}>"
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        repairs.add("a text that is not Unicode")
        return value.encode("utf-8", "replace").decode()
    return value


def attributes(original: Mapping[str, Any] | None, depth: int = _MAX_DEPTH) -> Any:
    """Return attributes that can be encoded."""
    if not original:
        return original
    repaired, changed = {}, False
    for name, value in original.items():
        new_name, new_value = text(name), _value(value, depth)
        changed = changed or new_name is not name or new_value is not value
        if new_value is not _LEFT_OUT:
            repaired[new_name] = new_value
    return repaired if changed else original


def _same(repaired: Iterable[object], original: Iterable[object]) -> bool:
    """Return whether nothing was repaired: each item is the original object."""
    return all(new is old for new, old in zip(repaired, original, strict=True))


def _value(value: Any, depth: int = _MAX_DEPTH) -> Any:
    if value is None or isinstance(value, bool | float | bytes):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int):
        return value if -_INT64_LIMIT <= value < _INT64_LIMIT else _large(value)
    if depth > 0 and isinstance(value, Mapping):
        return attributes(value, depth - 1)
    if depth > 0 and isinstance(value, Sequence):
        items = [_value(item, depth - 1) for item in value]
        return value if _same(items, value) else [item for item in items if item is not _LEFT_OUT]
    repairs.add(f"a value of the type {type(value).__name__}")
    return _LEFT_OUT


def _large(number: int) -> str:
    repairs.add("an integer beyond 64 bits")
    try:
        return str(number)
    except ValueError:  # it has more digits than Python converts
        return hex(number)


def _body(body: Any) -> Any:
    repaired = _value(body)
    return f"<{type(body).__name__}>" if repaired is _LEFT_OUT else repaired


def _optional(value: str | None) -> str | None:
    return None if value is None else text(value)


def _time(value: int | None) -> int | None:
    if value is None or (type(value) is int and 0 <= value < 2 * _INT64_LIMIT):
        return value
    repairs.add("a time that is not a number of nanoseconds")
    return int(value) if isinstance(value, float) and 0 <= value < _INT64_LIMIT else 0


def _status(status: Status) -> Status:
    description = _optional(status.description)
    return status if description is status.description else Status(status.status_code, description)


def _all(repair: Callable[[T], T]) -> Callable[[Sequence[T]], Sequence[T]]:
    """Return a function that repairs all items of a sequence."""

    def repair_all(original: Sequence[T]) -> Sequence[T]:
        repaired = [repair(item) for item in original]
        return original if _same(repaired, original) else repaired

    return repair_all


def _event(event: Event) -> Event:
    name, own, time = text(event.name), attributes(event.attributes), _time(event.timestamp)
    return (
        event if _same((name, own, time), (event.name, event.attributes, event.timestamp)) else Event(name, own, time)
    )


def _link(link: Link) -> Link:
    own = attributes(link.attributes)
    return link if own is link.attributes else Link(link.context, own)


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
            assert scope is not None  # noqa: S101  None only if it was None before
            scopes.append(ScopeMetrics(scope, metrics, of_scope.schema_url))
        resources.append(ResourceMetrics(repaired_resource(of_resource.resource), scopes, of_resource.schema_url))
    return MetricsData(resources), lost


def _metric(metric: Any) -> tuple[Any, int]:
    original = metric.data.data_points
    points = [point for point in (_point(point) for point in original) if point is not None]
    if len(points) < len(original) or not _same(points, original):
        merged = merged_points(points, latest=isinstance(metric.data, Gauge))
        metric = dataclasses.replace(metric, data=dataclasses.replace(metric.data, data_points=merged))
    texts = {name: text(getattr(metric, name) or "") for name in ("name", "description", "unit")}
    return _replaced(metric, texts), len(original) - len(points)


def _replaced(item: Any, repaired: Mapping[str, Any]) -> Any:
    """Return a dataclass with repaired fields; the same object if none was."""
    changed = any(value is not getattr(item, name) for name, value in repaired.items())
    return dataclasses.replace(item, **repaired) if changed else item


def _point(point: Any) -> Any:
    """Return a point that can be encoded; None if its value is not a number."""
    try:
        numbers = {"value": _number(point.value)} if isinstance(point, NumberDataPoint) else _floats(point)
        repaired = {"attributes": attributes(point.attributes), "exemplars": _exemplars(point.exemplars), **numbers}
    except Exception:  # noqa: BLE001  a numeric class of the user's may raise anything
        repairs.add("a measurement that is not a number")
        return None
    return _replaced(point, repaired)


def _exemplars(original: Any) -> Any:
    repaired = [exemplar for exemplar in map(_exemplar, original) if exemplar is not None]
    return original if len(repaired) == len(original) and _same(repaired, original) else repaired


def _exemplar(exemplar: Any) -> Any:
    try:
        number, own = _number(exemplar.value), attributes(exemplar.filtered_attributes)
    except Exception:  # noqa: BLE001  as above
        return None
    return _replaced(exemplar, {"value": number, "filtered_attributes": own})


def _number(value: Any) -> int | float:
    """Return a value as a number that OTLP can represent. Raises if it is not a number."""
    kind = type(value)
    if kind is float or (kind is int and -_INT64_LIMIT <= value < _INT64_LIMIT):
        return value  # type: ignore[no-any-return]  # just tested
    if isinstance(value, str | bytes):
        raise TypeError("a text")
    try:
        integer = operator.index(value)
    except TypeError:
        return _float(value)
    fits = -_INT64_LIMIT <= integer < _INT64_LIMIT
    if kind is bool or not fits:
        repairs.add("a measurement that is a boolean" if kind is bool else "a measurement beyond 64 bits")
    return integer if fits else _float(integer)


def _floats(point: Any) -> dict[str, Any]:
    values = {name: getattr(point, name) for name in _HISTOGRAM_FIELDS}
    return {
        name: value if type(value) is float else _float(value) for name, value in values.items() if value is not None
    }


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
