// What the shop's page uses of OpenTelemetry: `build.mjs` makes one module of it, ../static/vendor/opentelemetry.js.
export { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
export { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from "@opentelemetry/core";
export { AggregationTemporalityPreference, OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
export { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
export { registerInstrumentations } from "@opentelemetry/instrumentation";
export { FetchInstrumentation } from "@opentelemetry/instrumentation-fetch";
export { resourceFromAttributes } from "@opentelemetry/resources";
export { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
export { BatchSpanProcessor, WebTracerProvider } from "@opentelemetry/sdk-trace-web";
