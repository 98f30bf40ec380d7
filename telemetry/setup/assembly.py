"""Builds what settings describe: providers, pipelines, handlers.

In: `Settings`. Out: a running `Telemetry`, the SDK's providers set as OpenTelemetry's own. State: none kept here.

This module imports the SDK and the exporters; only `configure` imports it.
"""

import dataclasses
import logging
import operator
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    ExemplarFilter,
    MeterProvider,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider, sampling

from telemetry import conventions as c
from telemetry.config.propagators import use
from telemetry.config.settings import ExporterSettings, Settings
from telemetry.errors import TelemetryError
from telemetry.logs import ExportHandler, JsonFormatter, attach_beside_root
from telemetry.otlp import signals
from telemetry.otlp.outcome import Sender
from telemetry.otlp.signals import SignalKind
from telemetry.otlp.span_encoder import Cuts, encode_spans
from telemetry.pipeline.delivery import Delivery
from telemetry.pipeline.metrics import MetricPipeline
from telemetry.pipeline.processors import LogPipeline, SpanPipeline
from telemetry.pipeline.queue import BatchQueue, T
from telemetry.pipeline.self_metrics import observe_self
from telemetry.pipeline.stats import Counts, SignalStats
from telemetry.privacy import content, scrubber
from telemetry.recording import outcome, providers
from telemetry.recording.aggregation import Sums
from telemetry.recording.bounds import bounds
from telemetry.recording.sampling import following
from telemetry.setup.forking import watch_forks
from telemetry.setup.handle import Telemetry
from telemetry.setup.resource import make_resource, named

if TYPE_CHECKING:  # it loads prometheus_client
    from telemetry.prometheus.pull import Pull

_log = logging.getLogger("search_telemetry")
_MOST_LINKS = 1024  # of a span, where OTEL_SPAN_LINK_COUNT_LIMIT does not say otherwise: a batch links all its calls
_LONGEST_VALUE = 16_384  # characters of an attribute, where OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT does not say otherwise


@dataclass(slots=True)
class _Parts:
    """What is built for one signal: the provider, the user's or ours; what is behind it, where the provider is ours.

    `asked` says whether the settings want this signal at all.
    """

    provider: Any = None
    pipeline: Any = None
    adopted: bool = False
    asked: bool = True
    sums: Sums | None = None
    pull: "Pull | None" = None


def assemble(settings: Settings) -> Telemetry:
    """Build everything and set it going."""
    scrubber.use(settings.scrub, contents=settings.capture_content)
    content.use(content.Limits(settings.content_docs, settings.content_length) if settings.capture_content else None)
    outcome.expect(settings.expected_errors)
    use(settings.propagators)
    for attribute, names in zip(c.BAGGAGE, (settings.operations, settings.platforms, settings.regions), strict=True):
        for name in names:
            bounds.declare(attribute, name)
    resource = make_resource(settings)
    parts = {
        "metrics": _metrics(settings, resource),
        "spans": _spans(settings, resource),
        "logs": _logs_parts(settings, resource),
    }
    pipelines = {name: part.pipeline for name, part in parts.items() if part.pipeline is not None}
    if settings.sentry_dsn:
        pipelines["errors"] = _sentry(settings)
    adopted = frozenset(name for name, part in parts.items() if part.adopted)
    listen = partial(_attach_handlers, parts["logs"].provider)
    rename = partial(_rename, [part.provider for part in parts.values() if not part.adopted], parts["spans"].pipeline)
    telemetry = Telemetry(settings, pipelines, adopted, listen, pull=parts["metrics"].pull, rename=rename)
    _warn_of_dead_ends(parts)
    _record_with(parts["spans"].provider, parts["metrics"], telemetry)
    watch_forks(telemetry, parts["metrics"].provider)
    for pipeline in telemetry.pipelines.values():
        pipeline.start()
    if telemetry.pull is not None:
        telemetry.pull.start()
    return telemetry


def _sentry(settings: Settings) -> Any:
    try:
        from telemetry.sentry.errors import SentryErrors
    except ImportError as error:
        raise TelemetryError(
            f"sentry_dsn is set, and {error.name} is not installed", "pip install 'search-telemetry[sentry]'"
        ) from None
    return SentryErrors(settings)


def _record_with(tracer_provider: Any, metering: _Parts, telemetry: Telemetry) -> None:
    tracer = None if tracer_provider is None else tracer_provider.get_tracer(c.SCOPE)
    meter = None if metering.provider is None else metering.provider.get_meter(c.SCOPE)
    if tracer is None and meter is None and "errors" in telemetry.pipelines:
        tracer = trace.NoOpTracer()  # runs are followed for their errors alone
    providers.set_current(tracer, meter, metering.sums)
    if meter is not None:

        def books() -> dict[str, SignalStats]:
            return {name: pipeline.stats() for name, pipeline in telemetry.pipelines.items() if name != "errors"}

        observe_self(meter, books)


