"""Records the spans, metrics and logs of a test.

OpenTelemetry accepts only one provider per process. So the first test that needs one creates a tracer provider and a
meter provider, which all tests share; spans go to the test that is running, and metrics have a reader per test.
Providers that the user's tests have set are used as they are, with their ids.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from opentelemetry import metrics as otel_metrics
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk import trace as sdk_trace
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler, SamplingResult

from telemetry.conventions import SCOPE
from telemetry.errors import TelemetryError
from telemetry.logs import ExportHandler, attach_beside_root
from telemetry.recording import providers
from telemetry.recording.clock import clock
from telemetry.recording.metrics import instruments
from telemetry.recording.metrics.own_metrics import OwnMetrics
from telemetry.recording.metrics.saturation import forget_unused
from telemetry.recording.request.bounds import bounds
from telemetry.recording.traces.tracer_provider import TracerProvider as OwnTracerProvider
from telemetry.testing.clock import CountingIds
from telemetry.testing.logs import LogLine, Logs
from telemetry.testing.metrics import Metrics
from telemetry.testing.snapshots import SnapshotFile
from telemetry.testing.spans import Spans


class _Switch(SpanProcessor):
    """Passes spans to the test that is running."""

    def __init__(self) -> None:
        self.spans: Spans | None = None

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002  the SDK's signature
        if self.spans is not None:
            self.spans.started(span)

    def on_end(self, span: ReadableSpan) -> None:
        if self.spans is not None:
            self.spans.ended(span)


class _OnlyInTests(Sampler):
    """Samples all spans of tests with the fixture, and no others."""

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        return (ALWAYS_OFF if _Process.switch.spans is None else ALWAYS_ON).should_sample(*args, **kwargs)

    def get_description(self) -> str:
        return "OnlyInTests"


class _Process:
    """What is created once per process; our own tests set `provider_class` to compare with OpenTelemetry's."""

    provider_class: type[TracerProvider] = OwnTracerProvider
    provider: TracerProvider | None = None
    meter_provider: MeterProvider | None = None
    meters_are_ours = False
    switch = _Switch()
    ids = CountingIds()


@contextmanager
def record_spans(file: SnapshotFile | None = None) -> Iterator[Spans]:
    """Record the spans of one test; `file` has its expected snapshot."""
    provider = _provider()
    spans = _Process.switch.spans = Spans(file)
    _Process.ids.reset()
    read = spans.clock.read
    with (
        providers.override(tracer=provider.get_tracer(SCOPE)),
        mock.patch.multiple(clock, wall=read, steady=read),
        mock.patch.object(sdk_trace, "time_ns", read),
    ):
        try:
            yield spans
        finally:
            _Process.switch.spans = None


@contextmanager
def record_metrics() -> Iterator[Metrics]:
    """Record the metrics of one test: those of this library and of the user's own instruments."""
    provider = _meter_provider()
    reader = InMemoryMetricReader()
    provider.add_metric_reader(reader)
    own = OwnMetrics("trace_based") if _Process.meters_are_ours else None
    with providers.override(meter=provider.get_meter(SCOPE) if own is None else None, own=own):
        instruments.forget()
        bounds.forget()
        forget_unused()
        recorded = Metrics(reader, None if own is None else own.reader())
        try:
            yield recorded
        finally:
            recorded.end()
            instruments.forget()
            provider.remove_metric_reader(reader)


class _Collect(LogRecordProcessor):
    """Adds records to the logs of a test."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        record, scope = log_record.log_record, log_record.instrumentation_scope
        self._logs.add(
            LogLine(
                str(record.body), record.severity_text or "", scope.name if scope else "", record.trace_id or 0,
                record.span_id or 0, dict(record.attributes or {}),
            )
        )  # fmt: skip

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002  the SDK's signature
        return True


@contextmanager
def record_logs() -> Iterator[Logs]:
    """Record the log records of one test, by the handler that exports them in production."""
    logs, provider = Logs(), LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(_Collect(logs))
    detach = attach_beside_root([ExportHandler(provider)])
    try:
        yield logs
    finally:
        detach()


def _meter_provider() -> MeterProvider:
    if _Process.meter_provider is None:
        found = otel_metrics.get_meter_provider()
        if providers.is_default_provider(found):
            found = MeterProvider(shutdown_on_exit=False)
            otel_metrics.set_meter_provider(found)
            _Process.meters_are_ours = True
        if not isinstance(found, MeterProvider):
            raise TelemetryError(
                f"the fixture `metrics` cannot record with a {type(found).__name__}",
                "set a MeterProvider of opentelemetry-sdk, or none, before the first test that asks for `metrics`",
            )
        _Process.meter_provider = found
    return _Process.meter_provider


def _provider() -> TracerProvider:
    if _Process.provider is None:
        found = trace.get_tracer_provider()
        if providers.is_default_provider(found):
            found = _Process.provider_class(_OnlyInTests(), id_generator=_Process.ids, shutdown_on_exit=False)
            trace.set_tracer_provider(found)
        if not isinstance(found, TracerProvider):
            raise TelemetryError(
                f"the fixture `spans` cannot record with a {type(found).__name__}",
                "set a TracerProvider of opentelemetry-sdk, or none, before the first test that asks for `spans`",
            )
        found.add_span_processor(_Process.switch)
        _Process.provider = found
    return _Process.provider
