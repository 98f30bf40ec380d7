"""A small Pamazon as series for `promtool test rules`: as usual, an incident, as usual again.

In: what an incident changes. Out: `input_series`, one sample a minute. State: none.

Each source is keyed by what it is, such as `("request", "search", "ios", "us")`, and has so many events a minute by
their value. An incident gives some keys other events, or other values of a gauge.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dashboards.promql import name
from telemetry import conventions as c
from telemetry.prometheus.names import bound

BEFORE, DURING, AFTER = 30, 30, 40
"""Minutes as usual, of the incident, and as before again."""
KEPT: Final = 5
"""Minutes, `metric_expiration` of the Collector."""


@dataclass(frozen=True, slots=True)
class Course:
    """How much happens, and for how long.

    Attributes:
        scale: of all requests; gauges stay as they are.
        minutes: of the incident.
    """

    scale: float = 1.0
    minutes: int = DURING


Key = tuple[str, ...]
Events = Mapping[float, float]
"""From a value to how often it is recorded in a minute."""
Changes = Mapping[Key, Events | float | None]
"""What is different during the incident: other events, another value of a gauge, None: the series are away.

The Collector serves them as they were for another `KEPT` minutes.
"""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Series of a histogram of ours."""

    metric: c.Metric
    labels: Mapping[str, str]
    usual: Events

    def series(self, changed: Events | float | None, course: Course) -> Iterator[tuple[str, str]]:
        events = [_scaled(self.usual, course.scale), _scaled(_events(changed), course.scale)]
        for bucket in (each for each in (*self.metric.buckets, float("inf")) if self.metric in ASKED.get(each, ())):
            counts = [sum(number for value, number in each.items() if value <= bucket) for each in events]
            yield self._part("bucket", counts, changed, course, le=bound(bucket))
        yield self._part("count", [sum(each.values()) for each in events], changed, course)
        sums = [sum(value * number for value, number in each.items()) for each in events]
        yield self._part("sum", sums, changed, course)

    def _part(
        self, part: str, rates: list[float], changed: Events | float | None, course: Course, **labels: str
    ) -> tuple[str, str]:
        usual, during = rates
        selector = _selector(f"{name(self.metric)}_{part}", {**self.labels, **labels})
        return selector, _rising(usual, during, course, gone=changed is None)


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter, of ours or another program's, that rises by so much in a minute."""

    metric: str
    labels: Mapping[str, str]
    usual: float
    begins: bool = True  # else its series begins with its first event

    def series(self, changed: Events | float | None, course: Course) -> Iterator[tuple[str, str]]:
        during = _number(changed) * course.scale
        text = _rising(self.usual * course.scale, during, course, gone=changed is None)
        if not self.begins:
            first, again = f"{during:g}+{during:g}x{course.minutes - 1}", f"{during * course.minutes:g}x{AFTER - 1}"
            text = f"_x{BEFORE + 1} {first} {again}" if during else f"_x{BEFORE + course.minutes + AFTER}"
        yield _selector(self.metric, self.labels), text


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that stays."""

    metric: str
    labels: Mapping[str, str]
    usual: float

    def series(self, changed: Events | float | None, course: Course) -> Iterator[tuple[str, str]]:
        minutes = course.minutes
        usual = f"{self.usual:g}"
        during = _away(usual, minutes) if changed is None else f"{_number(changed):g}x{minutes - 1}"
        yield _selector(self.metric, self.labels), f"{usual}x{BEFORE} {during} {usual}x{AFTER - 1}"


_LATENCIES: Final = (c.REQUEST_DURATION, c.CLIENT_DURATION, c.QUEUE_WAIT_DURATION)
_COUNTS: Final = (c.REQUEST_DOCUMENTS, c.RESULTS, c.BATCH_SIZE)
ASKED: Final[Mapping[float, tuple[c.Metric, ...]]] = {
    0.001: (c.QUEUE_WAIT_DURATION,), 0.25: (c.QUEUE_WAIT_DURATION,), 0.5: (*_LATENCIES, *_COUNTS), 1.25: _LATENCIES,
    5.5: _LATENCIES, 10.5: _LATENCIES, 1.5: (c.BATCH_SIZE,), 1_048_576.5: (c.REQUEST_SIZE,),
    float("inf"): (*_LATENCIES, *_COUNTS, c.REQUEST_SIZE),
}  # fmt: skip
"""The bounds that rules ask for: with all of them the tests would last three times as long."""

Source = Histogram | Counter | Gauge


def _events(changed: Events | float | None) -> Events:
    assert not isinstance(changed, (int, float)), "a histogram needs events"
    return changed or {}


def _number(changed: Events | float | None) -> float:
    assert changed is None or isinstance(changed, (int, float)), "not a histogram"
    return changed or 0.0


def _scaled(events: Events, scale: float) -> Events:
    return {value: number * scale for value, number in events.items()}


def _selector(metric: str, labels: Mapping[str, str]) -> str:
    matchers = ", ".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{metric}{{{matchers}}}"


def _away(last: str, minutes: int) -> str:
    """Return the samples of a process that has ended: its last ones for a while, then none, as a scrape shows it."""
    if minutes <= KEPT:
        return f"{last}x{minutes - 1}"
    missing = f" _x{minutes - KEPT - 1}" if minutes > KEPT + 1 else ""
    return f"{last}x{KEPT - 1} stale{missing}"


def _rising(usual: float, during: float, course: Course, *, gone: bool) -> str:
    """Return a counter's samples by its steps; a series that is gone comes back as another process: from zero."""
    minutes = course.minutes
    middle, last = BEFORE * usual, BEFORE * usual + minutes * during
    if gone:
        return f"0+{usual:.9g}x{BEFORE} {_away(f'{middle:.9g}', minutes)} 0+{usual:.9g}x{AFTER - 1}"
    return (
        f"0+{usual:.9g}x{BEFORE} {middle + during:.9g}+{during:.9g}x{minutes - 1} "
        f"{last + usual:.9g}+{usual:.9g}x{AFTER - 1}"
    )


