// Attributes as names and values, as text.
import { html } from "../lib/preact.js";
import { Name } from "./name.js";

/** attributes: an object; values of any kind. */
export function Attributes({ attributes = {} }) {
  const pairs = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  if (pairs.length === 0) return html`<p class="faint">No attributes.</p>`;
  return html`<dl class="attributes">${pairs.map(([name, value]) => html`<div key=${name}><dt><${Name} of=${name} /></dt><dd>${typeof value === "string" ? value : JSON.stringify(value)}</dd></div>`)}</dl>`;
}
