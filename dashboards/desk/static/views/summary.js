// Summary of an operation, in the guide's order: percentiles, status, errors, time by child; then Slow (green), Suspects
// (red) and Top tags (blue).
import { Breakdown } from "../components/breakdown.js";
import { Chart } from "../components/chart.js";
import { Guard } from "../components/guard.js";
import { Sampled } from "../components/sampled.js";
import { Scatter } from "../components/scatter.js";
import { Answered, Empty, EmptyRange } from "../components/state.js";
import { StageLegend } from "../components/stage_bar.js";
import { Suspects } from "../components/suspects.js";
import { Tags } from "../components/tags.js";
import { TraceTable } from "../components/trace_table.js";
import { asked, change, link } from "../lib/address.js";
import { useAnswer } from "../lib/api.js";
import { plural } from "../lib/format.js";
import { html } from "../lib/preact.js";
import { percentiles } from "../lib/tones.js";

const SLOW_ROWS = 8;

/** address: what is shown. Without an operation it is of all requests. */
export default function View({ address }) {
  const operation = address.query.operation;
  const summary = useAnswer("/api/summary", asked(address));
  return html`<div class="view-head"><h1>${operation ?? (address.query.filter ? "Requests" : "All requests")}</h1>
      ${!operation && address.query.filter && html`<code>${address.query.filter}</code>`}
      <span class="quiet">${summary.answer ? plural(summary.answer.count, "request") : ""}</span>
      <${Sampled} sample=${summary.answer?.sample} />
      <span class="end"><a href=${link("/compare")}>Compare slow with typical</a></span></div>
    <${Answered} of=${summary} empty=${(answer) => answer.count === 0} nothing=${html`<section class="card"><${EmptyRange} /></section>`}>
      ${(answer) => html`<${Overview} answer=${answer} address=${address} />
        <${Slow} address=${address} />
        <${Section} tone="suspects" title="Suspects" hint="what slow and failing requests share, and where their time goes"><${Suspects} address=${address} /><//>
        <${Section} tone="tags" title="Top tags" hint="share of the requests that have a value, and their p95; a click filters"><${Tags} address=${address} /><//>`}<//>`;
}

function Overview({ answer, address }) {
  const isIndex = (address.query.operation ?? "").includes("index");
  return html`<div class="overview">
    <section class="card card-chart overview-chart"><${Chart} title="Duration" unit="ns" times=${answer.times}
      series=${percentiles(answer)} />
      ${isIndex && html`<${Scatter} address=${address} />`}</section>
    <${Guard} of=${answer}><${Breakdown} answer=${answer} /><//></div>`;
}

function Slow({ address }) {
  const order = address.query.order === "start" ? "start" : "duration";
  const slow = useAnswer("/api/traces", asked(address, { order, stages: true, limit: SLOW_ROWS }));
  const rows = slow.answer?.traces ?? [];
  return html`<${Section} tone="slow" title="Slow" hint=${html`<${StageLegend} rows=${rows} />`}
      end=${html`<a href=${link("/traces", { order: "duration" })}>All traces</a>`}>
    <${Answered} of=${slow} empty=${(found) => found.traces.length === 0} nothing=${html`<${Empty} title="No traces of these are kept" />`}>
      ${(found) => html`<${TraceTable} caption="Slow traces" rows=${found.traces} operations=${!address.query.operation} order=${order}
        onOrder=${(key) => change({ order: key === "duration" ? null : key }, { replace: true })} />`}<//><//>`;
}

/** A section of the guide. tone: `slow`, `suspects`, `tags`. hint: beside its title. */
function Section({ tone, title, hint, end, children }) {
  return html`<section class="card section section-${tone}" aria-labelledby=${`section-${tone}`}><div class="card-head"><h2 id=${`section-${tone}`}>${title}</h2>
    <span class="quiet section-hint">${hint}</span>${end && html`<span class="end">${end}</span>`}</div><${Guard} of=${children}>${children}<//></section>`;
}