CLIENTS: Final = (
    ("web", "de", 240.0, 0.008), ("ios", "us", 120.0, 0.03), ("android", "us", 120.0, 0.09),
    ("ios", "jp", 60.0, 0.05), ("linux", "cl", 60.0, 0.15), ("linux", "de", 120.0, 0.008),
)  # fmt: skip
"""Platform, region, searches a minute, seconds on the way."""
PROCESSES: Final = {
    "gateway-1": ("gateway", "0.1.0"), "encoder-1": ("clip_encoder", "0.1.0"), "encoder-2": ("clip_encoder", "2.0.0"),
    "indexer-1": ("qdrant_indexer", "0.1.0"), "indexer-2": ("qdrant_indexer", "0.1.0"),
    "client-1": ("pamazon", "0.1.0"),
}  # fmt: skip
"""From `instance` to service and version."""


def of(instance: str, **attributes: str) -> dict[str, str]:
    """Return the labels of a process's series."""
    return {"job": f"pamazon/{PROCESSES[instance][0]}", "instance": instance, **attributes}


def _requests() -> Iterator[tuple[Key, Source]]:
    for platform, region, rate, way in CLIENTS:
        who = {"search_operation": "search", "client_platform": platform, "client_region": region}
        inside = {0.02: 0.9 * rate, 0.09: 0.1 * rate}
        entry = of("gateway-1", **who, search_entry="true", search_outcome="ok")
        yield ("request", "search", platform, region), Histogram(c.REQUEST_DURATION, entry, inside)
        failed = {**entry, "search_outcome": "error", "error_type": "INTERNAL"}
        yield ("failed", "search", platform, region), Histogram(c.REQUEST_DURATION, failed, {})
        sent = of("client-1", **who, search_outcome="ok")
        yield ("client", platform, region), Histogram(c.CLIENT_DURATION, sent, {way + 0.02: rate})
        path = {"job": "search-telemetry-collector", "instance": "paths-1", **who}
        yield ("way", platform, region), Histogram(c.TRANSIT_DURATION, path, {way: rate})
    who = {"search_operation": "index", "client_platform": "linux", "client_region": "de"}
    entry = of("gateway-1", **who, search_entry="true", search_outcome="ok")
    yield ("request", "index"), Histogram(c.REQUEST_DURATION, entry, {0.1: 60.0})
    yield ("failed", "index"), Histogram(c.REQUEST_DURATION, {**entry, "search_outcome": "error"}, {})
    for who in ({"client_platform": "_other", "client_region": "_other"}, {}):  # a bulk job, which sends much at once
        bulk = of("gateway-1", search_operation="index", **who, search_entry="true", search_outcome="ok")
        yield ("request", "bulk", *who.values()), Histogram(c.REQUEST_DURATION, bulk, {})
        path = {"job": "search-telemetry-collector", "instance": "paths-1", "search_operation": "index", **who}
        yield ("way", "bulk", *who.values()), Histogram(c.TRANSIT_DURATION, path, {})
    path = {
        "job": "search-telemetry-collector",
        "instance": "paths-1",
        "search_operation": "index",
        "client_platform": "linux",
        "client_region": "de",
    }
    yield ("way", "index"), Histogram(c.TRANSIT_DURATION, path, {0.01: 60.0})
    inner = of("indexer-1", search_operation="search", search_entry="false", search_outcome="ok")
    yield ("inner", "search"), Histogram(c.REQUEST_DURATION, inner, {0.01: 600.0})
    for operation, rate, documents, size in (("search", 600.0, 1.0, 32.0), ("index", 60.0, 8.0, 40_000.0)):
        at = of("gateway-1", search_operation=operation)
        yield ("documents", operation), Histogram(c.REQUEST_DOCUMENTS, at, {documents: rate})
        yield ("size", operation), Histogram(c.REQUEST_SIZE, {**at, "search_entry": "true"}, {size: rate})
    found = of("indexer-1", search_operation="search")
    yield ("results",), Histogram(c.RESULTS, found, {0.0: 30.0, 10.0: 570.0})


