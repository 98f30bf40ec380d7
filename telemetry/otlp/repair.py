"""Repairs what OTLP and Prometheus cannot represent, before an encoder meets it.

In: ended spans, log records, resources and scopes; the SDK's metrics and our own sums, as collected. Out: the very
same, where everything in them can be represented; else copies, and how many data points were left out. State: none;
each repair is counted.

Texts that are not Unicode (a lone surrogate, as in the name of a file that could not be decoded) get a question mark,
integers beyond 64 bits become texts, times that are not one become 0, and attribute values of other types are left out.
A measured boolean becomes 0 or 1, a measured integer beyond 64 bits a fraction; a data point whose value is not a
number is left out. One such value would cost every other item of its export, and OpenTelemetry's encoder logs a stack
for each.
"""

import copy
import dataclasses
import math
import operator
from collections.abc import Callable, Mapping, Sequence
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

_MOST: Final = 2**63
_DEEPEST: Final = 32  # containers inside containers
_LEFT_OUT: Final = object()


def repaired_span(span: ReadableSpan) -> ReadableSpan:
    """Return a span that can be encoded."""
    repair: dict[str, Callable[[Any], Any]] = {
        "name": text, "attributes": attributes, "events": _all(_event), "links": _all(_link), "status": _status,
        "start_time": _time, "end_time": _time,
    }  # fmt: skip
    given = {name: getattr(span, name) for name in repair}
    made = {name: repair[name](value) for name, value in given.items()}
    return span if all(made[name] is value for name, value in given.items()) else CopiedSpan(span, **made)


def repaired_record(record: ReadableLogRecord) -> ReadableLogRecord:
    """Return a log record that can be encoded."""
    inner = record.log_record
    other: dict[str, Any] = {
        "body": _body(inner.body),
        "attributes": attributes(inner.attributes),
        "severity_text": _optional(inner.severity_text),
        "event_name": _optional(inner.event_name),
        "timestamp": _time(inner.timestamp),
        "observed_timestamp": _time(inner.observed_timestamp),
    }
    resource, scope = repaired_resource(record.resource), repaired_scope(record.instrumentation_scope)
    if all(value is getattr(inner, name) for name, value in other.items()):
        if resource is record.resource and scope is record.instrumentation_scope:
            return record
    else:
        inner = copy.copy(inner)
        for name, value in other.items():
            setattr(inner, name, value)
    return ReadableLogRecord(inner, resource, scope, record.limits)


def repaired_resource(resource: Resource) -> Resource:
    """Return a resource that can be encoded."""
    made = attributes(resource.attributes)
    return resource if made is resource.attributes else Resource(made, resource.schema_url)


def repaired_scope(scope: InstrumentationScope | None) -> InstrumentationScope | None:
    """Return a scope that can be encoded."""
    if scope is None:
        return None
    name, version, made = text(scope.name), _optional(scope.version), attributes(scope.attributes)
    if name is scope.name and version is scope.version and made is scope.attributes:
        return scope
    return InstrumentationScope(name, version, scope.schema_url, made)


def text(given: Any) -> str:
    """Return a text that is Unicode; in place of what is not a text, its type."""
    if not isinstance(given, str):
        repairs.add("a name that is not a text")
        return f"<{type(given).__name__}>"
    if given.isascii():
        return given
    try:
        given.encode()
    except UnicodeEncodeError:
        repairs.add("a text that is not Unicode")
        return given.encode("utf-8", "replace").decode()
    return given


def attributes(given: Mapping[str, Any] | None, depth: int = _DEEPEST) -> Any:
    """Return attributes that can be encoded: the same object, where nothing in it is repaired."""
    if not given:
        return given
    made, changed = {}, False
    for name, value in given.items():
        new_name, new_value = text(name), _value(value, depth)
        changed = changed or new_name is not name or new_value is not value
        if new_value is not _LEFT_OUT:
            made[new_name] = new_value
    return made if changed else given


def _value(value: Any, depth: int = _DEEPEST) -> Any:
    if value is None or isinstance(value, bool | float | bytes):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int):
        return value if -_MOST <= value < _MOST else _large(value)
    if depth > 0 and isinstance(value, Mapping):
        return attributes(value, depth - 1)
    if depth > 0 and isinstance(value, Sequence):
        items = [_value(item, depth - 1) for item in value]
        same = all(made is item for made, item in zip(items, value, strict=True))
        return value if same else [item for item in items if item is not _LEFT_OUT]
    repairs.add(f"a value of the type {type(value).__name__}")
    return _LEFT_OUT


def _large(number: int) -> str:
    repairs.add("an integer beyond 64 bits")
    try:
        return str(number)
    except ValueError:  # of more digits than Python writes
        return hex(number)


def _body(body: Any) -> Any:
    made = _value(body)
    return f"<{type(body).__name__}>" if made is _LEFT_OUT else made


def _optional(given: str | None) -> str | None:
    return None if given is None else text(given)


def _time(given: int | None) -> int | None:
    if given is None or (type(given) is int and 0 <= given < 2 * _MOST):
        return given
    repairs.add("a time that is not a number of nanoseconds")
    return int(given) if isinstance(given, float) and 0 <= given < _MOST else 0


def _status(status: Status) -> Status:
    words = _optional(status.description)
    return status if words is status.description else Status(status.status_code, words)


def _all(repair: Callable[[T], T]) -> Callable[[Sequence[T]], Sequence[T]]:
    """Return how to repair a sequence: the same object, where nothing in it is repaired."""

    def repaired(given: Sequence[T]) -> Sequence[T]:
        made = [repair(item) for item in given]
        return given if all(one is item for one, item in zip(made, given, strict=True)) else made

    return repaired


def _event(event: Event) -> Event:
    name, made, at = text(event.name), attributes(event.attributes), _time(event.timestamp)
    if name is event.name and made is event.attributes and at is event.timestamp:
        return event
    return Event(name, made, at)


def _link(link: Link) -> Link:
    made = attributes(link.attributes)
    return link if made is link.attributes else Link(link.context, made)


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
