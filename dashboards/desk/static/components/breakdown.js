// What came of the requests, which errors they had, and which child spans took their time.
import { address, link, traceLink } from "../lib/address.js";
import { count, duration, share, shortName } from "../lib/format.js";
import { html } from "../lib/preact.js";
import { spanTerms, withTerm } from "../lib/terms.js";
import { OUTCOMES, toneOf } from "../lib/tones.js";

const MOST_CHILDREN = 9;
const MEANS = { ok: "answered", error: "failed", rejected: "the caller's mistake", cancelled: "the caller went away", empty: "without a document" };

/** answer: of `/api/summary`. */
export function Breakdown({ answer }) {
  return html`<aside class="breakdown">
    <section class="card card-chart"><h2>Status</h2><${Outcomes} answer=${answer} /></section>
    <section class="card card-chart"><h2>Errors by type</h2><${Errors} errors=${answer.errors} sample=${answer.errors_sample} /></section>
    <section class="card card-chart"><h2>Time by child span</h2><${Children} rows=${answer.children} sample=${answer.children_sample} /></section></aside>`;
}

function Outcomes({ answer }) {
  const names = Object.keys(OUTCOMES).filter((name) => answer.outcomes[name] || name === "ok");
  const whole = names.filter((name) => name !== "empty");
  return html`<div class="stack" aria-hidden="true">${whole.map((name) => html`<i key=${name} style=${{ flexGrow: answer.outcomes[name], background: `var(--${OUTCOMES[name]})` }}></i>`)}</div>
    <ul class="list">${names.map((name) => html`<li key=${name}><i class="swatch is-block" style=${{ "--swatch": `var(--${OUTCOMES[name]})` }}></i>
      <a href=${link("/traces", { filter: withTerm(address(), filterOf(name)) })} title=${MEANS[name]}>${name}</a>
      <span class="faint">${MEANS[name]}</span><span class="end">${count(answer.outcomes[name])}</span><span class="list-share">${share(answer.outcomes[name] / answer.count)}</span></li>`)}</ul>`;
}

const filterOf = (outcome) => (outcome === "empty" ? "len_docs=0" : `outcome=${outcome}`);

/** errors: spans in which errors began, by type and service; of a sample, that is said. */
function Errors({ errors, sample }) {
  if (!errors?.length) return html`<p class="quiet">None.</p>`;
  return html`<ul class="list">${errors.map((error) => html`<li key=${`${error.type} ${error.service}`}><span class="cut"><a href=${traceLink(error.trace_id)} title=${`${error.type}: one such trace`}>${typeOf(error)}</a></span>
    <span class="faint cut">${error.service}</span><span class="end">${count(error.count)}</span></li>`)}</ul>
    ${sample && sample.traces < sample.of && html`<p class="list-note faint">Counted in ${count(sample.traces)} of ${count(sample.of)} traces with errors, the latest.</p>`}`;
}

const typeOf = (error) => error.type.split(".").at(-1) || error.type;

/** Where the time went, by span: a call outside of the process that serves it is time on the way. */
function Children({ rows, sample }) {
  if (!rows?.length) return html`<p class="quiet">No child spans.</p>`;
  return html`<ul class="list child-times">${rows.slice(0, MOST_CHILDREN).map((row) => html`<li key=${`${row.service} ${row.operation} ${row.on_the_way}`} style=${{ "--share": `${Math.min(100, row.share * 100)}%`, "--tone": row.on_the_way ? "var(--line-strong)" : `var(--${toneOf(row.service)})` }}>
    <a class="cut" title=${`${row.operation}, ${row.service}: the traces that have it`} href=${link("/traces", { filter: withTerm(address(), spanTerms(row)), order: "duration" })}>${shortName(row.operation)}</a>
    ${row.on_the_way ? html`<span class="chip" title="outside of the service that answers: network, proxies, waiting">on the way</span>` : html`<span class="faint cut">${row.service}</span>`}
    <span class="end quiet">${duration(row.time_ns)}</span><span class="list-share">${share(row.share)}</span></li>`)}</ul>
    ${sample && sample.traces < sample.of && html`<p class="list-note faint">On the critical paths of ${count(sample.traces)} of ${count(sample.of)} traces, the latest.</p>`}`;
}
