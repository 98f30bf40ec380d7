// The script of a shop's page, instrumented as in docs/local-collector.md. `window.telemetry` is for the test alone.
import { ZoneContextManager } from "@opentelemetry/context-zone";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { FetchInstrumentation } from "@opentelemetry/instrumentation-fetch";
import { UserInteractionInstrumentation } from "@opentelemetry/instrumentation-user-interaction";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, WebTracerProvider } from "@opentelemetry/sdk-trace-web";

const collector = document.body.dataset.collector;
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
  resource: resourceFromAttributes({ "service.name": "shop_page" }),
  spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 100 })],
});
provider.register({ contextManager: new ZoneContextManager() });
registerInstrumentations({
  instrumentations: [
    new UserInteractionInstrumentation({ eventNames: ["click"] }),
    new FetchInstrumentation({ ignoreUrls: [/\/v1\/traces$/] }),
  ],
});

document.getElementById("search").addEventListener("click", () => {
  const query = document.getElementById("query").value;
  fetch(`/search?q=${encodeURIComponent(query)}`)
    .then((answer) => answer.json())
    .then((found) => {
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