def _stages() -> Iterator[tuple[Key, Source]]:
    for instance in ("indexer-1", "indexer-2"):
        at = of(instance, search_operation="search", search_stage="qdrant_search")
        yield ("stage", instance), Histogram(c.STAGE_DURATION, at, {0.008: 300.0})
        pool = of(instance, search_stage="qdrant")
        yield (
            ("waits", instance),
            Histogram(c.QUEUE_WAIT_DURATION, {**pool, "search_operation": "search"}, {0.0008: 300.0}),
        )
        yield ("active", instance), Gauge(name(c.STAGE_ACTIVE), pool, 1)
        yield ("limit", instance), Gauge(name(c.STAGE_LIMIT), pool, 4)
    for instance in ("encoder-1", "encoder-2"):
        yield ("stage", instance), Histogram(c.STAGE_DURATION, of(instance, search_stage="forward"), {0.003: 180.0})
        frame = of(instance, search_operation="search", search_stage="inference")
        yield ("frame", instance), Histogram(c.STAGE_DURATION, frame, {0.01: 180.0})
        for stage, sizes in (
            ("inference", {1.0: 150.0, 8.0: 30.0}),
            ("encode_text_batch", {1.0: 150.0}),
            ("encode_picture_batch", {8.0: 30.0}),
        ):  # fmt: skip
            yield ("batch", stage, instance), Histogram(c.BATCH_SIZE, of(instance, search_stage=stage), sizes)
        texts = of(instance, search_stage="encode_text_batch")
        yield (
            ("waits", instance),
            Histogram(c.QUEUE_WAIT_DURATION, {**texts, "search_operation": "search"}, {0.0008: 150.0}),
        )
        for stage in ("encode_text_batch", "encode_picture_batch"):
            yield ("most", stage, instance), Gauge(name(c.BATCH_LIMIT), of(instance, search_stage=stage), 32)
        for outcome in ("hit", "miss"):
            cache = of(instance, search_cache_name="queries", search_cache_outcome=outcome)
            yield ("cache", outcome, instance), Counter(name(c.CACHE_LOOKUPS), cache, 150.0)


