"""Builds providers, pipelines and log handlers from `Settings`, and sets the providers as OpenTelemetry's global ones.

This module imports the SDK and the exporters; only `configure` imports it.
"""

import dataclasses
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, sampling

from telemetry import conventions as c
from telemetry.config.propagators import use
from telemetry.config.settings import ExporterSettings, Settings
from telemetry.errors import TelemetryError
from telemetry.logs import ExportHandler, JsonFormatter, attach_beside_root
from telemetry.otlp import signals
from telemetry.otlp.outcome import Sender
from telemetry.otlp.signals import SignalKind
from telemetry.otlp.writing.logs import encode_log_records
from telemetry.otlp.writing.spans import Cuts, encode_spans
from telemetry.pipeline.delivery import Delivery
from telemetry.pipeline.metrics import DELTA_INSTRUMENTS, MetricPipeline
from telemetry.pipeline.processors import LogPipeline, SpanPipeline
from telemetry.pipeline.queue import BatchQueue, T
from telemetry.pipeline.self_metrics import watch_self
from telemetry.pipeline.stats import Counts, SignalStats
from telemetry.privacy import content, scrubber
from telemetry.recording import providers
from telemetry.recording.fork import importing
from telemetry.recording.logs.logger_provider import LoggerProvider
from telemetry.recording.metrics.meter_provider import MeterProvider
from telemetry.recording.metrics.own_metrics import OwnMetrics
from telemetry.recording.request.bounds import bounds
from telemetry.recording.runs import outcome
from telemetry.recording.traces.tracer_provider import TracerProvider
from telemetry.setup.added import Added
from telemetry.setup.existing import warn_if_not_exported
from telemetry.setup.forking import watch_forks
from telemetry.setup.handle import Telemetry
from telemetry.setup.resource import make_resource, named

if TYPE_CHECKING:  # it loads prometheus_client
    from telemetry.prometheus.pull import Pull

_log = logging.getLogger("search_telemetry")
_MAX_LINKS = 1024  # of a span, without OTEL_SPAN_LINK_COUNT_LIMIT: a batch has a link to each of its calls
_MAX_VALUE_LENGTH = 16_384  # characters of an attribute, without OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT
_LOG_LIMITS = frozenset({
    "OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
})  # fmt: skip
"""Variables that the logs SDK reads."""


@dataclass(slots=True)
class _Parts:
    """What is built for one signal: the provider; the pipeline, our own metrics and pull if the provider is ours.

    `adopted`: the provider is the user's. `wanted`: the settings want this signal exported.
    """

    provider: Any = None
    pipeline: Any = None
    adopted: bool = False
    wanted: bool = True
    own: OwnMetrics | None = None
    pull: "Pull | None" = None


def assemble(settings: Settings) -> Telemetry:
    """Build everything, and start it."""
    scrubber.use(settings.scrub, contents=settings.capture_content)
    content.use(content.Limits(settings.content_docs, settings.content_length) if settings.capture_content else None)
    outcome.expect(settings.expected_errors)
    use(settings.propagators)
    for name in settings.operations:
        bounds.declare(c.SEARCH_OPERATION, name)
    bounds.close(c.CLIENT_PLATFORM, settings.platforms)
    bounds.close(c.CLIENT_REGION, settings.regions)
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
    attach_handlers = partial(_attach_handlers, parts["logs"].provider)
    rename = partial(_rename, [part.provider for part in parts.values() if not part.adopted], parts["spans"].pipeline)
    added = Added([part.provider for part in parts.values() if part.provider is not None and not part.adopted])
    telemetry = Telemetry(
        settings, pipelines, adopted, attach_handlers, pull=parts["metrics"].pull, rename=rename, added=added
    )
    for name, part in parts.items():
        if part.adopted and part.wanted:
            warn_if_not_exported(name, part.provider)
    _set_recording(parts["spans"].provider, parts["metrics"], telemetry)
    watch_forks(telemetry, None if parts["metrics"].own is None else parts["metrics"].provider)
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


def _set_recording(tracer_provider: Any, metering: _Parts, telemetry: Telemetry) -> None:
    tracer = None if tracer_provider is None else tracer_provider.get_tracer(c.SCOPE)
    meter = metering.provider.get_meter(c.SCOPE) if metering.adopted else None
    if tracer is None and metering.provider is None and "errors" in telemetry.pipelines:
        tracer = trace.NoOpTracer()  # calls are recorded for their errors alone
    providers.set_current(tracer, meter, metering.own)

    def stats() -> dict[str, SignalStats]:
        return {name: pipeline.stats() for name, pipeline in telemetry.pipelines.items() if name != "errors"}

    watch_self(stats)


