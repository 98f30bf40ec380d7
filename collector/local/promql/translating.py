"""Gives points of OpenTelemetry the names and labels that they have in Prometheus.

In: a metric's name, unit and type; attributes of a point, its scope and its resource. Out: names and labels, as the
`prometheus` exporter of our Collector and Prometheus with `honor_labels` give them. State: none.

An exponential histogram has no series: there it is a native histogram, which our boards do not ask for.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from collector.local.promql.vectors import NAME, Labels
from telemetry.prometheus.names import Kind, labels, metric_name

TARGET_INFO: Final = "target_info"
"""The series of a resource: a process, with its attributes as labels."""

Part = Literal["value", "bucket", "sum", "count", "quantile"]

_JOB: Final = ("service.namespace", "service.name")
_INSTANCE: Final = "service.instance.id"
_RESERVED: Final = ("name", "version", "schema_url")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the samples of a series come from: a metric as it is stored, and which part of its points."""

    metric: str
    unit: str
    type: str
    monotonic: bool
    part: Part


def series_names(metric: str, unit: str, type_: str, monotonic: bool) -> Iterator[tuple[str, Source]]:
    """Yield the names of the series that a metric has, each with its source; none for an exponential histogram."""
    kinds: dict[str, Kind] = {
        "gauge": "gauge", "sum": "counter" if monotonic else "updowncounter", "histogram": "histogram",
        "summary": "histogram",
    }  # fmt: skip
    if type_ not in kinds:
        return
    name = metric_name(metric, unit, kinds[type_])
    if not name:
        return
    if type_ in {"gauge", "sum"}:
        yield name, Source(metric, unit, type_, monotonic, "value")
        return
    if type_ == "histogram":
        yield f"{name}_bucket", Source(metric, unit, type_, monotonic, "bucket")
    else:
        yield name, Source(metric, unit, type_, monotonic, "quantile")
    yield f"{name}_sum", Source(metric, unit, type_, monotonic, "sum")
    yield f"{name}_count", Source(metric, unit, type_, monotonic, "count")


def series_labels(name: str, point: str, scope: Sequence[str], resource: Mapping[str, Any]) -> Labels:
    """Return the labels of a point.

    Args:
        name: of the series.
        point: its attributes, in JSON.
        scope: name, version, schema URL, and attributes in JSON.
        resource: its attributes.
    """
    scope_name, version, schema, attributes = scope
    more = {f"otel_scope_{each}": value for each, value in _read(attributes).items() if each not in _RESERVED}
    named = {"otel_scope_name": scope_name, "otel_scope_version": version, "otel_scope_schema_url": schema}
    found = {**labels(_read(point)), **labels(more), **named, **process_labels(resource), NAME: name}
    return {label: value for label, value in found.items() if value}


def process_labels(resource: Mapping[str, Any]) -> Labels:
    """Return `job` and `instance`, which name a process."""
    namespace, service = (resource.get(each) for each in _JOB)
    job = f"{namespace}/{service}" if namespace and service else service
    instance = resource.get(_INSTANCE)
    return {label: str(value) for label, value in (("job", job), ("instance", instance)) if value}


def info_labels(resource: Mapping[str, Any]) -> Labels | None:
    """Return the labels of `target_info`; None for a resource without a service or without an instance."""
    named = process_labels(resource)
    if len(named) != 2:
        return None
    rest = {each: value for each, value in resource.items() if each not in {*_JOB, _INSTANCE}}
    found = {**labels(rest), **named, NAME: TARGET_INFO}
    return {label: value for label, value in found.items() if value}


def _read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text and text != "{}" else {}
    return found
