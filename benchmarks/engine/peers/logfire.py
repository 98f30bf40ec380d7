"""logfire: its own spans, exported by OTLP to the sink as to any other backend of the user's."""

from typing import Any

import logfire
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from benchmarks.engine.peers import ATTRIBUTES, Addresses, Call, Mode, Started


def start(sink: Addresses, mode: Mode, **_: Any) -> Started:
    """Configure it."""
    logfire.configure(
        service_name="bench",
        send_to_logfire=False,
        console=False,
        additional_span_processors=[BatchSpanProcessor(OTLPSpanExporter(f"{sink.http}/v1/traces"))],
        sampling=logfire.SamplingOptions(head=0.0 if mode == "unsampled" else 1.0),
        inspect_arguments=False,
    )

    def span() -> None:
        with logfire.span("work", **ATTRIBUTES):
            pass

    return Started({"span": Call(span)}, lambda: logfire.span("root"), lambda: logfire.force_flush(30_000))