def _spans(settings: Settings, resource: Resource) -> _Parts:
    existing = trace.get_tracer_provider()
    if not providers.is_default_provider(existing):
        return _Parts(existing, adopted=True, wanted=bool(settings.traces_exporter))
    if not settings.traces_exporter:
        return _Parts()
    limits = {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"}
    cut = SpanLimits() if limits & os.environ.keys() else SpanLimits(max_attribute_length=_MAX_VALUE_LENGTH)
    cuts = Cuts(cut.max_span_attribute_length, cut.max_attribute_length)
    provider = TracerProvider(
        sampler=_sampler(settings),
        resource=resource,
        shutdown_on_exit=False,
        span_limits=SpanLimits(
            max_attribute_length=_with_margin(cuts.others),
            max_span_attribute_length=_with_margin(cuts.span),
            max_links=None if "OTEL_SPAN_LINK_COUNT_LIMIT" in os.environ else _MAX_LINKS,
        ),
    )
    kind = dataclasses.replace(signals.SPANS, encode=partial(encode_spans, cuts=cuts))
    make_delivery = _delivery(kind, settings.traces, settings.traces_exporter)
    pipeline = SpanPipeline(
        _queue(make_delivery, settings.span_queue_size, settings.span_batch_size, settings.span_interval),
        resource=lambda: provider.resource,
    )
    provider.export_to(pipeline)
    trace.set_tracer_provider(provider)
    return _Parts(provider, pipeline)


def _metrics(settings: Settings, resource: Resource) -> _Parts:
    existing = metrics.get_meter_provider()
    if not providers.is_default_provider(existing):
        if "prometheus" in settings.metrics:
            _log.warning(
                "metrics cannot be scraped: OpenTelemetry already has a MeterProvider, which is used as it is; "
                "give it a reader, or call telemetry.configure before it is set"
            )
        return _Parts(existing, adopted=True, wanted=bool(settings.metrics) and "prometheus" not in settings.metrics)
    if not settings.metrics:
        return _Parts()
    own = OwnMetrics(settings.exemplar_filter)
    provider = MeterProvider(own, resource, settings.exemplar_filter)
    pipeline = None
    if {"otlp", "console"} & set(settings.metrics):
        make_delivery = _delivery(signals.METRICS, settings.metrics_export, settings.metrics)
        collector = provider.collector(delta=DELTA_INSTRUMENTS[settings.temporality])
        pipeline = MetricPipeline(make_delivery, settings.metric_interval, collector)
        provider.export_with(pipeline)
    pull = _pull(settings, provider) if "prometheus" in settings.metrics else None
    metrics.set_meter_provider(provider)
    return _Parts(provider, pipeline, own=own, pull=pull)


def _pull(settings: Settings, provider: MeterProvider) -> "Pull":
    from telemetry.prometheus.pull import Pull

    return Pull(settings, provider)


def _logs_parts(settings: Settings, resource: Resource) -> _Parts:
    existing = _logs.get_logger_provider()
    if not providers.is_default_provider(existing):
        return _Parts(existing, adopted=True, wanted="otlp" in settings.logs)
    if "otlp" not in settings.logs:
        return _Parts()
    cut = None
    has_limits = not _LOG_LIMITS.isdisjoint(os.environ)
    if has_limits:
        from telemetry.recording.logs.sdk_logs import longest

        cut = longest()
    kind = dataclasses.replace(signals.LOGS, encode=partial(encode_log_records, longest=cut))
    make_delivery = _delivery(kind, settings.logs_export, ("otlp",))
    pipeline = LogPipeline(
        _queue(make_delivery, settings.log_queue_size, settings.log_batch_size, settings.log_interval)
    )
    provider = LoggerProvider(resource, pipeline, scrubber.MARGIN)
    if has_limits:
        provider.sdk()
    _logs.set_logger_provider(provider)
    return _Parts(provider, pipeline)


def _with_margin(longest: int | None) -> int | None:
    """Return the length for the SDK to cut texts to, so that we can scrub them before we cut them to `longest`."""
    return None if longest is None else longest + scrubber.MARGIN


def _rename(own: Sequence[Any], spans: SpanPipeline | None, settings: Settings) -> None:
    """Give our own providers the names in `settings`, in the way in which the SDK sets an instance id after a fork."""
    for provider in own:
        update = getattr(provider, "_update_resource", None)  # it has no public API
        if update is not None:
            update(Resource(named(settings)))
    if spans is not None:
        spans.rename()


def _attach_handlers(logger_provider: Any, settings: Settings) -> Callable[[], None]:
    """Add the handlers of the settings to the root logger; return a function that removes them."""
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


def _exported_already(root: logging.Logger) -> bool:
    """Return whether the root logger has OpenTelemetry's own handler, which `opentelemetry-instrument` may add."""
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
    assert make_sender is not None  # noqa: S101  callers have one of the two
    return lambda counts: Delivery(kind, make_sender, settings.timeout, where, counts)


def _console(kind: SignalKind, then: Callable[[], Sender] | None) -> Callable[[], Sender]:
    from telemetry.otlp.console import ConsoleSender

    return lambda: ConsoleSender(kind.name, None if then is None else then())


def _sender(kind: SignalKind, settings: ExporterSettings) -> Callable[[], Sender]:
    """Return what makes a sender, and imports it: HTTP/2 and TLS take longer than the rest of `configure`."""

    def make() -> Sender:
        with importing:
            if settings.protocol == "grpc":
                from telemetry.otlp.grpc import GrpcSender

                return GrpcSender(settings, kind.method)
            from telemetry.otlp.http import HttpSender

            return HttpSender(settings)

    return make


def _queue(
    make_delivery: Callable[[Counts], Delivery], size: int, batch: int, interval: float
) -> Callable[[Counts], BatchQueue[T]]:
    return lambda counts: BatchQueue(make_delivery(counts), counts, size, batch, interval)
