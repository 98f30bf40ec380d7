// The page's own trace: it begins where a person acts, and the gateway's span is below the page's call.
//
// In: gestures, and the calls that they make. Out: spans and one metric, by OTLP over HTTP, to the collector that the
// shop names; in the headers of a call the trace and who asks. State: whether that collector answers.
//
// Nothing of it has what was searched for. Where no collector answers, the page sends no spans and no `traceparent`:
// the gateway's trace then has no parent that nobody keeps.
import {
  AggregationTemporalityPreference, BatchSpanProcessor, context, FetchInstrumentation, MeterProvider,
  OTLPMetricExporter, OTLPTraceExporter, PeriodicExportingMetricReader, propagation, registerInstrumentations,
  resourceFromAttributes, SpanStatusCode, trace, W3CBaggagePropagator, W3CTraceContextPropagator, WebTracerProvider,
} from "../vendor/opentelemetry.js";
import { Reachable } from "./reachable.js";

const BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.25, 2.5, 5.5, 10.5,
]; // of search.client.duration, wherever it is measured
const SEND_AFTER = 300;
const NEVER = 2_000_000_000; // milliseconds: metrics leave after a search, and when the page is left

const NOTHING = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"resourceSpans":[]}' };
// An export without spans: it is answered where this page may send, by the collector's rules for other origins.

export class Telemetry {
  #asking = null;

  /** Start it. `otlp` is the collector's address, null where there is none. */
  constructor({ otlp, version }) {
    this.collector = new Reachable(otlp, "/v1/traces", NOTHING);
    const resource = resourceFromAttributes({
      "service.name": "shop_page",
      "service.namespace": "pamazon",
      ...(version && { "service.version": version }),
    });
    this.#startTraces(otlp, resource);
    this.#startMetrics(otlp, resource);
    this.tracer = trace.getTracer("pamazon.shop_page");
    addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.flush());
  }

  #startTraces(otlp, resource) {
    const batch = otlp && new BatchSpanProcessor(new OTLPTraceExporter({ url: `${otlp}/v1/traces` }), {
      scheduledDelayMillis: SEND_AFTER,
    });
    this.spans = batch || null;
    const gate = {
      onStart: () => {},
      onEnd: (span) => this.collector.answers && batch.onEnd(span),
      forceFlush: () => batch?.forceFlush() ?? Promise.resolve(),
      shutdown: () => batch?.shutdown() ?? Promise.resolve(),
    };
    new WebTracerProvider({ resource, spanProcessors: [gate] }).register({ propagator: this.#propagator() });
    registerInstrumentations({
      instrumentations: [
        new FetchInstrumentation({
          ignoreUrls: [/^(?!.*\/api\/search(\?|$))/],
          requestHook: (span) => span.setAttributes(this.#asking ?? {}),
        }),
      ],
    });
  }

  /** Who asks is in the headers of every call; the trace only where its beginning is kept. */
  #propagator() {
    const [who, where] = [new W3CBaggagePropagator(), new W3CTraceContextPropagator()];
    return {
      inject: (from, carrier, setter) => {
        who.inject(from, carrier, setter);
        if (this.collector.answers) where.inject(from, carrier, setter);
      },
      extract: (into, carrier, getter) => where.extract(who.extract(into, carrier, getter), carrier, getter),
      fields: () => [...who.fields(), ...where.fields()],
    };
  }

  #startMetrics(otlp, resource) {
    this.meters = otlp && new MeterProvider({
      resource,
      readers: [
        new PeriodicExportingMetricReader({
          exportIntervalMillis: NEVER,
          exporter: new OTLPMetricExporter({
            url: `${otlp}/v1/metrics`,
            temporalityPreference: AggregationTemporalityPreference.DELTA, // so that the pages of all visitors add up
          }),
        }),
      ],
    });
    this.duration = this.meters?.getMeter("pamazon.shop_page").createHistogram("search.client.duration", {
      unit: "s",
      description: "Duration of requests where they are sent.",
      advice: { explicitBucketBoundaries: BOUNDS },
    });
  }

  /** Do `act` inside the span of a gesture, by a person; what it calls first is below it, and so is each `step`. */
  async gesture(name, { platform, region }, act) {
    this.#asking = { "search.operation": "search", "client.platform": platform, "client.region": region };
    const entries = Object.entries(this.#asking).map(([key, value]) => [key, { value }]);
    const carrying = propagation.setBaggage(context.active(), propagation.createBaggage(Object.fromEntries(entries)));
    const attributes = this.#asking;
    const span = this.tracer.startSpan(name, { attributes }, carrying);
    const within = trace.setSpan(carrying, span);
    const step = async (title, work) => {
      const part = this.tracer.startSpan(title, { attributes }, within);
      await work().finally(() => part.end());
    };
    try {
      return await context.with(within, () => act(step));
    } catch (error) {
      if (error.name !== "AbortError") span.setStatus({ code: SpanStatusCode.ERROR, message: error.name });
      throw error;
    } finally {
      span.end();
    }
  }

  /** Count a request of `person` that took so many milliseconds and ended as `outcome`. */
  measured(milliseconds, { platform, region }, outcome, error = null) {
    if (!this.collector.answers) return;
    this.duration?.record(milliseconds / 1000, {
      "search.operation": "search",
      "client.platform": platform,
      "client.region": region,
      "search.outcome": outcome,
      ...(error && { "error.type": error }),
    });
    this.meters?.forceFlush().catch(() => {});
  }

  /** Send what is left. */
  flush() {
    if (!this.collector.answers) return;
    this.spans?.forceFlush().catch(() => {});
    this.meters?.forceFlush().catch(() => {});
  }
}
