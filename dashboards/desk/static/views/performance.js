// Performance: a row for each entry point, or inner stage, or rpc: how often, how fast, how many fail, how it went.
import { Chart } from "../components/chart.js";
import { Guard } from "../components/guard.js";
import { Meter } from "../components/meter.js";
import { News } from "../components/news.js";
import { Sampled } from "../components/sampled.js";
import { Sparkline } from "../components/sparkline.js";
import { StageLegend } from "../components/stage_bar.js";
import { Answered, answeredClass, EmptyRange } from "../components/state.js";
import { Table } from "../components/table.js";
import { TraceTable } from "../components/trace_table.js";
import { asked, change, link } from "../lib/address.js";
import { useAnswer } from "../lib/api.js";
import { clock, count, duration, rate, share, shortName } from "../lib/format.js";
import { html } from "../lib/preact.js";
import { spanTerms } from "../lib/terms.js";
import { percentiles } from "../lib/tones.js";

const SLOWEST = 6;
const KEPT_S = 60;
const MISSED = 20; // requests that would have come: by chance none of so many do once in half a billion
const LATE_S = 15; // spans arrive so late at most
const SCOPES = [["entry", "Entry points", "what clients call"], ["inner", "Stages", "inside the services"], ["rpc", "Calls", "between the services"]];

