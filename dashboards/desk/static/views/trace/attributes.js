// A table of attributes, with a search in it; each can be copied, and leads to the traces that have it too.
import { Name } from "../../components/name.js";
import { link } from "../../lib/address.js";
import { html, useState } from "../../lib/preact.js";
import { Copy } from "./copying.js";

const FEW = 8;
const LONG = 300;

/** A value as text: text as it is, anything else as JSON. */
export const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** title: of the table. attributes: an object. filters: whether a value leads to traces. */
export function Attributes({ title, attributes, filters = true }) {
  const [wanted, setWanted] = useState("");
  const all = Object.entries(attributes).sort(([one], [other]) => one.localeCompare(other));
  const text = wanted.trim().toLowerCase();
  const found = text ? all.filter(([key, value]) => `${key}=${asText(value)}`.toLowerCase().includes(text)) : all;
  if (!all.length) return null;
  return html`<section class="part">
    <h3>${title} <span class="faint">${text ? `${found.length} of ${all.length}` : all.length}</span>
      <${Copy} text=${JSON.stringify(attributes, null, 2)} what="of ${title.toLowerCase()}">copy JSON<//></h3>
    ${all.length > FEW && html`<input type="search" class="part-search" placeholder="Search ${title.toLowerCase()}" aria-label="Search ${title.toLowerCase()}"
      value=${wanted} onInput=${(event) => setWanted(event.target.value)} />`}
    <dl class="pairs">${found.map(([key, value]) => html`<${Pair} key=${key} name=${key} value=${value} filters=${filters} />`)}</dl>
    ${!found.length && html`<p class="faint">Nothing of this kind.</p>`}
  </section>`;
}

function Pair({ name, value, filters }) {
  const [whole, setWhole] = useState(false);
  const text = asText(value);
  const cut = !whole && text.length > LONG;
  const isPlain = ["string", "number", "boolean"].includes(typeof value) && text.length < 100 && /^[\w.\-/]+$/.test(name);
  return html`<div class="attribute"><dt><${Name} of=${name} /></dt>
    <dd class="is-${typeof value}">${cut ? `${text.slice(0, LONG)}…` : text}
      ${cut && html` <button type="button" class="plain copy" onClick=${() => setWhole(true)}>all ${text.length} characters</button>`}</dd>
    <dd class="attribute-do"><${Copy} text=${text} what=${name} />
        ${filters && isPlain && html`<a href=${link("/traces", { filter: `${name}=${quoted(value)}` })} title="Traces with ${name} = ${text}">traces</a>`}</dd></div>`;
}

/** A value as the filter language takes it. */
export const quoted = (value) => (typeof value === "string" && !/^[\w.\-/]+$/.test(value) ? JSON.stringify(value) : String(value));
