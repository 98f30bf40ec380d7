// The script of a shop's page, instrumented as in docs/local-collector.md. `window.telemetry` is for the test alone.
import { context, propagation } from "@opentelemetry/api";
import { ZoneContextManager } from "@opentelemetry/context-zone";
import { AggregationTemporalityPreference, OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { FetchInstrumentation } from "@opentelemetry/instrumentation-fetch";
import { UserInteractionInstrumentation } from "@opentelemetry/instrumentation-user-interaction";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, WebTracerProvider } from "@opentelemetry/sdk-trace-web";

const { collector, region } = document.body.dataset;
const resource = resourceFromAttributes({ "service.name": "shop_page" });
const exporter = new OTLPTraceExporter({ url: `${collector}/v1/traces` });
window.telemetry = { exported: [], failed: [] };
const send = exporter.export.bind(exporter);
exporter.export = (spans, done) =>
  send(spans, (result) => {
    const failed = result.code !== 0;
    window.telemetry[failed ? "failed" : "exported"].push(...spans.map((span) => span.name));
    done(result);
  });

const provider = new WebTracerProvider({
  resource,
  spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 100 })],
});
provider.register({ contextManager: new ZoneContextManager() });
registerInstrumentations({
  instrumentations: [
    new UserInteractionInstrumentation({ eventNames: ["click"] }),
    new FetchInstrumentation({ ignoreUrls: [/\/v1\/(traces|metrics)$/] }),
  ],
});

const meters = new MeterProvider({
  resource,
  readers: [
    new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter({
        url: `${collector}/v1/metrics`,
        temporalityPreference: AggregationTemporalityPreference.DELTA, // so that the pages of all visitors add up
      }),
    }),
  ],
});
window.sendMetrics = () => meters.forceFlush();
const duration = meters.getMeter("shop_page").createHistogram("search.client.duration", {
  unit: "s",
  description: "Duration of requests where they are sent.",
  advice: {
    explicitBucketBoundaries: [
      0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.25, 2.5, 5.5, 10.5,
    ],
  },
});

// Sends one request, which carries who asks, and measures it until its answer has been read.
function request(operation, url, options) {
  const client = { "search.operation": operation, "client.platform": "web", "client.region": region };
  const entries = Object.entries(client).map(([name, value]) => [name, { value }]);
  const carrying = propagation.setBaggage(context.active(), propagation.createBaggage(Object.fromEntries(entries)));
  const begun = performance.now();
  const end = (outcome, error) =>
    duration.record((performance.now() - begun) / 1000, {
      ...client,
      "search.outcome": outcome,
      ...(error && { "error.type": error }),
    });
  return context.with(carrying, () => fetch(url, options)).then((answer) => {
    const failed = answer.status >= 500 || answer.status === 429;
    return answer.json().then((body) => {
      end(answer.ok ? "ok" : failed ? "error" : "rejected", failed && String(answer.status));
      return body;
    });
  }).catch((error) => {
    end(error.name === "AbortError" ? "cancelled" : "error", error.name !== "AbortError" && error.name);
    throw error;
  });
}

document.getElementById("search").addEventListener("click", () => {
  const query = document.getElementById("query").value;
  request("search", `/search?q=${encodeURIComponent(query)}`).then((found) => {
    document.body.dataset.trace = found.trace_id;
    document.getElementById("found").replaceChildren(
      ...found.names.map((name) => {
        const item = document.createElement("li");
        item.textContent = name;
        return item;
      }),
    );
  });
});
