"""Repairs values in spans, log records and metrics that OTLP and Prometheus cannot represent.

One such value would make the export of all other items fail. An object without such values is returned as it is, else
a copy; each repair is counted.

In strings that are not valid Unicode (a lone surrogate, as in the name of a file that could not be decoded), the
invalid characters become question marks. Integers beyond 64 bits become strings, invalid times become 0, and attribute
values of other types are left out. A measured boolean becomes 0 or 1, a measured integer beyond 64 bits a float; a data
point whose value is not a number is left out.
"""

import dataclasses
import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from telemetry.privacy.metrics import is_gauge, merged_points
from telemetry.repairs import repairs

if TYPE_CHECKING:  # the SDK's metrics load where they are used
    from opentelemetry.sdk.metrics.export import MetricsData

_INT64_LIMIT: Final = 2**63
_MAX_DEPTH: Final = 32  # levels of nested containers
_HISTOGRAM_FIELDS: Final = ("sum", "min", "max")

LEFT_OUT: Final = object()
"""What `value` returns for a value that OTLP cannot represent at all."""


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
    for name, given in original.items():
        new_name, new_value = text(name), value(given, depth)
        changed = changed or new_name is not name or new_value is not given
        if new_value is not LEFT_OUT:
            repaired[new_name] = new_value
    return repaired if changed else original


def value(given: Any, depth: int = _MAX_DEPTH) -> Any:  # noqa: PLR0911  one return for each type
    """Return a value of an attribute, or the body of a log record, that can be encoded; else `LEFT_OUT`."""
    if given is None or isinstance(given, bool | float | bytes):
        return given
    if isinstance(given, str):
        return text(given)
    if isinstance(given, int):
        return given if -_INT64_LIMIT <= given < _INT64_LIMIT else _large(given)
    if depth > 0 and isinstance(given, Mapping):
        return attributes(given, depth - 1)
    if depth > 0 and isinstance(given, Sequence):
        items = [value(item, depth - 1) for item in given]
        if isinstance(given, list | tuple) and _same(items, given):
            return given
        return [item for item in items if item is not LEFT_OUT]
    repairs.add(f"a value of the type {type(given).__name__}")
    return LEFT_OUT


def time(given: int | None) -> int | None:
    """Return a number of nanoseconds that can be encoded."""
    if given is None or (type(given) is int and 0 <= given < 2 * _INT64_LIMIT):
        return given
    repairs.add("a time that is not a number of nanoseconds")
    return int(given) if isinstance(given, float) and 0 <= given < _INT64_LIMIT else 0


def _same(repaired: Iterable[object], original: Iterable[object]) -> bool:
    """Return whether nothing was repaired: each item is the original object."""
    return all(new is old for new, old in zip(repaired, original, strict=True))


def _large(number: int) -> str:
    repairs.add("an integer beyond 64 bits")
    try:
        return str(number)
    except ValueError:  # it has more digits than Python converts
        return hex(number)


def repaired_metrics(data: "MetricsData") -> "tuple[MetricsData, int]":
    """Return metrics that can be encoded, and how many data points were left out."""
    lost = 0
    resources = []
    for of_resource in data.resource_metrics:
        scopes = []
        for of_scope in of_resource.scope_metrics:
            found = [_metric(metric) for metric in of_scope.metrics]
            lost += sum(missing for _, missing in found)
            metrics = [metric for metric, _ in found if metric.data.data_points]
            scopes.append(dataclasses.replace(of_scope, scope=_scope(of_scope.scope), metrics=metrics))
        resource = _resource(of_resource.resource)
        resources.append(dataclasses.replace(of_resource, resource=resource, scope_metrics=scopes))
    return dataclasses.replace(data, resource_metrics=resources), lost


def _resource(resource: Resource) -> Resource:
    repaired = attributes(resource.attributes)
    return resource if repaired is resource.attributes else Resource(repaired, resource.schema_url)


def _scope(scope: InstrumentationScope) -> InstrumentationScope:
    version = None if scope.version is None else text(scope.version)
    name, own = text(scope.name), attributes(scope.attributes)
    if _same((name, version, own), (scope.name, scope.version, scope.attributes)):
        return scope
    return InstrumentationScope(name, version, scope.schema_url, own)


def _metric(metric: Any) -> tuple[Any, int]:
    original = metric.data.data_points
    points = [point for point in (_point(point) for point in original) if point is not None]
    if len(points) < len(original) or not _same(points, original):
        merged = merged_points(points, latest=is_gauge(metric.data))
        metric = dataclasses.replace(metric, data=dataclasses.replace(metric.data, data_points=merged))
    texts = {name: text(getattr(metric, name) or "") for name in ("name", "description", "unit")}
    return _replaced(metric, texts), len(original) - len(points)


def _replaced(item: Any, repaired: Mapping[str, Any]) -> Any:
    """Return a dataclass with repaired fields; the same object if none was."""
    changed = any(new is not getattr(item, name) for name, new in repaired.items())
    return dataclasses.replace(item, **repaired) if changed else item


def _point(point: Any) -> Any:
    """Return a point that can be encoded; None if its value is not a number."""
    try:
        numbers = {"value": _number(point.value)} if hasattr(point, "value") else _floats(point)
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


def _number(given: Any) -> int | float:
    """Return a value as a number that OTLP can represent. Raises if it is not a number."""
    kind = type(given)
    if kind is float or (kind is int and -_INT64_LIMIT <= given < _INT64_LIMIT):
        return given  # type: ignore[no-any-return]  # just tested
    if isinstance(given, str | bytes):
        raise TypeError("a text")
    try:
        integer = operator.index(given)
    except TypeError:
        return _float(given)
    fits = -_INT64_LIMIT <= integer < _INT64_LIMIT
    if kind is bool or not fits:
        repairs.add("a measurement that is a boolean" if kind is bool else "a measurement beyond 64 bits")
    return integer if fits else _float(integer)


def _floats(point: Any) -> dict[str, Any]:
    values = {name: getattr(point, name) for name in _HISTOGRAM_FIELDS}
    return {
        name: found if type(found) is float else _float(found) for name, found in values.items() if found is not None
    }


def _float(given: Any) -> float:
    try:
        return float(given)
    except OverflowError:
        return math.inf if given > 0 else -math.inf