def _spans(settings: Settings, resource: Resource) -> _Parts:
    set_already = trace.get_tracer_provider()
    if not providers.is_default_provider(set_already):
        return _Parts(set_already, adopted=True, asked=bool(settings.traces_exporter))
    if not settings.traces_exporter:
        return _Parts()
    limits = {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"}
    cut = SpanLimits() if limits & os.environ.keys() else SpanLimits(max_attribute_length=_LONGEST_VALUE)
    cuts = Cuts(cut.max_span_attribute_length, cut.max_attribute_length)
    provider = TracerProvider(
        sampler=following(_sampler(settings)),
        resource=resource,
        shutdown_on_exit=False,
        span_limits=SpanLimits(
            max_attribute_length=_with_margin(cuts.others),
            max_span_attribute_length=_with_margin(cuts.span),
            max_links=None if "OTEL_SPAN_LINK_COUNT_LIMIT" in os.environ else _MOST_LINKS,
        ),
    )
    kind = dataclasses.replace(signals.SPANS, encode=partial(encode_spans, cuts=cuts))
    make_delivery = _delivery(kind, settings.traces, settings.traces_exporter)
    pipeline = SpanPipeline(
        _queue(make_delivery, settings.span_queue_size, settings.span_batch_size, settings.span_interval),
        resource=lambda: provider.resource,
    )
    provider.add_span_processor(pipeline)
    trace.set_tracer_provider(provider)
    return _Parts(provider, pipeline)


def _metrics(settings: Settings, resource: Resource) -> _Parts:
    set_already = metrics.get_meter_provider()
    if not providers.is_default_provider(set_already):
        if "prometheus" in settings.metrics:
            _log.warning(
                "no metrics can be pulled: OpenTelemetry has a MeterProvider already, to which nothing is added; "
                "give it a reader of its own, or call telemetry.configure before it is set"
            )
        return _Parts(set_already, adopted=True, asked=bool(settings.metrics) and "prometheus" not in settings.metrics)
    if not settings.metrics:
        return _Parts()
    pipeline = _metric_pipeline(settings) if {"otlp", "console"} & set(settings.metrics) else None
    sums = Sums(settings.exemplar_filter, delta=False) if pipeline is None else pipeline.sums
    pull = _pull(settings, resource, sums) if "prometheus" in settings.metrics else None
    readers: list[MetricReader] = [one for one in (pipeline, None if pull is None else pull.reader) if one is not None]
    filters: dict[str, Callable[[], ExemplarFilter]] = {
        "trace_based": TraceBasedExemplarFilter,
        "always_on": AlwaysOnExemplarFilter,
        "always_off": AlwaysOffExemplarFilter,
    }
    provider = MeterProvider(readers, resource, filters[settings.exemplar_filter](), shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    return _Parts(provider, pipeline, sums=sums, pull=pull)


def _metric_pipeline(settings: Settings) -> MetricPipeline:
    return MetricPipeline(
        _delivery(signals.METRICS, settings.metrics_export, settings.metrics),
        settings.metric_interval,
        temporality=settings.temporality,
        exemplar_filter=settings.exemplar_filter,
    )


def _pull(settings: Settings, resource: Resource, sums: Sums) -> "Pull":
    from telemetry.prometheus.pull import Pull

    return Pull(settings, resource, sums)


def _logs_parts(settings: Settings, resource: Resource) -> _Parts:
    set_already = _logs.get_logger_provider()
    if not providers.is_default_provider(set_already):
        return _Parts(set_already, adopted=True, asked="otlp" in settings.logs)
    if "otlp" not in settings.logs:
        return _Parts()
    provider, cut = _logger_provider(resource)
    kind = dataclasses.replace(signals.LOGS, encode=partial(signals.encode_log_records, longest=cut))
    make_delivery = _delivery(kind, settings.logs_export, ("otlp",))
    pipeline = LogPipeline(
        _queue(make_delivery, settings.log_queue_size, settings.log_batch_size, settings.log_interval)
    )
    provider.add_log_record_processor(pipeline)
    _logs.set_logger_provider(provider)
    return _Parts(provider, pipeline)


def _logger_provider(resource: Resource) -> tuple[LoggerProvider, int | None]:
    """Return a provider, and what we cut the texts of its records at."""
    limits = LogRecordLimits()
    if "log_record_limits" not in signature(LoggerProvider).parameters:  # before 1.45: it cuts, and then we scrub
        return LoggerProvider(resource, shutdown_on_exit=False), limits.max_attribute_length
    cut = limits.max_log_record_attribute_length
    margin = LogRecordLimits(max_log_record_attribute_length=_with_margin(cut))
    return LoggerProvider(resource, shutdown_on_exit=False, log_record_limits=margin), cut


def _with_margin(longest: int | None) -> int | None:
    """Return what the SDK may cut texts at, so that we can scrub them and then cut them at `longest`."""
    return None if longest is None else longest + scrubber.MARGIN


def _rename(own: Sequence[Any], spans: SpanPipeline | None, settings: Settings) -> None:
    """Give the providers that are ours the names in `settings`, as the SDK gives them an instance id after a fork."""
    for provider in own:
        update = getattr(provider, "_update_resource", None)  # there is no public way
        if update is not None:
            update(Resource(named(settings)))
    if spans is not None:
        spans.rename()


def _attach_handlers(logger_provider: Any, settings: Settings) -> Callable[[], None]:
    """Add the handlers that the settings ask for to the root logger; return what takes them away again."""
    root = logging.getLogger()
    exported = "otlp" in settings.logs and logger_provider is not None and not _exported_already(root)
    exports = [ExportHandler(logger_provider)] if exported else []
    detach_exports = attach_beside_root(exports)
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(JsonFormatter(settings.service_name))
    if "console" in settings.logs:
        root.addHandler(console)

    def detach() -> None:
        detach_exports()
        root.removeHandler(console)

    return detach


_PROCESSORS: Final = {
    "spans": ("TracerProvider", "_active_span_processor._span_processors", "a span processor"),
    "metrics": ("MeterProvider", "_metric_readers", "a metric reader"),
    "logs": ("LoggerProvider", "_multi_log_record_processor._log_record_processors", "a log record processor"),
}
"""By signal: the SDK's provider, where it keeps what it hands items to, and what that is called."""


_NO_OPS: Final = (trace.NoOpTracerProvider, metrics.NoOpMeterProvider, _logs.NoOpLoggerProvider)


def _warn_of_dead_ends(parts: Mapping[str, _Parts]) -> None:
    """Say so where a provider that somebody else set hands nothing on: whatever is recorded goes nowhere."""
    for name, part in parts.items():
        found = _dead_end(name, part.provider) if part.adopted and part.asked else None
        if found is not None:
            _log.warning(
                "%s go nowhere: OpenTelemetry has a %s already, %s, and a provider that is there is used as it is; "
                "%s, or call telemetry.configure before it is set (OTEL_PYTHON_%s sets one, too)",
                name, type(part.provider).__name__, *found,
                _PROCESSORS[name][0].replace("Provider", "_PROVIDER").upper(),
            )  # fmt: skip


def _dead_end(name: str, provider: Any) -> tuple[str, str] | None:
    """Return why a provider hands nothing on, and what to do; None where it does, or nobody knows."""
    kind, path, missing = _PROCESSORS[name]
    if type(provider) in _NO_OPS:
        return "which records nothing", "set another one"
    if type(provider).__name__ != kind:
        return None
    try:
        found = operator.attrgetter(path)(provider)
    except AttributeError:  # another SDK than the one we know
        return None
    if not found:
        return f"without {missing}", "add one to it"
    if _was_shut_down(provider) or all(map(_was_shut_down, found)):
        return "which was shut down", "do not shut it down before the end"
    return None


def _was_shut_down(part: Any) -> bool:
    """Say whether a provider or a processor of the SDK's was shut down; false where it does not tell."""
    return getattr(getattr(part, "_batch_processor", part), "_shutdown", False) is True


def _exported_already(root: logging.Logger) -> bool:
    """Say whether OpenTelemetry's own handler is there, as `opentelemetry-instrument` may add it."""
    kinds = (type(handler) for handler in root.handlers)
    return any(kind.__name__ == "LoggingHandler" and kind.__module__.startswith("opentelemetry.") for kind in kinds)


def _sampler(settings: Settings) -> sampling.Sampler:
    root, ratio = settings.sampler.removeprefix("parentbased_"), settings.sampler_arg
    samplers: dict[str, sampling.Sampler] = {
        "always_on": sampling.ALWAYS_ON,
        "always_off": sampling.ALWAYS_OFF,
        "traceidratio": sampling.TraceIdRatioBased(ratio),
    }
    return sampling.ParentBased(samplers[root]) if settings.sampler.startswith("parentbased_") else samplers[root]


def _delivery(kind: SignalKind, settings: ExporterSettings, exporters: Sequence[str]) -> Callable[[Counts], Delivery]:
    where = f"{settings.endpoint.rpartition('@')[2]} by {settings.protocol}"
    make_sender = _sender(kind, settings) if "otlp" in exporters else None
    if "console" in exporters:
        make_sender = _console(kind, make_sender)
        where = where if "otlp" in exporters else "standard output"
    assert make_sender is not None  # noqa: S101  whoever asks has one of the two
    return lambda counts: Delivery(kind, make_sender, settings.timeout, where, counts)


def _console(kind: SignalKind, then: Callable[[], Sender] | None) -> Callable[[], Sender]:
    from telemetry.otlp.console import ConsoleSender

    return lambda: ConsoleSender(kind.name, None if then is None else then())


def _sender(kind: SignalKind, settings: ExporterSettings) -> Callable[[], Sender]:
    """Import what sends, now and on this thread: a fork in the middle of an import leaves the child half a module."""
    if settings.protocol == "grpc":
        from telemetry.otlp.grpc import GrpcSender

        return lambda: GrpcSender(settings, kind.method)
    from telemetry.otlp.http import HttpSender

    return lambda: HttpSender(settings)


def _queue(
    make_delivery: Callable[[Counts], Delivery], size: int, batch: int, interval: float
) -> Callable[[Counts], BatchQueue[T]]:
    return lambda counts: BatchQueue(make_delivery(counts), counts, size, batch, interval)
