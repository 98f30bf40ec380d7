"""fastotel: the SDK's spans, batched and encoded in Rust; by HTTP, which is all that it has."""

from typing import Any

from fastotel import OTLPSpanProcessor
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from benchmarks.engine.peers import Addresses, Mode, Started
from benchmarks.engine.peers.otel_calls import otel_calls


def start(sink: Addresses, mode: Mode, **_: Any) -> Started:
    """Set a provider with its processor."""
    provider = TracerProvider(sampler=ALWAYS_OFF if mode == "unsampled" else ALWAYS_ON)
    provider.add_span_processor(OTLPSpanProcessor(endpoint=f"{sink.http}/v1/traces"))
    trace.set_tracer_provider(provider)
    tracer = trace.get_tracer("bench")
    return Started(
        otel_calls(tracer), lambda: tracer.start_as_current_span("root"), lambda: provider.force_flush(30_000)
    )