/** address: what is shown; `scope` is of this view. */
export default function View({ address }) {
  const scope = SCOPES.some(([name]) => name === address.query.scope) ? address.query.scope : "entry";
  const summary = useAnswer("/api/summary", asked(address));
  const performance = useAnswer("/api/performance", asked(address, { scope }));
  return html`<div class="view-head"><h1>Performance</h1>
      <div class="switch" role="group" aria-label="Rows">${SCOPES.map(([name, title, hint]) => html`<button type="button" key=${name} title=${hint}
        aria-pressed=${name === scope} onClick=${() => change({ scope: name === "entry" ? null : name }, { replace: true })}>${title}</button>`)}</div>
      <span class="end"><${Sampled} sample=${performance.answer?.sample} latest=${scope !== "entry"} /></span></div>
    ${scope === "entry" && html`<${Guard} of=${address} quiet><${News} address=${address} rows=${performance.answer?.rows ?? []} /><//>`}
    <${Answered} of=${summary} empty=${(answer) => answer.count === 0} nothing=${html`<section class="card"><${EmptyRange} /></section>`}>${(answer) => html`<div class="charts">
      <section class="card card-chart"><${Chart} title="Duration of requests" unit="ns" times=${answer.times}
        series=${percentiles(answer)} /></section>
      <section class="card card-chart"><${Chart} title="Requests and failures" unit="rate" kind="bars" times=${answer.times}
        series=${requests(answer)} /></section></div>`}<//>
    ${summary.answer?.count !== 0 && html`<section class="card"><${Answered} of=${performance} empty=${(answer) => answer.rows.length === 0}
      nothing=${html`<p class="card-nothing">${scope === "entry" ? "No entry point was called in this time." : "None of these ran in this time."}</p>`}>
      ${(answer) => html`<${Rows} answer=${answer} scope=${scope} until=${address.range.until} />`}<//></section>`}
    ${scope === "entry" && html`<${Guard} of=${address}><${Slowest} address=${address} /><//>`}`;
}

function Slowest({ address }) {
  const slow = useAnswer("/api/traces", asked(address, { order: "duration", stages: true, limit: SLOWEST }));
  const rows = slow.answer?.traces ?? [];
  if (rows.length === 0) return null;
  return html`<section class="card"><div class="card-head"><h2>Slowest requests</h2><${StageLegend} rows=${rows} />
    <span class="end"><a href=${link("/traces", { order: "duration" })}>All traces</a></span></div>
    <div class=${answeredClass(slow.loading)} aria-busy=${slow.loading}><${TraceTable} caption="Slowest requests" rows=${rows} /></div></section>`;
}

const requests = ({ rates, error_rates: errors }) => [
  { name: "requests", tone: "tone-6", values: rates },
  { name: "failed", tone: "bad", values: errors },
];

function Rows({ answer, scope, until }) {
  const gap = Math.ceil(KEPT_S / answer.step_s) - 1; // what is inside is counted by the minute
  const client = answer.rows.some((row) => row.client);
  const columns = [
    { key: "operation", title: { entry: "Entry point", inner: "Stage", rpc: "Call" }[scope], link: true, cell: (row) => html`<span class="what">
      <b>${shortName(row.operation)}</b> <span class="faint what-service">${row.service}</span>${scope === "entry" && html`<${Silent} ...${{ row, answer, until }} />`}${scope !== "entry" && row.search_operation ? html` <span class="chip">${row.search_operation}</span>` : ""}
      ${scope === "rpc" && row.kind ? html` <span class="faint">${row.kind}</span>` : ""}</span>` },
    { key: "rate", title: "Rate", number: true, className: client && "roomy", hint: "requests a second", cell: (row) => html`<span title=${`${count(row.count)} in all`}>${rate(row.rate)}</span>` },
    { key: "p50", title: "p50", number: true, className: "roomy", cell: (row) => duration(row.p50_ns) },
    { key: "p95", title: "p95", number: true, cell: (row) => html`<b>${duration(row.p95_ns)}</b>` },
    { key: "p99", title: "p99", number: true, className: "roomy", cell: (row) => duration(row.p99_ns) },
    ...(client ? [
      { key: "client50", title: "client p50", number: true, className: "roomy", hint: "as the client saw it, with the way there and back", cell: (row) => html`<span class="quiet">${duration(row.client?.p50_ns)}</span>` },
      { key: "client95", title: "client p95", number: true, hint: "as the client saw it, with the way there and back", cell: (row) => html`<span class=${isFar(row) ? "is-warn strong" : "quiet"}>${duration(row.client?.p95_ns)}</span>` },
      { key: "client99", title: "client p99", number: true, className: "roomy", hint: "as the client saw it, with the way there and back", cell: (row) => html`<span class="quiet">${duration(row.client?.p99_ns)}</span>` }] : []),
    { key: "errors", title: "Errors", number: true, cell: (row) => html`<${Ratio} ratio=${row.error_ratio} tone="is-bad" />` },
    ...(scope === "entry" ? [
      { key: "rejected", title: "Rejected", number: true, className: "roomy", hint: "answered as the caller's mistake", cell: (row) => html`<${Ratio} ratio=${row.rejected_ratio} tone="is-warn" />` },
      { key: "empty", title: "Empty", number: true, className: "roomy", hint: "requests without a document", cell: (row) => html`<${Ratio} ratio=${row.empty_ratio} tone="is-info" />` }] : []),
    { key: "share", title: "Share of time", className: "roomy", hint: "of all time that these took", cell: (row) => html`<${Meter} ratio=${row.time_share} />` },
    { key: "spark", title: "p95 over time", className: "roomy", cell: (row) => html`<${Sparkline} gap=${gap} values=${row.sparkline ?? []} title=${`p95 over time, at most ${duration(Math.max(...(row.sparkline ?? []).filter(Boolean), 0))}`} />` },
  ];
  return html`<${Table} caption="Performance" columns=${columns} rows=${answer.rows} href=${(row) => hrefOf(row, answer.rows, scope)}
    keyOf=${(row) => [row.service, row.operation, row.kind, row.search_operation].join("\n")} />`;
}

/** Since when no such request began, if so many came before that it is not by chance. */
function Silent({ row, answer: { times, step_s: step }, until }) {
  const values = row.sparkline ?? [];
  const last = values.findLastIndex((value) => value != null);
  const end = Math.min(times[values.length - 1] + step, until);
  const [began, since] = [times[values.findIndex((value) => value != null)], times[last] + step];
  const missed = (row.count / Math.max(since - began, 1)) * (end - since);
  if (last < 0 || missed < MISSED || end - since < LATE_S) return null;
  return html` <span class="chip is-warn" title="None began since; clients stopped, or the service, or its telemetry">none since ${clock(since * 1000)}</span>`;
}

/** Whether clients wait much longer than the service takes: the time is spent on the way. */
const isFar = (row) => row.client && row.client.p95_ns > 1.5 * row.p95_ns && row.client.p95_ns - row.p95_ns > 20e6;

/** Where a row leads: an entry point to its summary, what is inside to the summary of the requests that have it. */
function hrefOf(row, rows, scope) {
  if (scope !== "entry") return link("/summary", { filter: spanTerms(row), operation: null, service: null, scope: null });
  const isAlone = rows.filter(({ operation }) => operation === row.operation).length === 1;
  return link("/summary", { operation: row.operation, service: isAlone ? null : row.service });
}

function Ratio({ ratio, tone }) {
  if (ratio == null) return html`<span class="faint">–</span>`;
  if (!ratio) return html`<span class="faint">0</span>`;
  return html`<span class="chip ${tone}">${share(ratio)}</span>`;
}
