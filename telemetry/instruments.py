"""Records values of the declared metrics.

In: a metric of `telemetry.conventions`, a value, attributes. Out: a measurement on the OpenTelemetry instrument of that
metric, its attribute values bounded; nothing where telemetry is off. State: one instrument for each metric, made at
its first use and owned by this module.

Buckets go along as the instrument's advice, so that a provider of the user's own gets them too.
"""

from collections.abc import Callable, Mapping

from opentelemetry.context import Context
from opentelemetry.metrics import Meter
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry import providers
from telemetry.bounds import bounds
from telemetry.guard import guard
from telemetry.spans import operation_of

Record = Callable[[float, Mapping[str, AttributeValue], Context | None], None]

_records: dict[str, Record] = {}


def observe(
    metric: c.Metric, value: float, attributes: Mapping[str, AttributeValue], context: Context | None = None
) -> None:
    """Add `value` to a counter, record it in a histogram, or set a gauge to it.

    Arguments: `attributes` by name; those that `metric` does not declare are left out, and `search.operation` is
    taken from the request's baggage where it is declared and not given. `context` holds the span that becomes the
    exemplar (default: the current one): a value is often recorded after its span has left the context.
    Never raises.
    """
    with guard:
        record = _records.get(metric.name) or _make(metric)
        if record is not None:
            record(value, _bounded(metric, attributes, context), context)


def set_gauge(metric: c.Metric, value: float, attributes: Mapping[str, AttributeValue]) -> None:
    """Set the gauge `metric` to `value`. Never raises."""
    observe(metric, value, attributes)


def forget() -> None:
    """Make all instruments anew at their next use: those of a forked child's parent must not be touched."""
    _records.clear()


def _bounded(
    metric: c.Metric, attributes: Mapping[str, AttributeValue], context: Context | None
) -> dict[str, AttributeValue]:
    kept: dict[str, AttributeValue] = {}
    for attribute in metric.attributes:
        value = attributes.get(attribute.name)
        if value is None and attribute is c.SEARCH_OPERATION:
            value = operation_of(context)
        if value is not None:
            kept[attribute.name] = bounds.bounded(attribute, value)
    return kept


def _make(metric: c.Metric) -> Record | None:
    meter = providers.meter()
    if meter is None:
        return None
    return _records.setdefault(metric.name, _instrument(meter, metric))


def _instrument(meter: Meter, metric: c.Metric) -> Record:
    match metric.instrument:
        case c.Instrument.COUNTER:
            return meter.create_counter(metric.name, metric.unit, metric.brief).add
        case c.Instrument.GAUGE:
            return meter.create_gauge(metric.name, metric.unit, metric.brief).set
        case c.Instrument.HISTOGRAM:
            return meter.create_histogram(
                metric.name, metric.unit, metric.brief, explicit_bucket_boundaries_advisory=metric.buckets
            ).record
