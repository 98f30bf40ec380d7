// Says that an answer looked at some traces only.
import { count } from "../lib/format.js";
import { html } from "../lib/preact.js";

/** sample: `{ traces, of }`, or nothing where all were looked at. */
export function Sampled({ sample }) {
  if (!sample || sample.traces >= sample.of) return null;
  return html`<span class="chip" title="Rates are scaled up from these">from ${count(sample.traces)} of ${count(sample.of)} traces</span>`;
}
