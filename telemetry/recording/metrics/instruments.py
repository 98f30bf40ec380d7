"""Records values of the declared metrics.

In: a metric of `telemetry.conventions`, values, attributes. Out: the values with attributes bounded, aggregated by
`own_metrics` where the provider is ours, else measured on the OpenTelemetry instrument of that metric; nothing where
telemetry is off. State: one instrument for each metric, made at its first use, a cache of records by
attribute set, and what is watched; all owned by this module.

Frequent callers get a `Record` once, from `bound`, and keep it: recording a value then does not read the attributes.
`observe` is for rare values.

Buckets are the instrument's advisory, so that a provider of the user's gets them too.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.trace import Span
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording import providers
from telemetry.recording.clock import metrics_generation
from telemetry.recording.guard import guard
from telemetry.recording.request.baggage import operation_of
from telemetry.recording.request.bounds import bounds

Record = Callable[[float, Span | None], None]
"""Records a value of one metric with one set of attributes; the span becomes the exemplar (None: no exemplar)."""
Measure = Callable[[float, Mapping[str, AttributeValue], Context | None], None]

_MOST_CACHED: Final = 10_000  # attribute sets; further ones are resolved each time


class Bound(NamedTuple):
    """What records values of one metric with one set of attributes.

    `lasting`: `record` may be kept until `metrics_generation.current` is another object than before the call of
    `bound`. It is false where a value of an attribute became `_other`, which is to be counted each time, and where
    there are too many attribute sets.
    """

    record: Record
    lasting: bool


class _Cache:
    """Instruments and records of one generation."""

    def __init__(self) -> None:
        self.generation: object = metrics_generation.current
        self.instruments: dict[str, Measure] = {}
        self.records: dict[tuple[object, ...], Record] = {}


_cache = _Cache()
_watching: dict[str, Meter] = {}  # the meter that each watched metric was last read by
_watched: WeakKeyDictionary[Meter, set[str]] = WeakKeyDictionary()


def bound(metric: c.Metric, labels: Mapping[str, AttributeValue]) -> Bound | None:
    """Return what records values of `metric`, not an up-down counter, with `labels`; None if metrics are off.

    Arguments: `labels`, the attributes by name; those that `metric` does not declare are left out. The request's
    operation is one of them only where it is given: `operation_of` reads it from a context.
    May raise; the `Record` may too, for a value that is not a number.
    """
    return _bound(metric, [labels.get(attribute.name) for attribute in metric.attributes])


def record_of(metric: c.Metric, *values: AttributeValue | None) -> Record | None:
    """Return what records values of `metric`, not an up-down counter; None if metrics are off.

    For code that runs often with few attribute sets: it costs a third of what `observe` does.
    Arguments: `values` of the metric's attributes, all of them, in the order of their declaration; None where there is
    no such attribute. To be called for each value: nothing may be kept. May raise; the `Record` may too.
    """
    cache = _cache
    if cache.generation is metrics_generation.current:
        try:
            record = cache.records.get((metric.name, *values))
        except TypeError:  # a list
            record = None
        if record is not None:
            return record
    found = _bound(metric, list(values))
    return None if found is None else found.record


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
        known = [attributes.get(attribute.name) for attribute in metric.attributes]
        if known[0] is None and metric.attributes[0] is c.SEARCH_OPERATION:
            known[0] = operation_of(context)
        found = _bound(metric, known)
        if found is not None:
            found.record(value, trace.get_current_span(context))


def set_gauge(metric: c.Metric, value: float, attributes: Mapping[str, AttributeValue]) -> None:
    """Set the gauge `metric` to `value`. Never raises."""
    observe(metric, value, attributes)


def watch(metric: c.Metric, read: Callable[[], Iterable[tuple[float, Mapping[str, AttributeValue]]]]) -> None:
    """Have `metric`, a counter or an up-down counter, read whenever metrics are collected.

    Arguments: `read` gives values with their attributes, these bounded already. To be called before each use: it takes
    effect once metrics are recorded. Never raises.
    """
    own, meter = providers.own_metrics(), providers.meter()
    if own is not None:
        own.watch(metric, read)
        return
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

        is_counter = metric.instrument is c.Instrument.COUNTER
        create = meter.create_observable_counter if is_counter else meter.create_observable_up_down_counter
        create(metric.name, [observations], metric.unit, metric.brief)


def forget() -> None:
    """Drop all instruments and attribute sets; they are made again at their next use."""
    metrics_generation.renew()


def _bound(metric: c.Metric, values: list[AttributeValue | None]) -> Bound | None:
    global _cache  # noqa: PLW0603  who is in the middle goes on with the earlier one
    cache = _cache
    if cache.generation is not metrics_generation.current:
        cache = _cache = _Cache()
    key = (metric.name, *values)
    try:
        record = cache.records.get(key)
    except TypeError:  # a list
        record = None
    return Bound(record, lasting=True) if record is not None else _find(metric, cache, key, values)


def _find(
    metric: c.Metric, cache: _Cache, key: tuple[object, ...], values: list[AttributeValue | None]
) -> Bound | None:
    """Return what records values with these attributes, and keep it, unless a value had to be bounded."""
    clean = _scrub if providers.own_metrics() is not None else _as_it_is  # the user's own provider scrubs by itself
    labels: dict[str, AttributeValue] = {
        attribute.name: bounds.bounded(attribute, clean(attribute.name, value))
        for attribute, value in zip(metric.attributes, values, strict=True)
        if value is not None
    }
    record = _record(metric, cache, labels)
    if record is None:
        return None
    as_given = list(labels.values()) == [value for value in values if value is not None]
    plain = all(  # 1 and True are the same key, and are not the same
        isinstance(value, (bool if attribute.type == "boolean" else str) | None)
        for attribute, value in zip(metric.attributes, values, strict=True)
    )
    lasting = as_given and plain and len(cache.records) < _MOST_CACHED
    if lasting:
        cache.records[key] = record
    return Bound(record, lasting)


def _scrub(name: str, value: AttributeValue) -> object:
    from telemetry.privacy.scrubber import current  # loaded already, where a provider is ours

    return current().value(name, value)


def _as_it_is(_name: str, value: AttributeValue) -> object:
    return value


def _record(metric: c.Metric, cache: _Cache, attributes: Mapping[str, AttributeValue]) -> Record | None:
    if metric.instrument is c.Instrument.UP_DOWN_COUNTER:
        raise ValueError(f"{metric.name} is read when it is collected: see watch()")
    own = providers.own_metrics()
    if own is not None:
        return own.aggregation(metric, attributes).record
    meter = providers.meter()
    if meter is None:
        return None
    measure = cache.instruments.get(metric.name) or cache.instruments.setdefault(
        metric.name, _instrument(meter, metric)
    )
    takes_any = metric.instrument is c.Instrument.GAUGE

    def record(value: float, span: Span | None) -> None:
        if takes_any or 0 <= value < math.inf:  # the SDK takes no other, and logs a warning for each
            measure(value, attributes, Context() if span is None else trace.set_span_in_context(span))

    return record


def _instrument(meter: Meter, metric: c.Metric) -> Measure:
    match metric.instrument:
        case c.Instrument.COUNTER:
            return meter.create_counter(metric.name, metric.unit, metric.brief).add
        case c.Instrument.GAUGE:
            return meter.create_gauge(metric.name, metric.unit, metric.brief).set
        case _:
            return meter.create_histogram(
                metric.name, metric.unit, metric.brief, explicit_bucket_boundaries_advisory=metric.buckets
            ).record