def _telemetry() -> Iterator[tuple[Key, Source]]:
    for instance, (service, version) in PROCESSES.items():
        info = of(instance, service_name=service, service_namespace="pamazon", service_version=version)
        yield ("info", instance), Gauge("target_info", info, 1)
        yield from _of_spans(service)
        deployed = of(instance, search_deployment_version=version)
        yield ("deployed", instance), Gauge(name(c.DEPLOYMENT_TIME), deployed, 1.8e9)
        for signal in ("spans", "metrics"):
            at = of(instance, search_telemetry_signal=signal)
            yield ("export", signal, instance), Histogram(c.TELEMETRY_EXPORT_DURATION, at, {0.003: 12.0})
            failed = Counter(
                f"{name(c.TELEMETRY_EXPORT_DURATION)}_count", {**at, "error_type": "UNAVAILABLE"}, 0, begins=False
            )
            yield ("export failed", signal, instance), failed
            dropped = {**at, "search_telemetry_reason": "queue_full"}
            yield ("dropped", signal, instance), Counter(name(c.TELEMETRY_DROPPED), dropped, 0)


def _of_spans(service: str) -> Iterator[tuple[Key, Source]]:
    """Yield what the Collector makes of a service's spans, and serves for 15 minutes after the last one."""
    at = {"job": f"pamazon/{service}", "service_name": service}
    yield ("spans", service), Counter("traces_span_metrics_calls_total", at, 60.0)
    yield ("info of spans", service), Gauge("target_info", at, 1)


def _programs() -> Iterator[tuple[Key, Source]]:
    for job, port in (("pipeline", 8889), ("otelcol", 8888), ("jaeger", 14888), ("alertmanager", 9093)):
        more = {"collector": "collector"} if job in {"pipeline", "otelcol"} else {}
        yield ("up", job), Gauge("up", {"job": job, "instance": f"127.0.0.1:{port}", **more}, 1)
    at = {"job": "otelcol", "instance": "127.0.0.1:8888", "collector": "collector"}
    to = {**at, "exporter": "otlp_grpc/jaeger"}
    yield ("queue",), Gauge("otelcol_exporter_queue_size", to, 100)
    yield ("capacity",), Gauge("otelcol_exporter_queue_capacity", to, 1000)
    yield ("send failed",), Counter("otelcol_exporter_send_failed_spans", to, 0, begins=False)
    yield ("refused",), Counter("otelcol_receiver_refused_spans", {**at, "receiver": "otlp"}, 0)
    rules = {"job": "prometheus", "instance": "127.0.0.1:9090", "rule_group": "rules/search_slo.yml;search_slo"}
    yield ("rules",), Counter("prometheus_rule_evaluation_failures_total", rules, 0)
    sent = {"job": "alertmanager", "instance": "127.0.0.1:9093", "integration": "webhook", "reason": "serverError"}
    yield ("notifications",), Counter("alertmanager_notifications_failed_total", sent, 0)


USUAL: Final = dict((*_requests(), *_stages(), *_telemetry(), *_programs()))
"""Every source, by its key."""


def series(changes: Changes, course: Course) -> list[dict[str, str]]:
    """Return `input_series` of a test."""
    unknown = changes.keys() - USUAL.keys()
    assert not unknown, f"no source has the key {unknown}"
    found = []
    for key, source in USUAL.items():
        changed = changes.get(key, source.usual)
        found += [{"series": at, "values": values} for at, values in source.series(changed, course)]
    return found


def keys(*parts: str) -> list[Key]:
    """Return the keys that begin so."""
    return [key for key in USUAL if key[: len(parts)] == parts]
