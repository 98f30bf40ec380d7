"""ddtrace: its own spans and writer; the sink answers as its agent does."""

import os
from typing import Any

from benchmarks.engine.peers import ATTRIBUTES, Addresses, Call, Mode, Started


def start(sink: Addresses, mode: Mode, **_: Any) -> Started:
    """Set its variables, which it reads when it is imported, and import it."""
    os.environ |= {
        "DD_TRACE_AGENT_URL": sink.http,
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
        "DD_TRACE_ENABLED": "false" if mode == "off" else "true",
    }
    if mode == "unsampled":
        os.environ["DD_TRACE_SAMPLE_RATE"] = "0"
    from ddtrace.trace import tracer

    def span() -> None:
        with tracer.trace("work") as span:
            span.set_tags(ATTRIBUTES)

    return Started({"span": Call(span)}, lambda: tracer.trace("root"), tracer.flush)
