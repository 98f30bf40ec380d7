// The table of a comparison: a row for each path from the root, with a bar for each side and the difference.
import { count, digits, duration, share } from "../../lib/format.js";
import { html } from "../../lib/preact.js";
import { badge, badgeKind } from "../trace/tones.js";

/** What of a path is compared: `[key, title, hint]`. */
export const MEASURES = [
  ["critical_ns", "critical path", "time on the critical path: adds up to the duration"],
  ["self_ns", "self", "time without that of the spans below"],
  ["duration_ns", "duration", "time with that of the spans below"],
];
/** Differences below this share of the longer side are as good as none. */
export const NEARLY = 0.005;
const UNLIKE = 0.02;

export const valueOf = (row, side, measure) => row[side]?.[measure] ?? 0;
export const deltaOf = (row, measure) => valueOf(row, "right", measure) - valueOf(row, "left", measure);

/** rows: of the API. measure: a key of `MEASURES`. ordered: by difference rather than by the tree. tone: colours. */
export function Paths({ rows, measure, ordered, tone, whole }) {
  const most = Math.max(1, ...rows.flatMap((row) => [valueOf(row, "left", measure), valueOf(row, "right", measure)]));
  const shown = ordered ? rows.filter((row) => deltaOf(row, measure) !== 0 || !row.left || !row.right).sort((one, other) => Math.abs(deltaOf(other, measure)) - Math.abs(deltaOf(one, measure))) : rows;
  const enters = entering(rows);
  return html`<div class="table-place" tabindex="0" role="region" aria-label="Paths of both sides"><table class="table paths">
    <caption class="unseen">Each path from the root, on both sides; times are of one trace, on average</caption>
    <thead><tr><th scope="col">span</th><th scope="col" class="wide">both sides</th><th scope="col" class="number side-left">left</th><th scope="col" class="number side-right">right</th>
      <th scope="col" class="number">difference</th><th scope="col" class="number paths-count" title="How many of these spans one trace has, on average">times</th></tr></thead>
    <tbody>${shown.map((row) => html`<${PathRow} key=${`${row.depth} ${row.service} ${row.name} ${row.kind} ${rows.indexOf(row)}`} ...${{ row, measure, tone, most, whole, ordered }} enters=${ordered || enters.has(row)} />`)}</tbody></table></div>`;
}

function PathRow({ row, enters, measure, tone, most, whole, ordered }) {
  const delta = deltaOf(row, measure);
  const weight = whole > 0 ? Math.abs(delta) / whole : 0;
  const kind = weight < NEARLY ? "is-same" : delta > 0 ? "is-slower" : "is-faster";
  return html`<tr class="${kind} ${weight > 0.2 ? "is-much" : ""}">
    <th scope="row" class="path" style=${{ "--level": ordered ? 0 : row.depth }}><span class="row-tone" style=${{ "--tone": tone(row.service) }} aria-hidden="true"></span>
      <span class="path-name" title="${row.name} · ${row.service}">${row.on_the_way && measure !== "duration_ns" ? html`<i>on the way of</i> ` : ""}${row.name}</span>
      ${row.op && html`<span class="op ${badgeKind(row.op)}" title=${row.op}>${badge(row.op, row.name)}</span>`}
      ${enters && html`<span class="row-service">${row.service}</span>`}
      ${!row.left && html`<span class="chip is-info">only right</span>`}${!row.right && html`<span class="chip is-info">only left</span>`}
      ${errors(row) && html`<span class="chip is-bad" title="failed spans of one trace, on average">✕ ${errors(row)}</span>`}</th>
    <td class="wide"><span class="pair-bars" aria-hidden="true">${["left", "right"].map((side) => html`<span key=${side} class="pair-bar is-${side}" style=${{ width: `${(100 * valueOf(row, side, measure)) / most}%` }}></span>`)}</span></td>
    <td class="number side-left">${row.left ? duration(row.left[measure]) : "–"}</td>
    <td class="number side-right">${row.right ? duration(row.right[measure]) : "–"}</td>
    <td class="number path-delta">${difference(delta)}</td>
    <td class="number paths-count faint">${times(row.left)} ${times(row.left) === times(row.right) ? "" : `→ ${times(row.right)}`}</td></tr>`;
}

const times = (part) => (part ? digits(part.count) : "0");

/** A difference with its sign. */
export const difference = (ns) => (ns === 0 ? "0" : `${ns > 0 ? "+" : "−"}${duration(Math.abs(ns))}`);

/** The shares of traces in which it failed, where they differ. */
function errors(row) {
  const [left, right] = [row.left?.errors ?? 0, row.right?.errors ?? 0];
  return Math.abs(left - right) >= UNLIKE ? `${share(left)} → ${share(right)}` : "";
}

/** Which rows are in another service than the row above them in the tree. */
function entering(rows) {
  const above = [];
  return new Set(rows.filter((row) => {
    above.length = row.depth + 1;
    above[row.depth] = row.service;
    return row.depth === 0 || above[row.depth - 1] !== row.service;
  }));
}

/** The spans of one trace, on average: `11 spans`. */
export const spans = (number) => `${Number.isInteger(number) ? count(number) : digits(number)} spans`;
