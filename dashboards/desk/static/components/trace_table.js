// Traces as a table: when, what, duration by stage, who asked, what came of it.
import { traceLink } from "../lib/address.js";
import { count, milliseconds, moment, shortName } from "../lib/format.js";
import { html } from "../lib/preact.js";
import { StageBar } from "./stage_bar.js";
import { Table } from "./table.js";

/**
 * rows: of `/api/traces?stages=true`. caption: what they are. order, onOrder: `start` or `duration`.
 * operations: whether to name each trace's operation and service.
 */
export function TraceTable({ rows, caption, order, onOrder, operations = true }) {
  const most = Math.max(...rows.map(timeOf), 1);
  const columns = [
    { key: "id", title: "Trace", link: true, cell: (row) => html`<code>${row.trace_id.slice(0, 8)}</code>` },
    { key: "start", title: "When", className: "roomy", sort: Boolean(onOrder), cell: (row) => html`<span class="quiet">${moment(milliseconds(row.start_unix_ns), { millis: false })}</span>` },
    ...(operations ? [{ key: "operation", title: "Operation", cell: (row) => html`<span class="trace-operation" title=${row.entry_operation ?? row.root_operation}>${shortName(row.entry_operation ?? row.root_operation)} <span class="faint roomy">${row.entry_service ?? row.root_service}</span></span>` }] : []),
    { key: "duration", title: "Duration, by stage", sort: Boolean(onOrder), wide: true, cell: (row) => html`<${StageBar} total=${timeOf(row)} most=${most} stages=${row.stages} />` },
    { key: "platform", title: "Platform", cell: (row) => row.platform || "–" },
    { key: "region", title: "Region", cell: (row) => row.region || "–" },
    { key: "len_docs", title: "len_docs", number: true, className: "roomy", hint: "documents of the request", cell: (row) => count(row.len_docs) },
    { key: "spans", title: "Spans", number: true, className: "roomy", cell: (row) => html`<span class="quiet">${count(row.span_count)}</span>` },
    { key: "outcome", title: "Outcome", cell: (row) => html`<${Outcome} row=${row} />` },
  ];
  return html`<${Table} caption=${caption} columns=${columns} rows=${rows} keyOf=${(row) => row.trace_id} href=${(row) => traceLink(row.trace_id)} order=${order} onOrder=${onOrder} />`;
}

const timeOf = (row) => row.duration_ns;

/** What came of a request, in a word. */
export function Outcome({ row }) {
  const outcome = row.outcome ?? (row.error_count ? "error" : "ok");
  const tone = { error: "is-bad", rejected: "is-warn", cancelled: "" }[outcome];
  const empty = row.len_docs === 0 ? html` <span class="chip is-info">no documents</span>` : row.hits === 0 ? html` <span class="chip is-info">no hits</span>` : null;
  if (tone === undefined) return html`<span class="faint">${outcome}</span>${empty}`;
  return html`<span class="chip ${tone}">${outcome}</span>${empty}`;
}
