// The log records of a trace, by time; each leads to its span.
import { useAnswer } from "../../lib/api.js";
import { link } from "../../lib/address.js";
import { duration, milliseconds } from "../../lib/format.js";
import { html } from "../../lib/preact.js";
import { Answered } from "../../components/state.js";
import { asText } from "./attributes.js";

const MOST = 200;

/** overview: of the trace. onReveal(spanId). */
export function Logs({ overview, tone, onReveal }) {
  const found = useAnswer("/api/logs", { trace_id: overview.trace_id, limit: MOST });
  const began = milliseconds(overview.start_unix_ns);
  return html`<section class="card trace-logs"><div class="card-head"><h2>Log records</h2><span class="end"><a href=${link("/logs", { trace_id: overview.trace_id })}>All in Logs</a></span></div><div class="card-body">
    <${Answered} of=${found} empty=${(answer) => !answer.logs.length} nothing=${html`<p class="faint">None.</p>`}>${(answer) => html`<ol class="moments">
      ${[...answer.logs].reverse().map((log, index) => html`<li key=${index}>
        <span class="moment-at number">${duration((milliseconds(log.time_unix_ns || log.observed_unix_ns) - began) * 1e6)}</span>
        <span class="bar-mark is-${log.severity_number >= 17 ? "error" : log.severity_number >= 13 ? "warn" : "log"}" aria-hidden="true"></span>
        <div><p>${log.severity_text && html`<span class="faint">${log.severity_text.toLowerCase()} </span>`}${asText(log.body)}</p>
          <p class="faint"><span class="row-tone" style=${{ "--tone": tone(log.service) }} aria-hidden="true"></span>${log.service}
            ${log.span_id && html` <button type="button" class="plain copy" onClick=${() => onReveal(log.span_id)}>its span</button>`}</p></div></li>`)}</ol>
      ${overview.log_count > answer.logs.length && html`<p class="faint">… of ${overview.log_count}</p>`}`}<//></div></section>`;
}
