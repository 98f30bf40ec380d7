"""Records values of the declared metrics.

In: a metric of `telemetry.conventions`, values, attributes. Out: the values with attributes bounded, added up by
`aggregation` where the provider is ours, else measured on the OpenTelemetry instrument of that metric;
nothing where telemetry is off. State: one instrument for each metric, made at its first use, what records into the
series met so far, and what is watched; all owned by this module.

Buckets go along as the instrument's advice, so that a provider of the user's own gets them too.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from weakref import WeakKeyDictionary

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording import providers
from telemetry.recording.bounds import bounds
from telemetry.recording.fork import Rank, in_child
from telemetry.recording.guard import guard
from telemetry.recording.spans import operation_of

Record = Callable[[float, Context | None], None]
"""Records a value in one series; the context holds the span that becomes the exemplar (None: the current one)."""
Measure = Callable[[float, Mapping[str, AttributeValue], Context | None], None]

_MOST_SERIES: Final = 10_000  # kept at hand; the others are looked for each time
_instruments: dict[str, Measure] = {}
_series: dict[tuple[object, ...], Record] = {}
_watching: dict[str, Meter] = {}  # the meter that each watched metric was last read by
_watched: WeakKeyDictionary[Meter, set[str]] = WeakKeyDictionary()


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
        record = _record(metric, attributes, context)
        if record is not None:
            record(value, context)


def observe_all(
    metric: c.Metric, values: Iterable[float], attributes: Mapping[str, AttributeValue], context: Context | None = None
) -> None:
    """Record several values as `observe` does one."""
    with guard:
        record = _record(metric, attributes, context)
        if record is not None:
            for value in values:
                record(value, context)


def set_gauge(metric: c.Metric, value: float, attributes: Mapping[str, AttributeValue]) -> None:
    """Set the gauge `metric` to `value`. Never raises."""
    observe(metric, value, attributes)


def watch(metric: c.Metric, read: Callable[[], Iterable[tuple[float, Mapping[str, AttributeValue]]]]) -> None:
    """Have the up-down counter `metric` read whenever metrics are collected.

    Arguments: `read` gives values with their attributes, these bounded already. To be called before each use: it takes
    effect once there is a meter. Never raises.
    """
    meter = providers.meter()
    if meter is None or _watching.get(metric.name) is meter:
        return
    with guard:
        _watching[metric.name] = meter
        if metric.name in _watched.setdefault(meter, set()):
            return  # a meter keeps what it was given, also while another one is in use
        _watched[meter].add(metric.name)

        def observations(_: CallbackOptions) -> Iterable[Observation]:
            if providers.meter() is meter:  # else another one has taken over
                for value, attributes in read():
                    yield Observation(value, attributes)

        meter.create_observable_up_down_counter(metric.name, [observations], metric.unit, metric.brief)


def forget() -> None:
    """Make all instruments anew at their next use, and look for all series anew."""
    _instruments.clear()
    _series.clear()


in_child(Rank.SERIES, _series.clear)


def _record(metric: c.Metric, attributes: Mapping[str, AttributeValue], context: Context | None) -> Record | None:
    values = [attributes.get(attribute.name) for attribute in metric.attributes]
    if values[0] is None and metric.attributes[0] is c.SEARCH_OPERATION:
        values[0] = operation_of(context)
    key = (metric.name, *values)
    try:
        known = _series.get(key)
    except TypeError:  # a list
        known = None
    return known or _find(metric, key, values)


def _find(metric: c.Metric, key: tuple[object, ...], values: list[AttributeValue | None]) -> Record | None:
    """Return what records into the series of these values, and keep it at hand, unless a value had to be bounded."""
    clean = _scrub if providers.sums() is not None else _as_it_is  # a provider of the user's own scrubs by itself
    kept: dict[str, AttributeValue] = {
        attribute.name: bounds.bounded(attribute, clean(attribute.name, value))
        for attribute, value in zip(metric.attributes, values, strict=True)
        if value is not None
    }
    found = _series_of(metric, kept)
    as_given = list(kept.values()) == [value for value in values if value is not None]
    plain = all(  # 1 and True are the same key, and are not the same
        isinstance(value, (bool if attribute.type == "boolean" else str) | None)
        for attribute, value in zip(metric.attributes, values, strict=True)
    )
    if found is not None and as_given and plain and len(_series) < _MOST_SERIES:
        _series[key] = found
    return found


def _scrub(name: str, value: AttributeValue) -> object:
    from telemetry.privacy.scrubber import current  # loaded already, where a provider is ours

    return current().value(name, value)


def _as_it_is(_name: str, value: AttributeValue) -> object:
    return value


def _series_of(metric: c.Metric, attributes: Mapping[str, AttributeValue]) -> Record | None:
    sums = providers.sums()
    if sums is not None and metric.instrument is not c.Instrument.GAUGE:
        return sums.series(metric, attributes).record
    measure = _instruments.get(metric.name) or _make(metric)
    if measure is None:
        return None
    if metric.instrument is c.Instrument.GAUGE:
        return lambda value, context: measure(value, attributes, context)

    def record(value: float, context: Context | None) -> None:
        if 0 <= value < math.inf:  # the SDK takes no other, and logs a warning for each
            measure(value, attributes, context)

    return record


def _make(metric: c.Metric) -> Measure | None:
    meter = providers.meter()
    if meter is None:
        return None
    return _instruments.setdefault(metric.name, _instrument(meter, metric))


def _instrument(meter: Meter, metric: c.Metric) -> Measure:
    match metric.instrument:
        case c.Instrument.UP_DOWN_COUNTER:
            raise ValueError(f"{metric.name} is read when it is collected: see watch()")
        case c.Instrument.COUNTER:
            return meter.create_counter(metric.name, metric.unit, metric.brief).add
        case c.Instrument.GAUGE:
            return meter.create_gauge(metric.name, metric.unit, metric.brief).set
        case c.Instrument.HISTOGRAM:
            return meter.create_histogram(
                metric.name, metric.unit, metric.brief, explicit_bucket_boundaries_advisory=metric.buckets
            ).record
