// Top tags: the values of each attribute of the requests, with their share, p95 and failures.
//
// In: the address. Out: markup; a click on a value adds its term to the address's filter, or takes it away.
import { Name } from "./name.js";
import { Sampled } from "./sampled.js";
import { Answered, Empty } from "./state.js";
import { asked } from "../lib/address.js";
import { useAnswer } from "../lib/api.js";
import { count, duration, plural, share } from "../lib/format.js";
import { html, useState } from "../lib/preact.js";
import { style } from "../lib/style.js";
import { hasTerm, toggleTerm } from "../lib/terms.js";

await style(import.meta.url);

const FIRST_KEYS = 8;
const MOST_KEYS = 40;
const FIRST_VALUES = 5;
const TELLS = 0.1; // from here on the slowest value is marked

/** address: what is shown. */
export function Tags({ address }) {
  const tags = useAnswer("/api/tags", asked(address, { limit: MOST_KEYS }));
  const [all, setAll] = useState(false);
  return html`<${Answered} of=${tags} empty=${(answer) => answer.tags.length === 0} nothing=${html`<${Empty} title="These requests have no attributes" />`}>
    ${(answer) => html`<ul class="tags">${(all ? answer.tags : answer.tags.slice(0, FIRST_KEYS)).map((tag) => html`<li key=${tag.key}><${Tag} ...${{ tag, address }} /></li>`)}</ul>
      <p class="card-foot">${all || answer.tags.length <= FIRST_KEYS ? "" : `${answer.tags.length - FIRST_KEYS} more attributes`}
        ${answer.tags.length > FIRST_KEYS && html`<button type="button" onClick=${() => setAll(!all)}>${all ? "Fewer" : "Show all"}</button> `}
        <${Sampled} sample=${answer.sample} /></p>`}<//>`;
}

/** One attribute, its most frequent values first. */
function Tag({ tag, address }) {
  const [open, setOpen] = useState(false);
  const values = open ? tag.values : tag.values.slice(0, FIRST_VALUES);
  const hidden = tag.values.length - values.length + tag.others;
  const tells = tag.tells >= TELLS;
  const slowest = tells && Math.max(...tag.values.map((value) => value.p95_ns ?? 0), tag.without?.p95_ns ?? 0);
  const fails = [...tag.values, tag.without].some((value) => value?.failures);
  return html`<table class="tag"><caption><span class="tag-key"><${Name} of=${tag.key} /></span> ${tells && html`<span class="chip is-info" title="of the differences in duration, or of what fails, go with its values">tells ${share(tag.tells)}</span>`}</caption>
    <thead><tr>${["value", "share", "p95", ...(fails ? ["failures"] : [])].map((title) => html`<th key=${title} scope="col"><span class="unseen">${title}</span></th>`)}</tr></thead>
    <tbody>${values.map((value) => html`<${Value} key=${value.value} ...${{ value, address, slowest, fails }} />`)}
      ${tag.without && html`<${Value} value=${tag.without} name="none" ...${{ address, slowest, fails }} />`}</tbody>
    ${hidden > 0 && html`<tfoot><tr><td colspan=${fails ? 4 : 3}>${tag.values.length > FIRST_VALUES
      ? html`<button type="button" class="plain link" onClick=${() => setOpen(!open)}>${open ? "Fewer" : plural(hidden, "more value")}</button>`
      : html`<span class="faint">${plural(hidden, "more value")}</span>`}</td></tr></tfoot>`}</table>`;
}

function Value({ value, name, address, slowest, fails }) {
  const chosen = value.filter ? hasTerm(address.query.filter, value.filter) : undefined;
  const isSlow = slowest > 0 && value.p95_ns === slowest;
  return html`<tr><th scope="row"><button type="button" class="plain tag-value" disabled=${!value.filter} aria-pressed=${chosen} title=${value.filter ? `${chosen ? "Remove" : "Filter by"} ${value.filter}` : undefined}
      onClick=${() => toggleTerm(address, value.filter)}><span class="tag-fill" aria-hidden="true" style=${{ width: `${100 * value.share}%` }}></span><span class="cut ${name ? "faint" : ""}">${name ?? (value.value || "(empty)")}</span></button></th>
    <td class="number">${share(value.share)}</td>
    <td class="number ${isSlow ? "strong is-warn" : "quiet"}">${duration(value.p95_ns)}</td>
    ${fails && html`<td class="number">${value.failures ? html`<span class="is-bad" title=${`${count(value.failures)} of the ${count(value.count)} that were looked at`}>${share(value.failures / value.count)} fail</span>` : ""}</td>`}</tr>`;
}
