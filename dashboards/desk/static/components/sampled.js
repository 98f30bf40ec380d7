// Says that an answer looked at some traces only.
import { count } from "../lib/format.js";
import { html } from "../lib/preact.js";

/** sample: `{ traces, of }`, or nothing where all were looked at. latest: whether it is the latest ones. */
export function Sampled({ sample, latest = false }) {
  if (!sample || sample.traces >= sample.of) return null;
  return html`<span class="chip" title=${latest ? "Shares and percentiles are of these, whatever was before; rates are scaled up" : "Rates are scaled up from these"}>from ${latest ? "the latest " : ""}${count(sample.traces)} of ${count(sample.of)} traces</span>`;
}
