"""Our own tracer provider: the SDK's, with spans and tracers that cost a fraction of it.

In: sampler, resource, id generator, limits and span processors, as for the SDK's. Out: tracers; ended spans, to the
exporter that is set. State: the SDK's own, and the exporter.

It is a subclass of the SDK's, since auto-instrumentations and other libraries check that before they add their span
processors. A processor gets what it gets from the SDK: in `on_start` the span that is being written, in `on_end` a
readable copy. Without processors, this costs nothing.
"""

import logging
from collections.abc import Sequence
from typing import Any, Protocol

from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope
from opentelemetry.trace import NoOpTracer
from opentelemetry.trace import Tracer as AnyTracer
from opentelemetry.util.types import Attributes

from telemetry.recording.traces.span import Span
from telemetry.recording.traces.tracer import Tracer

_log = logging.getLogger("search_telemetry")


class SpanExport(Protocol):
    """An exporter of ended spans, which is shut down with the provider."""

    def put(self, span: Span) -> object:
        """Take a sampled span that has ended."""

    def shutdown(self) -> None:
        """Export what is left, and take nothing more."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what was taken so far; return whether that was possible."""


class TracerProvider(sdk.TracerProvider):
    """Makes tracers. Arguments are those of the SDK's provider."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._export: SpanExport | None = None
        self._is_shut_down = False

    def export_to(self, export: SpanExport) -> None:
        """Pass all spans that end from now on to `export`."""
        self._export = export
        for tracer in self._tracers.values():
            if isinstance(tracer, Tracer):
                tracer.sink = export.put

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> AnyTracer:
        """Return the tracer of a scope: the same one for the same scope."""
        if self._disabled:
            return NoOpTracer()
        if not instrumenting_module_name:
            _log.error("get_tracer was called without the name of a module")
        name, version = instrumenting_module_name or "", instrumenting_library_version or ""
        scope = InstrumentationScope(name, version, schema_url, attributes)
        with self._tracers_lock:
            known = self._tracers.get(scope)
            if known is None:
                known = self._tracers[scope] = Tracer(
                    self.sampler, self.resource, self._active_span_processor, self.id_generator,
                    _info(scope), self._span_limits, scope,
                    meter_provider=self._meter_provider, _tracer_config=self._apply_tracer_configurator(scope),
                    sink=None if self._export is None else self._export.put,
                )  # fmt: skip
            return known

    def added(self) -> Sequence[Any]:
        """Return the span processors that were added, unless they were shut down with the provider."""
        processors: Sequence[Any] = getattr(
            self._active_span_processor, "_span_processors", (self._active_span_processor,)
        )
        return () if self._is_shut_down else processors

    def shutdown(self) -> None:
        """Shut down the processors and the exporter."""
        self._is_shut_down = True
        super().shutdown()
        if self._export is not None:
            self._export.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the processors and the exporter."""
        flushed = super().force_flush(timeout_millis)
        return flushed if self._export is None else self._export.force_flush(timeout_millis) and flushed


def _info(scope: InstrumentationScope) -> InstrumentationInfo:
    """Return the scope as older exporters read it; its constructor would warn of deprecation."""
    info = object.__new__(InstrumentationInfo)
    info._name, info._version, info._schema_url = scope.name, scope.version, scope.schema_url or ""
    return info
