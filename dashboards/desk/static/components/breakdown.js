// What came of the requests, which errors they had, and which child spans took their time.
import { address, link, traceLink } from "../lib/address.js";
import { count, duration, share, shortName } from "../lib/format.js";
import { html } from "../lib/preact.js";
import { spanTerms, withTerm } from "../lib/terms.js";
import { OUTCOMES, toneOf } from "../lib/tones.js";
import { Meter } from "./meter.js";

const MOST_CHILDREN = 9;
const MEANS = { ok: "answered", error: "failed", rejected: "the caller's mistake", cancelled: "the caller went away", empty: "without a document" };

/** answer: of `/api/summary`. */
export function Breakdown({ answer }) {
  return html`<aside class="breakdown">
    <section class="card card-chart"><h2>Status</h2><${Outcomes} answer=${answer} /></section>
    <section class="card card-chart"><h2>Errors by type</h2><${Errors} errors=${answer.errors} /></section>
    <section class="card card-chart"><h2>Time by child span</h2><${Children} rows=${answer.children} /></section></aside>`;
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

function Errors({ errors }) {
  if (!errors?.length) return html`<p class="quiet">None.</p>`;
  return html`<ul class="list">${errors.map((error) => html`<li key=${`${error.type} ${error.service}`}><span class="cut"><a href=${traceLink(error.trace_id)} title=${`${error.type}: one such trace`}>${error.type.split(".").at(-1) || error.type}</a></span>
    <span class="faint cut">${error.service}</span><span class="end">${count(error.count)}</span></li>`)}</ul>`;
}

function Children({ rows }) {
  if (!rows?.length) return html`<p class="quiet">No child spans.</p>`;
  const most = Math.max(...rows.map((row) => row.share));
  return html`<ul class="list">${rows.slice(0, MOST_CHILDREN).map((row) => html`<li key=${`${row.service} ${row.operation}`}>
    <a class="cut" title=${`${row.operation}: the traces that have it`} href=${link("/traces", { filter: withTerm(address(), spanTerms(row)), order: "duration" })}>${shortName(row.operation)}</a>
    <span class="faint cut">${row.service}</span><span class="end quiet">${duration(row.time_ns)}</span>
    <${Meter} ratio=${row.share} most=${most} tone=${toneOf(row.service)} /></li>`)}</ul>`;
}
