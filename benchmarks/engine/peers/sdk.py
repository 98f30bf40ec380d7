"""OpenTelemetry's SDK: a provider, its batch processor, its exporter; the contributed interceptors for rpcs."""

from typing import Any

from opentelemetry import trace

from benchmarks.engine.peers import Addresses, Call, Mode, Started
from benchmarks.engine.peers.otel_calls import otel_calls


def start(sink: Addresses, mode: Mode, *, protocol: str = "grpc", metrics: bool = False) -> Started:
    """Set a provider, unless it is switched off: then there is the API alone."""
    if mode == "off":
        return _started(trace.get_tracer("bench"))
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

    provider = TracerProvider(sampler=ALWAYS_OFF if mode == "unsampled" else ALWAYS_ON)
    provider.add_span_processor(BatchSpanProcessor(_exporter(sink, protocol)))
    trace.set_tracer_provider(provider)
    started = _started(trace.get_tracer("bench"))._replace(flush=lambda: provider.force_flush(30_000))
    return started._replace(calls={**started.calls, "histogram": _histogram(sink)}) if metrics else started


def _started(tracer: trace.Tracer) -> Started:
    return Started(otel_calls(tracer), lambda: tracer.start_as_current_span("root"))


def _exporter(sink: Addresses, protocol: str) -> Any:
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as ByGrpc

        return ByGrpc(sink.grpc, insecure=True)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as ByHttp

    return ByHttp(f"{sink.http}/v1/traces")


def _histogram(sink: Addresses) -> Call:
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(OTLPMetricExporter(sink.grpc, insecure=True))
    histogram = MeterProvider([reader]).get_meter("bench").create_histogram("bench.duration", "s")
    attributes = {"stage": "work", "search.operation": "/search", "outcome": "ok"}
    return Call(lambda: histogram.record(0.01, attributes))


def server_interceptors() -> list[Any]:
    """Return the contributed ones."""
    from opentelemetry.instrumentation import grpc

    return [grpc.server_interceptor()]  # type: ignore[no-untyped-call]


def aio_server_interceptors() -> list[Any]:
    """Return the contributed ones."""
    from opentelemetry.instrumentation import grpc

    return [grpc.aio_server_interceptor()]  # type: ignore[no-untyped-call]


def intercepted(channel: Any) -> Any:
    """Return the channel with the contributed interceptor."""
    from opentelemetry.instrumentation.grpc import client_interceptor
    from opentelemetry.instrumentation.grpc.grpcext import intercept_channel

    return intercept_channel(channel, client_interceptor())  # type: ignore[no-untyped-call]


def aio_intercepted(target: str) -> Any:
    """Return a channel to `target` with the contributed interceptors."""
    import grpc.aio
    from opentelemetry.instrumentation.grpc import aio_client_interceptors

    return grpc.aio.insecure_channel(target, interceptors=[*aio_client_interceptors()])  # type: ignore[no-untyped-call]
