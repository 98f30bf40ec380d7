// What a trace is: its facts, what is odd, and what can be done with it.
import { ask, urlOf } from "../../lib/api.js";
import { change, link } from "../../lib/address.js";
import { count, duration, milliseconds, moment, plural, share } from "../../lib/format.js";
import { html, useState } from "../../lib/preact.js";
import { Copy } from "./copying.js";

/** overview: of the trace. asSent: whether times are as they were sent. onError: goes to the next failed span. */
export function Head({ overview, asSent, onError }) {
  const who = ["search.operation", "client.platform", "client.region"].map((key) => overview.client[key]).filter(Boolean);
  const { way } = overview;
  return html`<header class="view-head trace-head">
      <h1>${overview.root_name} <span class="quiet">${overview.root_service}</span></h1>
      ${who.map((text) => html`<span key=${text} class="chip">${String(text)}</span>`)}
      <span class="end trace-do">
        <${Export} traceId=${overview.trace_id} />
        <a class="button" href=${link("/compare", { left: "typical", right: overview.trace_id, operation: operationOf(overview) })}>Compare</a>
      </span>
    </header>
    <p class="facts"><b class="fact-time">${duration(overview.duration_ns)}</b>
      ${way && overview.root_duration_ns > 0 && html`<span><b>${duration(way.total_ns)}</b> on the way (${share(way.total_ns / overview.root_duration_ns)})</span>`}
      <span>${plural(overview.span_count, "span")}</span><span>${plural(overview.service_count, "service")}</span>
      ${overview.error_count > 0 && html`<button type="button" class="plain is-bad" onClick=${onError}>✕ ${plural(overview.error_count, "error")}</button>`}
      ${overview.log_count > 0 && html`<span>${plural(overview.log_count, "log record")}</span>`}
      ${overview.start_unix_ns > 0 && html`<span>${moment(milliseconds(overview.start_unix_ns), { millis: true })}</span>`}
      <span class="faint">trace <code>${overview.trace_id.slice(0, 8)}</code> <${Copy} text=${overview.trace_id} what="the trace's id" /></span></p>
    ${(overview.faults.length > 0 || asSent) && html`<p class="fault">${overview.faults.join(" ")}
      ${(overview.moved_count > 0 || asSent) && html` <button type="button" class="plain copy" onClick=${() => change({ as_sent: asSent ? null : "true" })}>
        ${asSent ? "Times are as they were sent. Correct the clocks" : "Show times as they were sent"}</button>`}</p>`}`;
}

const operationOf = (overview) => (overview.client["search.operation"] ? `/${overview.client["search.operation"]}` : overview.root_name);

/** Saves the trace as OTLP JSON, page by page. */
function Export({ traceId }) {
  const [state, say] = useState("");
  const run = async () => {
    try {
      const resourceSpans = [];
      for (let next = 0; next !== undefined;) {
        say(next ? `${count(next)} spans …` : "Exporting …");
        const page = await ask(urlOf(`/api/traces/${traceId}/otlp`, { offset: next }));
        resourceSpans.push(...page.resourceSpans);
        next = page.next;
      }
      save(new Blob([JSON.stringify({ resourceSpans })], { type: "application/json" }), `trace-${traceId}.otlp.json`);
      say("");
    } catch (error) {
      say(error.message);
    }
  };
  return html`<button type="button" onClick=${run} title="Save the trace as OTLP JSON, which any receiver of OTLP takes">${state || "Export OTLP"}</button>`;
}

function save(blob, name) {
  const anchor = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  anchor.click();
  window.setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}
