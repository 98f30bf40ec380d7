"""OpenInference and Traceloop on the SDK's provider and on ours: what they write is equal, and exported.

In: their packages, in an environment of its own. Out: an exit status. State: none.
"""

import asyncio
from typing import Any

from openinference.instrumentation import OITracer, TraceConfig, using_attributes  # type: ignore[import-not-found]
from opentelemetry import trace
from opentelemetry.context import attach, detach, set_value
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from traceloop.sdk import Traceloop  # type: ignore[import-not-found]
from traceloop.sdk.decorators import task, workflow  # type: ignore[import-not-found]
from traceloop.sdk.tracing.tracing import get_default_span_processor  # type: ignore[import-not-found]

from telemetry.recording.traces.tracer_provider import TracerProvider
from telemetry.testing.clock import CountingIds


class Out:
    """What our own exporter gets."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.put = self.spans.append

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def of(spans: Any) -> list[Any]:
    """Return what is compared."""
    return [(span.name, dict(span.attributes), span.status.status_code, span.parent) for span in spans]


def openinference_and_traceloops_processor(provider_class: type[sdk.TracerProvider]) -> list[Any]:
    """Traceloop's processor writes at the start of spans that OpenInference's tracer makes."""
    provider, out, exporter = (
        provider_class(shutdown_on_exit=False, id_generator=CountingIds()),
        Out(),
        InMemorySpanExporter(),
    )
    provider.add_span_processor(get_default_span_processor(disable_batch=True, exporter=exporter))
    if isinstance(provider, TracerProvider):
        provider.export_to(out)
    tracer = OITracer(provider.get_tracer("tests"), TraceConfig())

    @tracer.tool  # type: ignore[untyped-decorator]
    def add(one: int, other: int) -> int:
        """Add."""
        return one + other

    @tracer.llm  # type: ignore[untyped-decorator]
    async def answer(question: str) -> str:
        return question

    token = attach(set_value("workflow_name", "w", set_value("association_properties", {"user": "x"})))
    with using_attributes(session_id="s1", user_id="u"):
        with tracer.start_as_current_span("chain", openinference_span_kind="chain") as span:
            span.set_input("q")
            span.set_output({"a": 1})
            add(1, 2)
        asyncio.run(answer("z"))
    detach(token)
    found = of(exporter.get_finished_spans())
    assert out.spans == [] or of(out.spans) == found
    return found


def traceloop() -> list[Any]:
    """`Traceloop.init` adds its processor to the provider that is set: by its class it is one of the SDK's."""
    provider, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    trace.set_tracer_provider(provider)
    Traceloop.init("tests", processor=SimpleSpanProcessor(exporter), telemetry_enabled=False, instruments=set())
    assert trace.get_tracer_provider() is provider

    @task(name="inner")  # type: ignore[untyped-decorator]
    def inner(value: int) -> int:
        return value

    @workflow(name="outer")  # type: ignore[untyped-decorator]
    def outer(value: int) -> Any:
        return inner(value)

    outer(3)
    return of(exporter.get_finished_spans())


if __name__ == "__main__":
    theirs, ours = (openinference_and_traceloops_processor(one) for one in (sdk.TracerProvider, TracerProvider))
    assert theirs == ours, (theirs, ours)
    assert [(name, "traceloop.workflow.name" in given) for name, given, *_ in ours] == [
        ("add", True), ("chain", True), ("answer", True),
    ]  # fmt: skip
    assert [name for name, *_ in traceloop()] == ["inner.task", "outer.workflow"]
