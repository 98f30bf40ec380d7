// The bar above all views: time range, who, operation, filter.
import { useAnswer } from "../lib/api.js";
import { asked, change } from "../lib/address.js";
import { count } from "../lib/format.js";
import { html, useState } from "../lib/preact.js";
import { FilterInput } from "./filter_input.js";
import { RangePicker } from "./range_picker.js";

const WHO = ["platform", "region", "version"];

/** address: what is shown. */
export function Bar({ address }) {
  const { answer } = useAnswer("/api/who", asked(address));
  const [open, setOpen] = useState(false);
  const { service } = address.query;
  const chosen = [...WHO, "operation", "service", "filter"].filter((key) => address.query[key]).length;
  return html`<div class=${open ? "bar is-open" : "bar"} role="search" aria-label="What is shown">
    <${RangePicker} address=${address} />
    <button type="button" class="bar-more" aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? "Less" : chosen ? `${chosen} chosen` : "Choose"} <span aria-hidden="true">${open ? "▴" : "▾"}</span></button>
    ${[...WHO, "operation"].map((key) => html`<${Choice} key=${key} name=${key} chosen=${address.query[key] ?? ""} values=${valuesOf(answer, key)} off=${address.view === "logs"} />`)}
    ${service && html`<button type="button" class="choice is-chosen" onClick=${() => change({ service: null })} aria-label=${`Service ${service}: show all services`}>
      <span class="choice-name">service</span><b class="choice-value cut">${service}</b><span class="choice-end" aria-hidden="true">×</span></button>`}
    <${FilterInput} address=${address} />
  </div>`;
}

/** The values of a key in `/api/who`'s answer, as `[value, count]`; an operation of two services stands once. */
function valuesOf(answer, key) {
  const sums = new Map();
  for (const { value, count: number } of answer?.[`${key}s`] ?? []) sums.set(value, (sums.get(value) ?? 0) + number);
  return [...sums];
}

/** off: whether the view ignores this choice. */
function Choice({ name, chosen, values, off }) {
  const known = chosen && !values.some(([value]) => value === chosen) ? [[chosen, null], ...values] : values;
  return html`<label class="choice ${chosen && !off ? "is-chosen" : ""}" title=${off ? "Log records do not have it: choose them by service, level and filter" : undefined}><span class="choice-name">${name}</span>
    <select disabled=${off} onChange=${(event) => change({ [name]: event.target.value })}>
      <option value="" selected=${chosen === ""}>all</option>
      ${known.map(([value, number]) => html`<option key=${value} value=${value} selected=${value === chosen}>${value}${number == null ? "" : `  (${count(number)})`}</option>`)}
    </select></label>`;
}
